package s3api

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// Every error of the service has its code; what is not listed stays inside.
func TestMapError(t *testing.T) {
	for err, want := range map[error]string{
		objects.ErrNoSuchBucket:                      "NoSuchBucket 404",
		objects.ErrNoSuchKey:                         "NoSuchKey 404",
		objects.ErrNoSuchUpload:                      "NoSuchUpload 404",
		objects.ErrBucketNotEmpty:                    "BucketNotEmpty 409",
		objects.ErrInvalidBucketName:                 "InvalidBucketName 400",
		objects.ErrInvalidKey:                        "InvalidURI 400",
		objects.ErrKeyTooLong:                        "KeyTooLongError 400",
		objects.ErrInvalidPart:                       "InvalidPart 400",
		objects.ErrInvalidPartOrder:                  "InvalidPartOrder 400",
		objects.ErrInvalidPartNumber:                 "InvalidArgument 400",
		objects.ErrEntityTooSmall:                    "EntityTooSmall 400",
		objects.ErrEntityTooLarge:                    "EntityTooLarge 400",
		objects.ErrInvalidRange:                      "InvalidRange 416",
		&objects.RangeError{Size: 1}:                 "InvalidRange 416",
		objects.ErrPreconditionFailed:                "PreconditionFailed 412",
		objects.ErrBadChecksum:                       "BadDigest 400",
		objects.ErrSizeMismatch:                      "IncompleteBody 400",
		objects.ErrNoSpace:                           "ServiceUnavailable 503",
		objects.ErrDenied:                            "AccessDenied 403",
		objects.ErrBucketAlreadyExists:               "BucketAlreadyExists 409",
		objects.ErrBucketAlreadyOwnedByYou:           "BucketAlreadyOwnedByYou 409",
		objects.ErrAccessDenied:                      "AccessDenied 403",
		objects.ErrInvalidLocation:                   "InvalidLocationConstraint 400",
		objects.ErrIllegalLocation:                   "IllegalLocationConstraintException 400",
		objects.ErrNotModified:                       "NotModified 304",
		&objects.NotModified{}:                       "NotModified 304",
		objects.ErrMetadataTooLarge:                  "MetadataTooLarge 400",
		objects.ErrTooManyKeys:                       "MalformedXML 400",
		objects.ErrTooManyTags:                       "BadRequest 400",
		objects.ErrInvalidTag:                        "InvalidTag 400",
		objects.ErrMalformedPolicy:                   "MalformedPolicy 400",
		objects.ErrPolicyUnheard:                     "NotImplemented 501",
		objects.ErrCopyToSelf:                        "InvalidRequest 400",
		objects.ErrUnsupportedChecksumShape:          "InvalidRequest 400",
		&sigv4.Error{Kind: sigv4.Mismatch}:           "SignatureDoesNotMatch 403",
		&sigv4.Error{Kind: sigv4.PayloadMismatch}:    "XAmzContentSHA256Mismatch 400",
		errors.Join(errMalformedXML, errors.New("")): "MalformedXML 400",
	} {
		e := mapError(fmt.Errorf("wrapped: %w", err))
		if e == nil {
			t.Errorf("%v is not mapped", err)
		} else if got := fmt.Sprint(e.Code, " ", e.Status); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
	for _, err := range []error{io.EOF, errors.New("disk on fire")} {
		if e := mapError(err); e != nil {
			t.Errorf("%v gets out as %v", err, e)
		}
	}
}

// Every operation of the table can be reached by a name that route gives.
func TestOperationNames(t *testing.T) {
	named := map[string]bool{}
	for _, table := range []map[string]string{bucketSubresources, objectSubresources} {
		for _, noun := range table {
			for _, verb := range verbs {
				named[verb+noun] = true
			}
		}
	}
	for _, name := range []string{"ListBuckets", "CreateBucket", "HeadBucket", "DeleteBucket", "ListObjects", "ListObjectsV2", "ListObjectVersions", "DeleteObjects",
		"PutObject", "GetObject", "HeadObject", "CopyObject", "DeleteObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy",
		"CompleteMultipartUpload", "AbortMultipartUpload", "ListParts", "ListMultipartUploads", "DeleteBucketLifecycle"} {
		named[name] = true
	}
	for name := range operations {
		if !named[name] {
			t.Errorf("%s cannot be reached", name)
		}
	}
}
