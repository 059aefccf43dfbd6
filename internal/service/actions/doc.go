// Package actions does what others put into the outbox: it hands each message to the target of its ARN
// until the target has taken it.
//
// An action is done at least once: its message leaves the outbox, and gets its line of history, in the transaction after the
// target took it; after a crash between the two it is handed over again, under the same name. Actions of
// one target are done in the order in which they came up, one at a time; a target that is slow or away
// holds up no other.
//
// An action that the target may take later is tried again after growing pauses, and given up after a day. One that the
// target refuses, and one whose ARN has no target, is given up at once. What is given up leaves a line of history
// and one in the log.
package actions
