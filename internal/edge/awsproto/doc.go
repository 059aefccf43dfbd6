// Package awsproto holds the codecs of the AWS protocols that Cumulog speaks:
// a strict decoder and a fast encoder for AWS JSON 1.1, the constraint checks
// that generated shapes call, the wire error, and XML answers of the Query
// protocol. It knows no operation and does no I/O.
//
// Shapes of a service that speaks several protocols (a [Shape]) read from a [Source] and write
// to a [Sink]; there is one of each for JSON, for RPC v2 CBOR and for the forms and XML of
// Query. [Errors] renders its errors in each.
//
// Rules of the JSON decoder, for which see [Decoder]:
//
//   - The whole text must be one JSON object in valid UTF-8. Malformed text,
//     invalid UTF-8, text after the object, a wrong JSON type, a number out
//     of range and a nesting deeper than [MaxDepth] are refused with
//     SerializationException. An empty body stands for {}.
//   - A null member is an absent member; null inside a list or as a map value
//     is refused. Unknown members are checked for syntax and ignored.
//     Of duplicate members the last one wins.
//   - Integers may be written as 1.0 or 1e3 as long as the value is integral,
//     as the Java SDK's parser on the AWS side accepts them.
//   - A lone surrogate escape such as \ud800 decodes as U+FFFD.
//
// Constraint failures give AWS's sentence, for which see [Violations]. The
// length of a string is counted in Unicode code points, as the Smithy
// specification of the length trait demands.
package awsproto
