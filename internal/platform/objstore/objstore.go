// Package objstore is the seam to object storage: buckets of keyed objects with
// the operations that S3 has. Local keeps objects as plain files below one
// directory; Remote is a client of any S3 elsewhere. objstoretest holds the
// conformance suite that both pass.
//
// The package knows nothing of HTTP, accounts' rights or S3's error codes:
// that is for service/objects and the edge. Its errors are the sentinels
// below, wrapped with what was being done.
//
// The layout on disk is described in docs/formats/objects.md.
package objstore

import (
	"context"
	"errors"
	"io"
	"time"
)

// The errors of a Store. They are wrapped; test with errors.Is.
var (
	ErrNoSuchBucket       = errors.New("no such bucket")
	ErrNoSuchKey          = errors.New("no such key")
	ErrNoSuchUpload       = errors.New("no such multipart upload")
	ErrBucketExists       = errors.New("bucket exists")
	ErrBucketNotEmpty     = errors.New("bucket is not empty")
	ErrInvalidBucketName  = errors.New("invalid bucket name")
	ErrInvalidKey         = errors.New("invalid key")
	ErrKeyTooLong         = errors.New("key is longer than 1024 bytes")
	ErrInvalidPart        = errors.New("a part is missing or its etag differs")
	ErrInvalidPartOrder   = errors.New("parts are not in ascending order")
	ErrInvalidPartNumber  = errors.New("part number is not between 1 and 10000")
	ErrEntityTooSmall     = errors.New("a part other than the last is smaller than 5 MiB")
	ErrEntityTooLarge     = errors.New("object is larger than allowed")
	ErrInvalidRange       = errors.New("range cannot be satisfied")
	ErrPreconditionFailed = errors.New("precondition failed")
	ErrBadChecksum        = errors.New("checksum differs")
	ErrSizeMismatch       = errors.New("body is not of the announced size")
	ErrNoSpace            = errors.New("no space left for objects")
	ErrCorrupt            = errors.New("object metadata is damaged")
	ErrClosed             = errors.New("object store is closed")
	ErrDenied             = errors.New("the remote store denies access") // Remote only
)

// Limits of S3.
const (
	MaxKey        = 1024    // bytes of a key
	MaxPart       = 10000   // highest part number
	MinPartSize   = 5 << 20 // of every part but the last
	MaxObjectSize = 5 << 40 // 5 TiB
	MaxListLimit  = 1000    // entries of a page
)

// Bucket is a container of objects. Names are unique in a Store.
type Bucket struct {
	Name    string
	Account string // owner; "" when the store does not know (Remote)
	Region  string // "" when the store does not know
	Created time.Time
}

// Metadata is what a client says about an object and gets back unchanged.
type Metadata struct {
	ContentType        string            `json:"contentType,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	Expires            string            `json:"expires,omitempty"`
	User               map[string]string `json:"user,omitempty"` // x-amz-meta-*, lower-case names without the prefix
}

// Checksum is one of S3's additional checksums.
type Checksum struct {
	Algorithm string `json:"algorithm,omitempty"` // CRC32, CRC32C, CRC64NVME, SHA1, SHA256; "" = none
	Value     string `json:"value,omitempty"`     // base64; composite ones end in -N
	Composite bool   `json:"composite,omitempty"` // of the parts' checksums rather than of the content
}

// Object describes a stored object.
type Object struct {
	Key      string
	Size     int64
	ETag     string // without quotes: MD5 in hex, or MD5 of the parts' MD5s and -N
	Modified time.Time
	Metadata Metadata
	Checksum Checksum
}

// PutOptions goes with Put and CompleteUpload.
type PutOptions struct {
	Metadata Metadata
	// IfNoneMatch makes the write fail with ErrPreconditionFailed when the
	// key exists; IfMatch when its current ETag is another one (ErrNoSuchKey
	// when it does not exist). Both are decided atomically with the write.
	IfNoneMatch bool
	IfMatch     string
	// Checksum, when set, is called once after the reader has returned
	// io.EOF and before the object becomes visible; its result is stored.
	Checksum func() Checksum
}

// CopyOptions goes with Copy.
type CopyOptions struct {
	PutOptions
	// Replace takes PutOptions.Metadata for the copy instead of the
	// source's.
	Replace bool
	// SourceIfMatch fails the copy with ErrPreconditionFailed when the
	// source's ETag is another one; "" accepts any.
	SourceIfMatch string
}

// Range selects bytes of an object. First ≥ 0: from First to Last inclusive, or
// to the end when Last < 0 or beyond it. First < 0: the last -First bytes.
type Range struct{ First, Last int64 }

// Reader is an open object. It shows one version to its end, whatever happens
// to the key meanwhile. The caller closes it.
type Reader struct {
	io.ReadCloser
	Object Object
	First  int64 // offset of the first byte that Read returns
	Length int64 // number of bytes that Read returns
}

// ListOptions selects a page of keys in the order of their bytes.
type ListOptions struct {
	Prefix    string
	Delimiter string // keys that hold it after Prefix are rolled up
	// After starts behind a key. When it equals a rolled-up prefix, the keys
	// under that prefix are skipped too, so Page.Next always continues.
	After string
	Limit int // 0 means MaxListLimit; at most that
}

// Page is one page of a listing. Objects and Prefixes are each sorted;
// together they hold at most Limit entries. Metadata of the objects is not
// filled in.
type Page struct {
	Objects  []Object
	Prefixes []string
	Next     string // ListOptions.After of the next page; "" at the end
}

// Upload is a multipart upload under way.
type Upload struct {
	ID        string
	Key       string
	Initiated time.Time
	Metadata  Metadata
	// Checksum is the algorithm and type that the client asked for.
	Checksum Checksum
}

// Part is an uploaded part.
type Part struct {
	Number   int
	Size     int64
	ETag     string
	Modified time.Time
	Checksum Checksum
}

// CompletedPart names a part in CompleteUpload. A checksum value is compared
// when it is not "".
type CompletedPart struct {
	Number   int
	ETag     string
	Checksum Checksum
}

// CompleteOptions goes with CompleteUpload.
type CompleteOptions struct {
	IfNoneMatch bool
	IfMatch     string
	Checksum    Checksum // of the whole object; compared when Value is not ""
	Size        int64    // compared when ≥ 0
}

// UploadPage is one page of uploads, sorted by key, then by id.
type UploadPage struct {
	Uploads   []Upload
	Prefixes  []string
	Truncated bool
	NextKey   string
	NextID    string
}

// UploadListOptions selects a page of uploads.
type UploadListOptions struct {
	Prefix, Delimiter string
	AfterKey, AfterID string // as UploadPage.NextKey and NextID; AfterID may be ""
	Limit             int
}

// Store is object storage. Implementations are safe for concurrent use. A write
// is durable and visible when its method returns, and is not visible before.
type Store interface {
	CreateBucket(ctx context.Context, b Bucket) error // ErrBucketExists, ErrInvalidBucketName
	Bucket(ctx context.Context, name string) (Bucket, error)
	Buckets(ctx context.Context) ([]Bucket, error) // sorted by name
	DeleteBucket(ctx context.Context, name string) error

	// Tags and policy of a bucket: no tags and "" when there are none.
	// Setting replaces; the store does not look into them.
	BucketTags(ctx context.Context, name string) (map[string]string, error)
	SetBucketTags(ctx context.Context, name string, tags map[string]string) error
	BucketPolicy(ctx context.Context, name string) (string, error)
	SetBucketPolicy(ctx context.Context, name, policy string) error

	// Put stores what r returns up to io.EOF. size is its length, or -1 when
	// unknown; another length is ErrSizeMismatch. An error of r leaves the
	// key as it was and is returned wrapped.
	Put(ctx context.Context, bucket, key string, r io.Reader, size int64, o PutOptions) (Object, error)
	// Get opens an object; rng nil reads all of it.
	Get(ctx context.Context, bucket, key string, rng *Range) (*Reader, error)
	Head(ctx context.Context, bucket, key string) (Object, error)
	// Delete removes a key. A key that does not exist is not an error, unless
	// ifMatch is set; then the ETag must be that.
	Delete(ctx context.Context, bucket, key, ifMatch string) error
	// DeleteMany removes keys and returns one error (or nil) for each.
	DeleteMany(ctx context.Context, bucket string, keys []string) ([]error, error)
	Copy(ctx context.Context, srcBucket, srcKey, bucket, key string, o CopyOptions) (Object, error)
	List(ctx context.Context, bucket string, o ListOptions) (Page, error)

	CreateUpload(ctx context.Context, bucket, key string, m Metadata, c Checksum) (Upload, error)
	PutPart(ctx context.Context, bucket, key, id string, number int, r io.Reader, size int64, checksum func() Checksum) (Part, error)
	// Parts returns the upload and its parts with numbers above after,
	// ascending, at most limit, and whether there are more.
	Parts(ctx context.Context, bucket, key, id string, after, limit int) (Upload, []Part, bool, error)
	CompleteUpload(ctx context.Context, bucket, key, id string, parts []CompletedPart, o CompleteOptions) (Object, error)
	AbortUpload(ctx context.Context, bucket, key, id string) error
	Uploads(ctx context.Context, bucket string, o UploadListOptions) (UploadPage, error)

	Close() error
}

// RangeError is an ErrInvalidRange that knows the size of the object.
type RangeError struct{ Size int64 }

func (e *RangeError) Error() string { return ErrInvalidRange.Error() }

// Unwrap makes errors.Is(err, ErrInvalidRange) true.
func (e *RangeError) Unwrap() error { return ErrInvalidRange }

// resolve turns rng into offset and length within size bytes.
func (rng *Range) resolve(size int64) (first, length int64, err error) {
	if rng == nil {
		return 0, size, nil
	}
	if rng.First < 0 {
		n := min(-rng.First, size)
		if n <= 0 {
			return 0, 0, &RangeError{size}
		}
		return size - n, n, nil
	}
	if rng.First >= size || rng.Last >= 0 && rng.Last < rng.First {
		return 0, 0, &RangeError{size}
	}
	last := size - 1
	if rng.Last >= 0 && rng.Last < last {
		last = rng.Last
	}
	return rng.First, last - rng.First + 1, nil
}
