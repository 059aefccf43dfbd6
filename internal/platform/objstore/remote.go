package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// RemoteOptions configures a Remote store.
type RemoteOptions struct {
	Endpoint    string // base URL; "" means AWS
	Region      string
	Credentials aws.CredentialsProvider
	PathStyle   bool         // /bucket/key instead of bucket.host/key
	HTTPClient  *http.Client // nil means the SDK's
	// PartSize is the size of the pieces in which Put sends what is larger;
	// 0 means 8 MiB, the least is MinPartSize. One piece is held in memory
	// per Put.
	PartSize int
}

// Remote is a client of an S3 elsewhere. Buckets there have no account and no
// region as far as this store knows. Put sends more than one piece as a
// multipart upload, so the ETag of a large object is of that form. The store
// reports the checksums that the remote keeps, not those of PutOptions.
type Remote struct {
	client   *s3.Client
	partSize int
}

var _ Store = (*Remote)(nil)

// NewRemote returns a client; it makes no request.
func NewRemote(o RemoteOptions) (*Remote, error) {
	if o.PartSize == 0 {
		o.PartSize = 8 << 20
	}
	if o.PartSize < MinPartSize {
		return nil, fmt.Errorf("part size %d is below %d", o.PartSize, MinPartSize)
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	so := s3.Options{
		Region: o.Region, Credentials: o.Credentials, UsePathStyle: o.PathStyle,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if o.Endpoint != "" {
		so.BaseEndpoint = aws.String(o.Endpoint)
	}
	if o.HTTPClient != nil {
		so.HTTPClient = o.HTTPClient
	}
	return &Remote{client: s3.New(so), partSize: o.PartSize}, nil
}

// remoteErrors maps S3's codes to this package's errors.
var remoteErrors = map[string]error{
	"NoSuchBucket":               ErrNoSuchBucket,
	"NoSuchKey":                  ErrNoSuchKey,
	"NoSuchUpload":               ErrNoSuchUpload,
	"BucketAlreadyExists":        ErrBucketExists,
	"BucketAlreadyOwnedByYou":    ErrBucketExists,
	"BucketNotEmpty":             ErrBucketNotEmpty,
	"InvalidBucketName":          ErrInvalidBucketName,
	"KeyTooLongError":            ErrKeyTooLong,
	"InvalidPart":                ErrInvalidPart,
	"InvalidPartOrder":           ErrInvalidPartOrder,
	"EntityTooSmall":             ErrEntityTooSmall,
	"EntityTooLarge":             ErrEntityTooLarge,
	"InvalidRange":               ErrInvalidRange,
	"PreconditionFailed":         ErrPreconditionFailed,
	"ConditionalRequestConflict": ErrPreconditionFailed,
	"BadDigest":                  ErrBadChecksum,
	"AccessDenied":               ErrDenied,
	"InvalidAccessKeyId":         ErrDenied,
	"SignatureDoesNotMatch":      ErrDenied,
}

// remoteError wraps err with the sentinel of its code. notFound is what a bare
// 404 (the answer to HEAD) means.
func remoteError(err error, doing string, notFound error) error {
	if err == nil {
		return nil
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if is, ok := remoteErrors[api.ErrorCode()]; ok {
			return fmt.Errorf("%s: %w: %w", doing, is, err)
		}
	}
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) {
		switch resp.HTTPStatusCode() {
		case http.StatusNotFound:
			return fmt.Errorf("%s: %w: %w", doing, notFound, err)
		case http.StatusForbidden:
			return fmt.Errorf("%s: %w: %w", doing, ErrDenied, err)
		case http.StatusPreconditionFailed:
			return fmt.Errorf("%s: %w: %w", doing, ErrPreconditionFailed, err)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// CreateBucket implements Store.
func (s *Remote) CreateBucket(ctx context.Context, b Bucket) error {
	if err := CheckBucketName(b.Name); err != nil {
		return err
	}
	// S3 in us-east-1 says yes to one's own bucket; a Store does not.
	if _, err := s.Bucket(ctx, b.Name); err == nil {
		return fmt.Errorf("create bucket %q: %w", b.Name, ErrBucketExists)
	} else if !errors.Is(err, ErrNoSuchBucket) {
		return err
	}
	in := &s3.CreateBucketInput{Bucket: &b.Name}
	if region := s.client.Options().Region; region != "us-east-1" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	_, err := s.client.CreateBucket(ctx, in)
	return remoteError(err, "create bucket", ErrNoSuchBucket)
}

// Bucket implements Store.
func (s *Remote) Bucket(ctx context.Context, name string) (Bucket, error) {
	if err := CheckBucketName(name); err != nil {
		return Bucket{}, fmt.Errorf("bucket %q: %w", name, ErrNoSuchBucket)
	}
	_, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if err != nil {
		return Bucket{}, remoteError(err, "head bucket", ErrNoSuchBucket)
	}
	return Bucket{Name: name}, nil
}

// Buckets implements Store.
func (s *Remote) Buckets(ctx context.Context) ([]Bucket, error) {
	var all []Bucket
	p := s3.NewListBucketsPaginator(s.client, &s3.ListBucketsInput{})
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, remoteError(err, "list buckets", ErrNoSuchBucket)
		}
		for _, b := range out.Buckets {
			all = append(all, Bucket{Name: aws.ToString(b.Name), Created: aws.ToTime(b.CreationDate)})
		}
	}
	slices.SortFunc(all, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// DeleteBucket implements Store.
func (s *Remote) DeleteBucket(ctx context.Context, name string) error {
	_, err := s.client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	return remoteError(err, "delete bucket", ErrNoSuchBucket)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func expires(s string) *time.Time {
	t, err := http.ParseTime(s)
	if err != nil {
		return nil
	}
	return &t
}

func star(ifNoneMatch bool) *string {
	if ifNoneMatch {
		return aws.String("*")
	}
	return nil
}

// Put implements Store.
func (s *Remote) Put(ctx context.Context, bucket, key string, r io.Reader, size int64, o PutOptions) (Object, error) {
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	if size > MaxObjectSize {
		return Object{}, ErrEntityTooLarge
	}
	buf := make([]byte, s.piece(size))
	n, end, err := fill(r, buf)
	if err != nil {
		return Object{}, err
	}
	if size >= 0 && int64(n) > size {
		return Object{}, ErrSizeMismatch
	}
	if !end {
		return s.putLarge(ctx, bucket, key, r, size, buf, o)
	}
	if size >= 0 && int64(n) != size {
		return Object{}, ErrSizeMismatch
	}
	m := o.Metadata
	out, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(buf[:n]), ContentLength: aws.Int64(int64(n)),
		ContentType: optional(m.ContentType), ContentEncoding: optional(m.ContentEncoding), ContentDisposition: optional(m.ContentDisposition),
		ContentLanguage: optional(m.ContentLanguage), CacheControl: optional(m.CacheControl), Expires: expires(m.Expires), Metadata: m.User,
		IfNoneMatch: star(o.IfNoneMatch), IfMatch: optional(o.IfMatch),
	})
	if err != nil {
		return Object{}, remoteError(err, "put object", ErrNoSuchKey)
	}
	return Object{Key: key, Size: int64(n), ETag: bare(out.ETag), Modified: time.Now().UTC(), Metadata: m}, nil
}

// piece is the size of the pieces of an object: so large that 10,000 suffice.
func (s *Remote) piece(size int64) int {
	if size >= 0 && size < int64(s.partSize) {
		return int(size) + 1 // one more, to see io.EOF or too much
	}
	piece := s.partSize
	for size > int64(piece)*MaxPart {
		piece *= 2
	}
	return piece
}

// fill reads until buf is full or r ends.
func fill(r io.Reader, buf []byte) (n int, end bool, err error) {
	n, err = io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, true, nil
	}
	return n, false, err
}

// putLarge sends pieces, the first of which is in buf, as a multipart upload
// and aborts it on any failure.
func (s *Remote) putLarge(ctx context.Context, bucket, key string, r io.Reader, size int64, buf []byte, o PutOptions) (_ Object, err error) {
	up, err := s.CreateUpload(ctx, bucket, key, o.Metadata, Checksum{})
	if err != nil {
		return Object{}, err
	}
	defer func() {
		if err != nil {
			// The context may be the reason; the upload must go all the same.
			cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			if aerr := s.AbortUpload(cleanup, bucket, key, up.ID); aerr != nil {
				err = errors.Join(err, aerr)
			}
		}
	}()
	var parts []CompletedPart
	total, n, end := int64(0), len(buf), false
	for number := 1; n > 0; number++ {
		if number > MaxPart || size >= 0 && total+int64(n) > size {
			if size >= 0 {
				return Object{}, ErrSizeMismatch
			}
			return Object{}, ErrEntityTooLarge
		}
		p, err := s.sendPart(ctx, bucket, key, up.ID, number, buf[:n], nil)
		if err != nil {
			return Object{}, err
		}
		parts = append(parts, CompletedPart{Number: number, ETag: p.ETag})
		total += int64(n)
		if end {
			break
		}
		if number == MaxPart/2 && size < 0 { // of unknown length and huge
			buf = make([]byte, 64*s.partSize)
		}
		if n, end, err = fill(r, buf); err != nil {
			return Object{}, err
		}
	}
	if size >= 0 && total != size {
		return Object{}, ErrSizeMismatch
	}
	obj, err := s.CompleteUpload(ctx, bucket, key, up.ID, parts, CompleteOptions{Size: -1, IfNoneMatch: o.IfNoneMatch, IfMatch: o.IfMatch})
	obj.Size, obj.Metadata = total, o.Metadata
	return obj, err
}

func bare(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

func (rng *Range) header() *string {
	switch {
	case rng == nil:
		return nil
	case rng.First < 0:
		return aws.String(fmt.Sprintf("bytes=%d", rng.First))
	case rng.Last < 0:
		return aws.String(fmt.Sprintf("bytes=%d-", rng.First))
	}
	return aws.String(fmt.Sprintf("bytes=%d-%d", rng.First, rng.Last))
}

// Get implements Store.
func (s *Remote) Get(ctx context.Context, bucket, key string, rng *Range) (*Reader, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, Range: rng.header(), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		err = remoteError(err, "get object", ErrNoSuchKey)
		if errors.Is(err, ErrInvalidRange) {
			if o, herr := s.Head(ctx, bucket, key); herr == nil {
				return nil, &RangeError{Size: o.Size}
			}
		}
		return nil, err
	}
	r := &Reader{ReadCloser: out.Body, Length: aws.ToInt64(out.ContentLength)}
	r.Object = Object{Key: key, Size: r.Length, ETag: bare(out.ETag), Modified: aws.ToTime(out.LastModified), Metadata: Metadata{
		ContentType: aws.ToString(out.ContentType), ContentEncoding: aws.ToString(out.ContentEncoding), ContentDisposition: aws.ToString(out.ContentDisposition),
		ContentLanguage: aws.ToString(out.ContentLanguage), CacheControl: aws.ToString(out.CacheControl), Expires: aws.ToString(out.ExpiresString), User: user(out.Metadata),
	}, Checksum: remoteChecksum(out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256)}
	if rng != nil {
		var last int64
		if _, err := fmt.Sscanf(aws.ToString(out.ContentRange), "bytes %d-%d/%d", &r.First, &last, &r.Object.Size); err != nil {
			r.Close()
			return nil, fmt.Errorf("get object: content range %q: %w", aws.ToString(out.ContentRange), ErrInvalidRange)
		}
	}
	return r, nil
}

func user(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

func remoteChecksum(kind types.ChecksumType, crc32, crc32c, crc64, sha1, sha256 *string) Checksum {
	for _, c := range []struct {
		name  string
		value *string
	}{{"CRC32", crc32}, {"CRC32C", crc32c}, {"CRC64NVME", crc64}, {"SHA1", sha1}, {"SHA256", sha256}} {
		if c.value != nil {
			return Checksum{Algorithm: c.name, Value: *c.value, Composite: kind == types.ChecksumTypeComposite}
		}
	}
	return Checksum{}
}

// Head implements Store.
func (s *Remote) Head(ctx context.Context, bucket, key string) (Object, error) {
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		err = remoteError(err, "head object", ErrNoSuchKey)
		if errors.Is(err, ErrNoSuchKey) { // a bare 404 may mean the bucket
			if _, berr := s.Bucket(ctx, bucket); berr != nil {
				return Object{}, berr
			}
		}
		return Object{}, err
	}
	return Object{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: bare(out.ETag), Modified: aws.ToTime(out.LastModified), Metadata: Metadata{
		ContentType: aws.ToString(out.ContentType), ContentEncoding: aws.ToString(out.ContentEncoding), ContentDisposition: aws.ToString(out.ContentDisposition),
		ContentLanguage: aws.ToString(out.ContentLanguage), CacheControl: aws.ToString(out.CacheControl), Expires: aws.ToString(out.ExpiresString), User: user(out.Metadata),
	}, Checksum: remoteChecksum(out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256)}, nil
}

// Delete implements Store.
func (s *Remote) Delete(ctx context.Context, bucket, key, ifMatch string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, IfMatch: optional(ifMatch)})
	return remoteError(err, "delete object", ErrNoSuchKey)
}

// DeleteMany implements Store.
func (s *Remote) DeleteMany(ctx context.Context, bucket string, keys []string) ([]error, error) {
	errs := make([]error, len(keys))
	at := make(map[string][]int, len(keys))
	var ids []types.ObjectIdentifier
	for i, key := range keys {
		if errs[i] = CheckKey(key); errs[i] != nil {
			continue
		}
		if at[key] = append(at[key], i); len(at[key]) == 1 {
			ids = append(ids, types.ObjectIdentifier{Key: &keys[i]})
		}
	}
	if len(ids) == 0 {
		_, err := s.Bucket(ctx, bucket)
		return errs, err
	}
	for batch := range slices.Chunk(ids, 1000) {
		out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(true)}})
		if err != nil {
			return nil, remoteError(err, "delete objects", ErrNoSuchBucket)
		}
		for _, e := range out.Errors {
			is, ok := remoteErrors[aws.ToString(e.Code)]
			if !ok {
				is = errors.New(aws.ToString(e.Code))
			}
			for _, i := range at[aws.ToString(e.Key)] {
				errs[i] = fmt.Errorf("delete object: %w: %s", is, aws.ToString(e.Message))
			}
		}
	}
	return errs, nil
}

// Copy implements Store.
func (s *Remote) Copy(ctx context.Context, srcBucket, srcKey, bucket, key string, o CopyOptions) (Object, error) {
	if err := errors.Join(CheckKey(srcKey), CheckKey(key)); err != nil {
		return Object{}, err
	}
	source := srcBucket + "/" + escapePath(srcKey)
	in := &s3.CopyObjectInput{
		Bucket: &bucket, Key: &key, CopySource: &source,
		CopySourceIfMatch: optional(o.SourceIfMatch), IfNoneMatch: star(o.IfNoneMatch), IfMatch: optional(o.IfMatch),
	}
	if m := o.Metadata; o.Replace {
		in.MetadataDirective = types.MetadataDirectiveReplace
		in.ContentType, in.ContentEncoding, in.ContentDisposition = optional(m.ContentType), optional(m.ContentEncoding), optional(m.ContentDisposition)
		in.ContentLanguage, in.CacheControl, in.Expires, in.Metadata = optional(m.ContentLanguage), optional(m.CacheControl), expires(m.Expires), m.User
	}
	if _, err := s.client.CopyObject(ctx, in); err != nil {
		return Object{}, remoteError(err, "copy object", ErrNoSuchKey)
	}
	return s.Head(ctx, bucket, key)
}

func escapePath(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

// List implements Store.
func (s *Remote) List(ctx context.Context, bucket string, o ListOptions) (Page, error) {
	if o.Limit <= 0 || o.Limit > MaxListLimit {
		o.Limit = MaxListLimit
	}
	after := o.After
	if cp := rollUp(after, o.Prefix, o.Delimiter); cp != "" && cp == after {
		after += "\U0010ffff" // behind every key of that prefix
	}
	out, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &bucket, Prefix: optional(o.Prefix), Delimiter: optional(o.Delimiter), StartAfter: optional(after),
		MaxKeys: aws.Int32(int32(o.Limit)), EncodingType: types.EncodingTypeUrl,
	})
	if err != nil {
		return Page{}, remoteError(err, "list objects", ErrNoSuchBucket)
	}
	var page Page
	last := ""
	for _, c := range out.Contents {
		key, err := unescapeKey(c.Key)
		if err != nil {
			return Page{}, fmt.Errorf("list objects: %w", err)
		}
		page.Objects = append(page.Objects, Object{Key: key, Size: aws.ToInt64(c.Size), ETag: bare(c.ETag), Modified: aws.ToTime(c.LastModified)})
		last = max(last, key)
	}
	for _, p := range out.CommonPrefixes {
		prefix, err := unescapeKey(p.Prefix)
		if err != nil {
			return Page{}, fmt.Errorf("list objects: %w", err)
		}
		page.Prefixes = append(page.Prefixes, prefix)
		last = max(last, prefix)
	}
	if aws.ToBool(out.IsTruncated) {
		page.Next = last
	}
	return page, nil
}
