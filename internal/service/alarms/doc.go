// Package alarms keeps metric alarms and composite alarms, evaluates them on a
// clock, and puts the actions of a changed state into the outbox, which package
// actions empties.
//
// # Metric alarms
//
// An alarm watches one metric or one math expression in windows as long as its
// period. Alarms with a period below a minute are evaluated every ten seconds, all others
// every minute, a few seconds later, so that what was written in the window is
// counted. The windows end at that minute (or those ten seconds), whatever the period: a period of an hour
// slides by a minute. Beside the evaluation periods of the alarm two more are read (ours: the
// real service reads "a higher number"); see evaluate.go for what missing data
// means.
//
// # Composite alarms
//
// A composite alarm is evaluated when one of the alarms that its rule names has changed,
// and when it is created or changed. A rule that would make a cycle is refused
// (ours: the real service takes it and stops evaluating).
//
// # States and actions
//
// A change of a state, its line of history and one message in the outbox for each
// action are one transaction: after a crash either all of them are there or none. Nothing is
// written when the state stays. History is kept for 30 days, also of alarms that
// are deleted.
//
// All alarms are held in memory and in the catalog.
package alarms
