// Package discover finds the fields of messages that are no JSON: lines of Lambda
// functions, VPC flow logs and Route 53 query logs. What a message is follows
// from its text alone.
//
// A line of a Lambda function is one that begins with START, END or REPORT and a
// request id, or that has a time and then a request id at its beginning, as the
// runtimes write them. It also has the fields of the first JSON object in it, but
// not of one behind more than 16 braces and brackets that begin none (ours).
//
// Names are flattened: keys and indexes of arrays are joined by dots, and a key of
// the message that begins with @ has another @ before it. An array is a list, an
// object is no field. Of members with the same name the last one counts.
package discover
