// Package explore answers what people ask of logs before they know what to search
// for: how many events there are over time, which values fields have, and which
// fields there are. It asks the query executor, and samples events for the fields.
// It owns no state and starts no goroutine of its own.
package explore
