package s3api

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// apiError is an error as S3 answers it.
type apiError struct {
	Code    string
	Message string
	Status  int
	Header  http.Header
	Extra   [][2]string // further elements
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

var errInternal = &apiError{Code: "InternalError", Status: 500, Message: "We encountered an internal error. Please try again."}

func invalidArgument(message, name, value string) *apiError {
	return &apiError{Code: "InvalidArgument", Status: 400, Message: message, Extra: [][2]string{{"ArgumentName", name}, {"ArgumentValue", value}}}
}

func invalidRequest(message string) *apiError {
	return &apiError{Code: "InvalidRequest", Status: 400, Message: message}
}

func notImplemented(what string) *apiError {
	return &apiError{Code: "NotImplemented", Status: 501, Message: what + " is not implemented."}
}

var errMalformedXML = &apiError{Code: "MalformedXML", Status: 400, Message: "The XML you provided was not well-formed or did not validate against our published schema."}

// domainErrors maps the sentinels of objects. Texts are those of S3's error
// page where it has one.
var domainErrors = []struct {
	is      error
	code    string
	status  int
	message string
}{
	{objects.ErrNoSuchBucket, "NoSuchBucket", 404, "The specified bucket does not exist"},
	{objects.ErrNoSuchKey, "NoSuchKey", 404, "The specified key does not exist."},
	{objects.ErrNoSuchUpload, "NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	{objects.ErrBucketNotEmpty, "BucketNotEmpty", 409, "The bucket you tried to delete is not empty"},
	{objects.ErrInvalidBucketName, "InvalidBucketName", 400, "The specified bucket is not valid."},
	{objects.ErrInvalidKey, "InvalidURI", 400, "Couldn't parse the specified URI."},
	{objects.ErrKeyTooLong, "KeyTooLongError", 400, "Your key is too long"},
	{objects.ErrInvalidPart, "InvalidPart", 400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	{objects.ErrInvalidPartOrder, "InvalidPartOrder", 400, "The list of parts was not in ascending order. Parts must be ordered by part number."},
	{objects.ErrInvalidPartNumber, "InvalidArgument", 400, "Part number must be an integer between 1 and 10000, inclusive"},
	{objects.ErrEntityTooSmall, "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size"},
	{objects.ErrEntityTooLarge, "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size"},
	{objects.ErrInvalidRange, "InvalidRange", 416, "The requested range is not satisfiable"},
	{objects.ErrPreconditionFailed, "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"},
	{objects.ErrBadChecksum, "BadDigest", 400, "The checksum you specified did not match the calculated checksum."},
	{objects.ErrSizeMismatch, "IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	{objects.ErrNoSpace, "ServiceUnavailable", 503, "The disk is full. Free space and try again."},
	{objects.ErrBucketAlreadyExists, "BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	{objects.ErrBucketAlreadyOwnedByYou, "BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it."},
	{objects.ErrAccessDenied, "AccessDenied", 403, "Access Denied"},
	{objects.ErrDenied, "AccessDenied", 403, "The object store behind this server denies access"},
	{objects.ErrInvalidLocation, "InvalidLocationConstraint", 400, "The specified location-constraint is not valid"},
	{objects.ErrIllegalLocation, "IllegalLocationConstraintException", 400, "The location constraint is incompatible for the region specific endpoint this request was sent to."},
	{objects.ErrNotModified, "NotModified", 304, "Not Modified"},
	{objects.ErrMetadataTooLarge, "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size"},
	{objects.ErrTooManyTags, "BadRequest", 400, "Bucket tag count cannot be greater than 50"},
	{objects.ErrInvalidTag, "InvalidTag", 400, "The tag provided was not a valid tag. This error can occur if the tag did not pass input validation."},
	{objects.ErrMalformedPolicy, "MalformedPolicy", 400, "This policy contains invalid Json"},
	{objects.ErrPolicyUnheard, "NotImplemented", 501, "A bucket policy that denies access, or grants it to everyone or to other accounts, is not implemented."},
	{objects.ErrTooManyKeys, "MalformedXML", 400, errMalformedXML.Message},
	{objects.ErrCopyToSelf, "InvalidRequest", 400, "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."},
	{objects.ErrUnsupportedChecksumShape, "InvalidRequest", 400, "The checksum algorithm and the checksum type cannot be used together, or one of them is not supported."},
}

// mapError turns an error into what the client sees, or returns nil for one
// that it must not see.
func mapError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		code, status := e.S3()
		out := &apiError{Code: code, Status: status, Message: e.Message}
		switch e.Kind {
		case sigv4.Missing:
			out.Message = "Access Denied"
		case sigv4.UnknownKey:
			out.Message = "The AWS Access Key Id you provided does not exist in our records."
		case sigv4.Mismatch:
			out.Message = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
		case sigv4.InvalidToken:
			out.Message = "The provided token is malformed or otherwise invalid."
		case sigv4.Skewed:
			out.Extra = [][2]string{{"ServerTime", time.Now().UTC().Format(timeXML)}}
		}
		return out
	}
	if e, ok := errors.AsType[*awsproto.Error](err); ok {
		return &apiError{Code: e.Code, Status: e.Status, Message: e.Message}
	}
	for _, d := range domainErrors {
		if !errors.Is(err, d.is) {
			continue
		}
		out := &apiError{Code: d.code, Status: d.status, Message: d.message}
		if e, ok := errors.AsType[*objects.RangeError](err); ok {
			out.Header = http.Header{"Content-Range": {"bytes */" + strconv.FormatInt(e.Size, 10)}}
			out.Extra = [][2]string{{"ActualObjectSize", strconv.FormatInt(e.Size, 10)}}
		}
		if e, ok := errors.AsType[*objects.NotModified](err); ok {
			out.Header = http.Header{"Etag": {quote(e.Object.ETag)}, "Last-Modified": {e.Object.Modified.UTC().Format(http.TimeFormat)}}
		}
		return out
	}
	return nil
}

func (e *apiError) render(c *call) []byte {
	var x xmlWriter
	x.begin("Error", "")
	x.text("Code", e.Code)
	x.text("Message", e.Message)
	switch e.Code {
	case "NoSuchKey":
		x.text("Key", c.key)
	case "NoSuchBucket", "BucketNotEmpty", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "InvalidBucketName":
		x.text("BucketName", c.bucket)
	}
	for _, p := range e.Extra {
		x.text(p[0], p[1])
	}
	resource := "/" + c.bucket
	if c.key != "" {
		resource += "/" + c.key
	}
	x.text("Resource", resource)
	x.text("RequestId", c.requestID)
	x.end("Error")
	return x.bytes()
}
