// Package ingest decides what happens to a batch of log events: the rules of
// PutLogEvents. It owns the limits, the order of checks, the acceptance window
// and the report on what was rejected. It parses no request and stores
// nothing itself: the accepted part of a batch goes to the store in one call, and
// the batch's memory goes with it.
//
// Order of checks: shape of the batch (event size, batch size, chronological
// order, 24-hour span), the group, the stream, then the acceptance window. The
// span counts only events inside the window, and the window of a group with a retention
// is narrower, so the group is looked up before the span is measured; a
// missing group is nevertheless reported after the span.
//
// Sequence tokens are not looked at: the service has ignored them since January 2023,
// and every answer still carries one.
//
// Entities. The real service attaches the entity of a request to its events for
// later queries. Nothing here can query entities yet, so they are not kept, and the
// answer says so: an entity that breaks a rule is reported with its rule, and a correct
// one with UnsupportedLogGroupType, the service's own word for "this group
// takes no entities". Events are stored in either case, as on the service.
package ingest
