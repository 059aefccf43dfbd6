// Package s3api serves the REST-XML protocol of Amazon S3 on objects.Service:
// routing by method, path, Host and subresource, request headers in, response
// headers and XML out. It owns the mapping of domain errors to S3's codes
// (errors.go) and the table of operations (operations.go).
//
// Addressing is path style (/bucket/key) or virtual-host style: the bucket is
// what stands before ".s3.", before a domain of Options.Domains, or before
// ".localhost" in Host. Keys that begin with "_/" cannot be reached in
// virtual-host style, since "/_/" belongs to the console.
//
// What is not built answers 501 NotImplemented and names the operation or the
// header; nothing is accepted and forgotten. Questions about features that
// are absent (versioning, policy, tagging, …) are answered as S3 answers for a
// bucket that does not use them.
//
// Neighbours: server builds the handler with New and hands it to awshttp's
// router. In open mode (Options.Verifier nil) anonymous requests are served as
// the default account; with a Verifier every request must be signed.
package s3api
