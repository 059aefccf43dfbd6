// Package subscriptions owns what forwards log events while they arrive: subscription filters of groups, destinations with
// their policies, account policies, and the deliveries of all of them.
//
// The store is the queue (docs/adr/0010-monitoring.md). Each filter has a durable position, the log sequence number up to
// which its target has taken everything, and pulls the batches behind it. Nothing is kept for a target that is slow or away:
// what it did not take is read again. A batch is repeated whole when the server stops between the answer of the target and
// the new position.
package subscriptions
