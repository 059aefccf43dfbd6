// Package anomaly finds what is unusual in a stream of log messages: messages as
// there were none before, far more or far fewer of a kind than usual, values that a
// token did not have before, and surges of HTTP errors. It does no I/O; who owns a
// Detector gives it messages and the clock, and keeps its state.
//
// # Method
//
// Messages are counted by pattern (package query/cluster) in evaluations, ranges of
// time of equal length. For each pattern the Detector keeps how many messages an evaluation has at each
// hour of the day (an average that forgets over a week), and how much
// more than by chance that varies. Counts are taken to be negative binomial: with mean μ and dispersion 1/k
// the probability of a count as far out as x is at most exp(-D),
//
//	D = x ln(x/μ) - (x+k) ln((x+k)/(μ+k)).
//
// A count is unusual when D exceeds the logarithm of how many counts are looked at in ten
// days, so that chance alone gives one false alarm in ten days. It must also be at least 2.5 times the mean,
// or, summed over successive evaluations, at most a third. What all patterns do together, up to
// a factor of 2, is traffic and no anomaly of each.
//
// Patterns and values that are new are reported; in logs that have new ones all the time only those that
// come with the most messages are, so that there are a few a day (see limiter).
//
// docs/anomalies.md has the details and how well it works.
package anomaly
