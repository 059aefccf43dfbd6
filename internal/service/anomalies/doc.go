// Package anomalies keeps log anomaly detectors and what they find. What is
// unusual is decided by package engine/anomaly; this package gives it the events
// of the groups, remembers its findings, and lets users suppress them.
//
// # Life of a detector
//
// A detector is INITIALIZING until Run has seen it, TRAINING while it reads the
// last two weeks of its group, then ANALYZING. A detector that is disabled is
// PAUSED: it reads nothing, and when it is enabled again it goes on with the events
// that come from then on. A detector whose evaluation frequency or filter
// pattern changes is trained anew. When its files cannot be read or written it is FAILED, and Run
// tries again.
//
// # Exactly once
//
// What a detector has learned, its findings, and the position in the feed up to
// which it is done are one file, which is replaced as a whole. After a crash the events
// behind the position come again, and nothing of them was kept.
package anomalies
