// Package livetail shows events while they arrive. A session watches some groups
// and gets what matches in updates: one a second, as StartLiveTail sends them,
// or as soon as there is something, as the console and `cumulog tail -f` want it.
//
// One goroutine (Service.Run) follows the store's feed for all sessions. It
// looks at each batch of a watched group once: sessions with the same pattern
// share its matcher, and a message is copied once however many take it. Sessions
// hold a bounded number of events and bytes; what does not fit is left out by
// chance, every event with the same one, and the update says so. A session that
// is not read, or a feed that is faster than the matching, costs events of
// sessions, never room or time of those who send.
package livetail
