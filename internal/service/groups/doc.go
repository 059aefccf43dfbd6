// Package groups owns the rules of log groups and log streams: creating,
// deleting, listing, retention, deletion protection, tags, and turning names
// and ARNs into ids. It is the foot of the services: ingest, events and exports
// resolve through it.
//
// # For the neighbours
//
//   - Resolve and ResolveStream answer from a bounded cache without touching the
//     catalog. A group or stream whose deletion has returned is never resolved
//     again, and one whose creation has returned always is: nothing is cached
//     about names that do not exist.
//   - Ref holds the pair "logGroupName xor logGroupIdentifier"; ResolveRef
//     applies the rule and its errors.
//   - ParameterError carries a complete sentence for the caller. Other services
//     may return it too; the edge turns it into InvalidParameterException.
//   - SequenceToken makes the 56-digit tokens that old clients expect.
//   - Paging tokens are logs.EncodeToken and logs.DecodeToken.
//
// The package does not check what the request model already constrains (lengths,
// alphabets, enumerations, ranges of limits); the edge has done that.
package groups
