package sigv4

import "errors"

// Kind says why a request was not authenticated or its body was refused.
type Kind int

// The kinds of failure. Each has one code and status per protocol family, see
// Error.S3, Error.JSON and Error.Query.
const (
	Missing             Kind = iota + 1 // no credentials at all
	Incomplete                          // an Authorization header that cannot be parsed or lacks a part
	IncompleteQuery                     // presigned parameters that cannot be parsed or lack a part
	Unsupported                         // a signature version other than AWS4-HMAC-SHA256
	UnknownKey                          // the access key does not exist
	InvalidToken                        // a session token that was not issued here
	ExpiredToken                        // a session token that has expired
	Mismatch                            // the signature is another one
	Skewed                              // the clocks are too far apart
	Expired                             // a presigned URL past its time
	NotYetValid                         // a presigned URL dated in the future
	HeadersNotSigned                    // host or an x-amz-* header is present and not signed
	PayloadMismatch                     // x-amz-content-sha256 is not the hash of the body
	InvalidPayloadHash                  // x-amz-content-sha256 is neither a hash nor a known constant
	BadDigest                           // Content-MD5 or a checksum is not that of the body
	InvalidDigest                       // Content-MD5 or a checksum is malformed
	IncompleteBody                      // the body ended early or its framing is broken
	MissingLength                       // an aws-chunked body without x-amz-decoded-content-length
	MalformedTrailer                    // the trailer announced is missing or unreadable
	UnsupportedChecksum                 // a checksum algorithm that is not known, or more than one
)

// Error is a refusal that the caller of the API must see. Message is public.
type Error struct {
	Kind    Kind
	Message string
}

func (e *Error) Error() string { return "sigv4: " + e.Message }

// Is makes errors.Is(err, &Error{Kind: k}) test the kind only.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// KindOf returns the kind of the *Error in err's chain, or 0.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

type rendering struct {
	code   string
	status int
}

// Codes and statuses of S3 (error responses page of the S3 API reference).
var s3Rendering = map[Kind]rendering{
	Missing:             {"AccessDenied", 403},
	Incomplete:          {"AuthorizationHeaderMalformed", 400},
	IncompleteQuery:     {"AuthorizationQueryParametersError", 400},
	Unsupported:         {"InvalidRequest", 400},
	UnknownKey:          {"InvalidAccessKeyId", 403},
	InvalidToken:        {"InvalidToken", 400},
	ExpiredToken:        {"ExpiredToken", 400},
	Mismatch:            {"SignatureDoesNotMatch", 403},
	Skewed:              {"RequestTimeTooSkewed", 403},
	Expired:             {"AccessDenied", 403},
	NotYetValid:         {"AccessDenied", 403},
	HeadersNotSigned:    {"AccessDenied", 403},
	PayloadMismatch:     {"XAmzContentSHA256Mismatch", 400},
	InvalidPayloadHash:  {"InvalidArgument", 400},
	BadDigest:           {"BadDigest", 400},
	InvalidDigest:       {"InvalidDigest", 400},
	IncompleteBody:      {"IncompleteBody", 400},
	MissingLength:       {"MissingContentLength", 411},
	MalformedTrailer:    {"MalformedTrailerError", 400},
	UnsupportedChecksum: {"InvalidRequest", 400},
}

// Codes and statuses of the JSON services (Common Errors of CloudWatch Logs;
// statuses as observed: the JSON front end answers 400 to all of them).
var jsonRendering = map[Kind]rendering{
	Missing:             {"MissingAuthenticationTokenException", 400},
	Incomplete:          {"IncompleteSignatureException", 400},
	IncompleteQuery:     {"IncompleteSignatureException", 400},
	Unsupported:         {"IncompleteSignatureException", 400},
	UnknownKey:          {"UnrecognizedClientException", 400},
	InvalidToken:        {"UnrecognizedClientException", 400},
	ExpiredToken:        {"ExpiredTokenException", 400},
	Mismatch:            {"InvalidSignatureException", 400},
	Skewed:              {"InvalidSignatureException", 400},
	Expired:             {"InvalidSignatureException", 400},
	NotYetValid:         {"InvalidSignatureException", 400},
	HeadersNotSigned:    {"InvalidSignatureException", 400},
	PayloadMismatch:     {"InvalidSignatureException", 400},
	InvalidPayloadHash:  {"InvalidSignatureException", 400},
	BadDigest:           {"InvalidSignatureException", 400},
	InvalidDigest:       {"InvalidSignatureException", 400},
	IncompleteBody:      {"SerializationException", 400},
	MissingLength:       {"SerializationException", 400},
	MalformedTrailer:    {"SerializationException", 400},
	UnsupportedChecksum: {"SerializationException", 400},
}

// Codes and statuses of the query services (STS, IAM common errors).
var queryRendering = map[Kind]rendering{
	Missing:         {"MissingAuthenticationToken", 403},
	Incomplete:      {"IncompleteSignature", 400},
	IncompleteQuery: {"IncompleteSignature", 400},
	Unsupported:     {"IncompleteSignature", 400},
	UnknownKey:      {"InvalidClientTokenId", 403},
	InvalidToken:    {"InvalidClientTokenId", 403},
	ExpiredToken:    {"ExpiredToken", 403},
	Skewed:          {"SignatureDoesNotMatch", 403},
	Expired:         {"SignatureDoesNotMatch", 403},
}

// S3 returns the error code and HTTP status that S3 answers.
func (e *Error) S3() (code string, status int) {
	r, ok := s3Rendering[e.Kind]
	if !ok {
		return "AccessDenied", 403
	}
	return r.code, r.status
}

// JSON returns the error code and HTTP status that the JSON services answer.
func (e *Error) JSON() (code string, status int) {
	r, ok := jsonRendering[e.Kind]
	if !ok {
		return "InvalidSignatureException", 400
	}
	return r.code, r.status
}

// Query returns the error code and HTTP status that STS and IAM answer.
func (e *Error) Query() (code string, status int) {
	r, ok := queryRendering[e.Kind]
	if !ok {
		return "SignatureDoesNotMatch", 403
	}
	return r.code, r.status
}

func refuse(k Kind, message string) *Error { return &Error{Kind: k, Message: message} }

const (
	textMissing     = "Missing Authentication Token"
	textUnsupported = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
	textUnknown     = "The security token included in the request is invalid."
	textMismatch    = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
