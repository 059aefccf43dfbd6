// Package querytest is what the tests of queries share: random events (Rows),
// random plans (Generator), and an evaluator that runs a plan one row after the
// other (Naive), so simple that it can be trusted. Its own tests run the executor
// over a real store against it.
package querytest
