// Package events answers the reading calls: GetLogEvents, FilterLogEvents and
// GetLogRecord. It owns their cursors, page limits and visibility rules; names
// and ids are the business of groups, and finding events that of the store.
//
// Cursors are positions (logs.Key) in the order of events, never offsets. An
// event keeps its position for life, so flushes, merges and restarts cannot
// break a token. An event that arrives late, with a position before a cursor,
// is not revisited by that cursor, as on the real service. Tokens of
// FilterLogEvents are accepted for 24 hours, as there; those of GetLogEvents, which
// followers keep for long, as long as their stream exists.
//
// A page holds at most 10,000 events and 1 MiB, counting 26 bytes beside each
// message. Events past the retention of their group are invisible at once,
// whether or not their bytes are still on disk. Only the Standard class can be
// read this way.
//
// There is no masking policy yet, so every message is shown as it was sent,
// with unmask or without.
package events
