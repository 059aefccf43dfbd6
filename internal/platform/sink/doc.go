// Package sink hands messages to what an ARN stands for: HTTP services, buckets, streams, functions, brokers.
//
// What an ARN means is configuration: the targets file lists patterns of ARNs and, for each, a connector with its settings
// (docs/targets.md). Load reads it into a Registry, which finds the Sink of an ARN. A connector opens no connection before
// the first message, and none that the file does not name. What is to be sent, when, and again after an error, is the
// caller's business: a Sink tries once.
package sink
