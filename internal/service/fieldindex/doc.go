// Package fieldindex keeps the index policies of log groups and tells which fields
// of a group are indexed.
//
// The store keeps the fields of messages in columns and skips blocks by what they
// hold, whatever the policies say: a policy decides what filterIndex
// accepts, not what is fast. An index therefore covers events that are
// older than its policy, too. As on the real service it reaches 30 days
// back, and a field that a policy named stays indexed for 30 days after the policy
// was changed or deleted.
package fieldindex
