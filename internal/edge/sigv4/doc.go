// Package sigv4 verifies AWS Signature Version 4 on the server side: header
// and presigned query authentication, chunk signatures, payload hashes and
// the checksums that travel in headers and trailers. It owns the decoding of
// aws-chunked bodies, signed or not.
//
// It knows nothing about services: an edge calls Parse to learn the scope a
// request claims, Verifier.Verify (JSON and query services, body in memory) or
// Verifier.VerifyRequest plus NewBody (S3, body as a stream), and renders an
// *Error with its S3, JSON or Query method.
//
// In open mode no key is looked up: use Parse for the claimed scope and
// NewBody for the body; chunks are still decoded and content hashes, lengths
// and checksums are still checked, only signatures are not.
//
// Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// and https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html.
package sigv4
