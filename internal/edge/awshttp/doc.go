// Package awshttp is the HTTP side that all AWS services of Cumulog share:
// one port for every protocol ([NewRouter]), one entry for the services with
// targets, in JSON and RPC v2 CBOR ([NewHandler]), and one for the Query services
// ([NewQueryHandler]). A service that speaks all three is a [ShapeService].
// It owns request ids, body limits, decompression, authentication, recovery from panics and
// the one place per protocol that writes a success or an error. It knows no
// operation.
//
// A handler gets a context with a [Caller] and a decoded input, or the bare
// body, and returns an output or an error. Errors become wire errors by
// [Service.MapError]; an *awsproto.Error anywhere in the chain passes as it
// is; anything else is an InternalFailure with the request id, whose cause
// stands in the log only.
//
// Checks run in this order: method, body (limit, truncation),
// authentication, target and operation, decompression, decoding, constraints.
package awshttp
