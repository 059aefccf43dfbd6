package s3api_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func equal(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
}

func md5hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestBuckets(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	c := srv.client("us-east-1")
	west := srv.client("eu-west-1")
	other := srv.client("us-east-1", func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("AKIDOTHER", "other", "")
	})
	create := func(c *s3.Client, name, location string) error {
		in := &s3.CreateBucketInput{Bucket: &name}
		if location != "" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(location)}
		}
		_, err := c.CreateBucket(ctx, in)
		return err
	}
	ok(t, create(c, "east", ""))
	ok(t, create(c, "east", ""))
	ok(t, create(west, "west", "eu-west-1"))
	ok(t, create(c, "far-west", "us-west-2"))
	wantCode(t, create(west, "west", "eu-west-1"), "BucketAlreadyOwnedByYou")
	wantCode(t, create(other, "east", ""), "BucketAlreadyExists")
	wantCode(t, create(west, "no-location", ""), "IllegalLocationConstraintException")
	wantCode(t, create(west, "bad-location", "us-west-2"), "IllegalLocationConstraintException")
	wantCode(t, create(c, "bad-location", "nowhere"), "InvalidLocationConstraint")
	wantCode(t, create(c, "Bad_Name", ""), "InvalidBucketName")

	out, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
	ok(t, err)
	var names []string
	for _, b := range out.Buckets {
		names = append(names, aws.ToString(b.Name)+" "+aws.ToString(b.BucketRegion))
	}
	equal(t, names, []string{"east us-east-1", "far-west us-west-2", "west eu-west-1"})
	page, err := c.ListBuckets(ctx, &s3.ListBucketsInput{MaxBuckets: aws.Int32(2)})
	ok(t, err)
	page, err = c.ListBuckets(ctx, &s3.ListBucketsInput{MaxBuckets: aws.Int32(2), ContinuationToken: page.ContinuationToken})
	ok(t, err)
	equal(t, []any{len(page.Buckets), *page.Buckets[0].Name, page.ContinuationToken == nil}, []any{1, "west", true})
	out, err = other.ListBuckets(ctx, &s3.ListBucketsInput{})
	ok(t, err)
	equal(t, len(out.Buckets), 0)

	head, err := c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("west")})
	ok(t, err)
	equal(t, aws.ToString(head.BucketRegion), "eu-west-1")
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("missing")})
	wantCode(t, err, "NotFound")
	_, err = other.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("west")})
	wantCode(t, err, "Forbidden")
	_, err = other.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("west")})
	wantCode(t, err, "AccessDenied")
	_, err = c.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("west"), ExpectedBucketOwner: aws.String("111111111111")})
	wantCode(t, err, "Forbidden")
	for name, want := range map[string]types.BucketLocationConstraint{"east": "", "west": "eu-west-1"} {
		loc, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &name})
		ok(t, err)
		equal(t, loc.LocationConstraint, want)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("east"), Key: aws.String("k"), Body: strings.NewReader("x")})
	ok(t, err)
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("east")})
	wantCode(t, err, "BucketNotEmpty")
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("west")})
	ok(t, err)
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("west")})
	wantCode(t, err, "NoSuchBucket")
}

func TestBucketFeatures(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	c, b := srv.client("us-east-1"), aws.String("bkt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	v, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	ok(t, err)
	equal(t, string(v.Status), "")
	acl, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: b})
	ok(t, err)
	equal(t, []any{len(acl.Grants), acl.Grants[0].Permission, *acl.Grants[0].Grantee.ID}, []any{1, types.PermissionFullControl, *acl.Owner.ID})
	_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
	wantCode(t, err, "NoSuchBucketPolicy")
	_, err = c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b})
	wantCode(t, err, "NoSuchTagSet")
	_, err = c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
	wantCode(t, err, "NoSuchLifecycleConfiguration")
	_, err = c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	wantCode(t, err, "NoSuchPublicAccessBlockConfiguration")
	_, err = c.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: b})
	wantCode(t, err, "ObjectLockConfigurationNotFoundError")
	_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: b})
	ok(t, err)
	_, err = c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String("missing")})
	wantCode(t, err, "NoSuchBucket")

	// Nothing is accepted and forgotten.
	_, err = c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}})
	wantCode(t, err, "NotImplemented")
	if !strings.Contains(err.Error(), "PutBucketVersioning") {
		t.Errorf("%v does not name the operation", err)
	}
	_, err = c.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: b, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}}}})
	wantCode(t, err, "NotImplemented")
	_, err = c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: b, Key: b, Tagging: &types.Tagging{TagSet: []types.Tag{}}})
	wantCode(t, err, "NotImplemented")
	_, err = c.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{Bucket: b, Key: b, ObjectAttributes: []types.ObjectAttributes{"ETag"}})
	wantCode(t, err, "NotImplemented")
	put := func(edit func(*s3.PutObjectInput)) error {
		in := &s3.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x")}
		edit(in)
		_, err := c.PutObject(ctx, in)
		return err
	}
	wantCode(t, put(func(in *s3.PutObjectInput) { in.ACL = "public-read" }), "NotImplemented")
	ok(t, put(func(in *s3.PutObjectInput) { in.ACL = "bucket-owner-full-control" }))
	wantCode(t, put(func(in *s3.PutObjectInput) { in.StorageClass = "GLACIER" }), "NotImplemented")
	wantCode(t, put(func(in *s3.PutObjectInput) { in.ServerSideEncryption = "aws:kms" }), "NotImplemented")
	wantCode(t, put(func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=b") }), "NotImplemented")
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("k"), VersionId: aws.String("abc")})
	wantCode(t, err, "NoSuchVersion")
	tags, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: b, Key: aws.String("k")})
	ok(t, err)
	equal(t, len(tags.TagSet), 0)
	versions, err := c.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: b})
	ok(t, err)
	equal(t, []any{len(versions.Versions), *versions.Versions[0].VersionId}, []any{1, "null"})
}

func TestObjects(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	c, b, k := srv.client("us-east-1"), aws.String("bkt"), aws.String("dir/ä +%.txt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	body := strings.Repeat("0123456789", 20_000)
	put, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader(body), ContentType: aws.String("text/plain"),
		ContentEncoding: aws.String("identity"), CacheControl: aws.String("no-store"), Metadata: map[string]string{"Color": "blue"}})
	ok(t, err)
	equal(t, []any{*put.ETag, put.ChecksumCRC32 != nil}, []any{`"` + md5hex(body) + `"`, true})

	get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k, ChecksumMode: "ENABLED"})
	ok(t, err)
	equal(t, readAll(t, get.Body) == body, true)
	equal(t, []any{*get.ContentType, *get.ContentEncoding, *get.CacheControl, get.Metadata, *get.ETag, *get.ChecksumCRC32, *get.ContentLength},
		[]any{"text/plain", "identity", "no-store", map[string]string{"color": "blue"}, *put.ETag, *put.ChecksumCRC32, int64(len(body))})
	get, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k, Range: aws.String("bytes=5-9"), ResponseContentType: aws.String("x/y")})
	ok(t, err)
	equal(t, []any{readAll(t, get.Body), *get.ContentRange, *get.ContentType}, []any{"56789", "bytes 5-9/200000", "x/y"})
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k, Range: aws.String("bytes=200000-")})
	wantCode(t, err, "InvalidRange")
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("nope")})
	wantCode(t, err, "NoSuchKey")

	head, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: k})
	ok(t, err)
	equal(t, []any{*head.ContentLength, *head.ETag, *head.AcceptRanges}, []any{int64(len(body)), *put.ETag, "bytes"})
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("nope")})
	wantCode(t, err, "NotFound")

	wrong, right := aws.String(`"`+md5hex("else")+`"`), put.ETag
	past, future := aws.Time(head.LastModified.Add(-time.Hour)), aws.Time(head.LastModified.Add(time.Hour))
	for _, tt := range []struct {
		in   s3.GetObjectInput
		want string
	}{
		{s3.GetObjectInput{IfMatch: right}, ""},
		{s3.GetObjectInput{IfMatch: wrong}, "PreconditionFailed"},
		{s3.GetObjectInput{IfMatch: wrong, Range: aws.String("bytes=999999-")}, "PreconditionFailed"},
		{s3.GetObjectInput{IfNoneMatch: right}, "NotModified"},
		{s3.GetObjectInput{IfNoneMatch: wrong}, ""},
		{s3.GetObjectInput{IfModifiedSince: past}, ""},
		{s3.GetObjectInput{IfModifiedSince: head.LastModified}, "NotModified"},
		{s3.GetObjectInput{IfUnmodifiedSince: past}, "PreconditionFailed"},
		{s3.GetObjectInput{IfUnmodifiedSince: future}, ""},
		{s3.GetObjectInput{IfMatch: right, IfUnmodifiedSince: past}, ""},
		{s3.GetObjectInput{IfNoneMatch: wrong, IfModifiedSince: future}, ""},
	} {
		tt.in.Bucket, tt.in.Key = b, k
		out, err := c.GetObject(ctx, &tt.in)
		wantCode(t, err, tt.want)
		if err == nil {
			out.Body.Close()
		}
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	wantCode(t, err, "PreconditionFailed")

	copied, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("bkt/" + url.PathEscape(*k))})
	ok(t, err)
	equal(t, *copied.CopyObjectResult.ETag, *put.ETag)
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("bkt/copy")})
	wantCode(t, err, "InvalidRequest")
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String("bkt/copy"), MetadataDirective: "REPLACE", ContentType: aws.String("new/type")})
	ok(t, err)
	head, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: aws.String("copy")})
	ok(t, err)
	equal(t, []any{*head.ContentType, len(head.Metadata)}, []any{"new/type", 0})
	_, err = c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("c2"), CopySource: aws.String("bkt/copy"), CopySourceIfNoneMatch: put.ETag})
	wantCode(t, err, "PreconditionFailed")

	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: k})
	ok(t, err)
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b, Key: k})
	ok(t, err)
	del, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("copy")}, {Key: aws.String("a&b<c>")}}}})
	ok(t, err)
	equal(t, []int{len(del.Deleted), len(del.Errors)}, []int{2, 0})
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String(strings.Repeat("k", 1025)), Body: strings.NewReader("x")})
	wantCode(t, err, "KeyTooLongError")
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), Metadata: map[string]string{"a": strings.Repeat("x", 2047)}})
	ok(t, err)
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x"), Metadata: map[string]string{"a": strings.Repeat("x", 2048)}})
	wantCode(t, err, "MetadataTooLarge")
}

// Every checksum algorithm, sent in a header or (over a stream that cannot be
// read twice, as the SDK does with TLS) in a trailer.
func TestChecksums(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	c, b := srv.client("us-east-1"), aws.String("bkt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	for _, alg := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		key := aws.String(string(alg))
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: key, Body: strings.NewReader("123456789"), ChecksumAlgorithm: alg})
		ok(t, err)
		get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: key, ChecksumMode: "ENABLED"})
		ok(t, err)
		equal(t, readAll(t, get.Body), "123456789") // the SDK compares
		list, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: key, MaxKeys: aws.Int32(1)})
		ok(t, err)
		equal(t, list.Contents[0].ChecksumAlgorithm, []types.ChecksumAlgorithm{alg})
	}
	secure := httptest.NewTLSServer(srv.Config.Handler)
	defer secure.Close()
	c = srv.client("us-east-1", func(o *s3.Options) { o.BaseEndpoint, o.HTTPClient = aws.String(secure.URL), secure.Client() })
	body := strings.Repeat("0123456789", 50_000)
	for _, alg := range []types.ChecksumAlgorithm{"", "CRC32C", "CRC64NVME", "SHA256"} {
		out, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("trailer"), Body: io.NopCloser(strings.NewReader(body)),
			ContentLength: aws.Int64(int64(len(body))), ChecksumAlgorithm: alg})
		ok(t, err)
		equal(t, *out.ETag, `"`+md5hex(body)+`"`)
		get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: aws.String("trailer"), ChecksumMode: "ENABLED"})
		ok(t, err)
		equal(t, readAll(t, get.Body) == body, true)
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: b, Body: strings.NewReader("x"), ChecksumCRC32: aws.String("AAAAAA==")})
	wantCode(t, err, "BadDigest")
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: b, Body: strings.NewReader("x"), ContentMD5: aws.String("1B2M2Y8AsgTpgAmY7PhCfg==")})
	wantCode(t, err, "BadDigest")
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: b})
	wantCode(t, err, "NotFound")
}

func TestListing(t *testing.T) {
	ctx, srv := testContext(t), start(t, false)
	c, b := srv.client("us-east-1"), aws.String("bkt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	for _, k := range []string{"a b", "a/1", "a/2", "b&<", "c/x"} {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &k, Body: strings.NewReader(k)})
		ok(t, err)
	}
	v2, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2), FetchOwner: aws.Bool(true)})
	ok(t, err)
	equal(t, []any{*v2.Contents[0].Key, *v2.CommonPrefixes[0].Prefix, *v2.KeyCount, *v2.IsTruncated, v2.Contents[0].Owner != nil}, []any{"a b", "a/", int32(2), true, true})
	v2, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Delimiter: aws.String("/"), ContinuationToken: v2.NextContinuationToken, StartAfter: aws.String("ignored")})
	ok(t, err)
	equal(t, []any{*v2.Contents[0].Key, *v2.CommonPrefixes[0].Prefix, *v2.IsTruncated}, []any{"b&<", "c/", false})
	v2, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, StartAfter: aws.String("a/2"), EncodingType: "url"})
	ok(t, err)
	equal(t, []any{*v2.Contents[0].Key, v2.Contents[0].Owner == nil}, []any{"b%26%3C", true})
	v2, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, MaxKeys: aws.Int32(0)})
	ok(t, err)
	equal(t, []any{len(v2.Contents), *v2.IsTruncated}, []any{0, false})
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, ContinuationToken: aws.String("bad token")})
	wantCode(t, err, "InvalidArgument")
	_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, MaxKeys: aws.Int32(-1)})
	wantCode(t, err, "InvalidArgument")
	v1, err := c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: b, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	ok(t, err)
	equal(t, []any{*v1.NextMarker, *v1.IsTruncated}, []any{"a/", true})
	v1, err = c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: b, Delimiter: aws.String("/"), Marker: v1.NextMarker})
	ok(t, err)
	equal(t, []any{*v1.Contents[0].Key, *v1.CommonPrefixes[0].Prefix}, []any{"b&<", "c/"})
}

func TestMultipart(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	c, b, k := srv.client("us-east-1"), aws.String("bkt"), aws.String("big file")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	for _, tt := range []struct {
		alg  types.ChecksumAlgorithm
		kind types.ChecksumType
	}{{"", ""}, {"CRC32", ""}, {"CRC32", "FULL_OBJECT"}, {"CRC64NVME", ""}, {"SHA256", "COMPOSITE"}} {
		up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: k, ChecksumAlgorithm: tt.alg, ChecksumType: tt.kind, ContentType: aws.String("x/y")})
		ok(t, err)
		first := bytes.Repeat([]byte("x"), 5<<20)
		p1, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(first), ChecksumAlgorithm: tt.alg})
		ok(t, err)
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: aws.String("source"), Body: strings.NewReader("0123456789")})
		ok(t, err)
		p2, err := c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(2), CopySource: aws.String("bkt/source"), CopySourceRange: aws.String("bytes=2-5")})
		ok(t, err)
		equal(t, *p2.CopyPartResult.ETag, `"`+md5hex("2345")+`"`)
		_, err = c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: aws.Int32(2), CopySource: aws.String("bkt/source"), CopySourceRange: aws.String("bytes=2-10")})
		wantCode(t, err, "InvalidRange")
		parts, err := c.ListParts(ctx, &s3.ListPartsInput{Bucket: b, Key: k, UploadId: up.UploadId, MaxParts: aws.Int32(1)})
		ok(t, err)
		equal(t, []any{len(parts.Parts), *parts.IsTruncated, *parts.NextPartNumberMarker}, []any{1, true, "1"})
		uploads, err := c.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: b})
		ok(t, err)
		equal(t, []any{len(uploads.Uploads), *uploads.Uploads[0].UploadId, *uploads.Uploads[0].Key}, []any{1, *up.UploadId, *k})
		done, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
			Parts: []types.CompletedPart{
				{PartNumber: aws.Int32(1), ETag: p1.ETag, ChecksumCRC32: p1.ChecksumCRC32, ChecksumCRC64NVME: p1.ChecksumCRC64NVME, ChecksumSHA256: p1.ChecksumSHA256},
				{PartNumber: aws.Int32(2), ETag: p2.CopyPartResult.ETag},
			}}})
		ok(t, err)
		if !strings.HasSuffix(*done.ETag, `-2"`) {
			t.Errorf("etag %s", *done.ETag)
		}
		get, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k, ChecksumMode: "ENABLED"})
		ok(t, err)
		equal(t, readAll(t, get.Body) == string(first)+"2345", true) // full-object checksums are compared by the SDK
		equal(t, *get.ContentType, "x/y")
	}
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: k})
	ok(t, err)
	_, err = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: up.UploadId})
	ok(t, err)
	_, err = c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: up.UploadId})
	wantCode(t, err, "NoSuchUpload")
	_, err = c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: k, ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT"})
	wantCode(t, err, "InvalidRequest")
}

func TestPresigned(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	c, b, k := srv.client("us-east-1"), aws.String("bkt"), aws.String("a b/ü+%&.txt")
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: b})
	ok(t, err)
	p := s3.NewPresignClient(c)
	do := func(method, url string, header http.Header, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		ok(t, err)
		for n, v := range header {
			if n != "Host" {
				req.Header[n] = v
			}
		}
		resp, err := srv.Client().Do(req)
		ok(t, err)
		return resp.StatusCode, readAll(t, resp.Body)
	}
	put, err := p.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: k, Metadata: map[string]string{"m": "v"}})
	ok(t, err)
	status, text := do(put.Method, put.URL, put.SignedHeader, "hello")
	equal(t, []any{status, text}, []any{200, ""})
	get, err := p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k, ResponseContentType: aws.String("x/y")})
	ok(t, err)
	status, text = do(get.Method, get.URL, get.SignedHeader, "")
	equal(t, []any{status, text}, []any{200, "hello"})

	status, text = do("GET", strings.Replace(get.URL, "x%2Fy", "x%2Fz", 1), nil, "")
	equal(t, []any{status, strings.Contains(text, "SignatureDoesNotMatch")}, []any{403, true})
	status, text = do("GET", get.URL, http.Header{"X-Amz-Acl": {"private"}}, "")
	equal(t, []any{status, strings.Contains(text, "not signed")}, []any{403, true})
	status, _ = do("PUT", get.URL, nil, "hello")
	equal(t, status, 403)
	old, err := p.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: k}, func(o *s3.PresignOptions) { o.Expires = 8 * 24 * time.Hour })
	ok(t, err)
	status, text = do("GET", old.URL, nil, "")
	equal(t, []any{status, strings.Contains(text, "AuthorizationQueryParametersError")}, []any{400, true})
}

func TestRawRequests(t *testing.T) {
	ctx, srv := testContext(t), start(t, false)
	type answer struct {
		status int
		text   string
		header http.Header
	}
	do := func(method, target, host string, header map[string]string, body io.Reader) answer {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, method, srv.URL+target, body)
		ok(t, err)
		if host != "" {
			req.Host = host
		}
		for n, v := range header {
			if n == "Content-Length" {
				fmt.Sscan(v, &req.ContentLength)
				continue
			}
			req.Header.Set(n, v)
		}
		resp, err := srv.Client().Do(req)
		ok(t, err)
		return answer{resp.StatusCode, readAll(t, resp.Body), resp.Header}
	}
	is := func(a answer, status int, contains string) {
		t.Helper()
		if a.status != status || !strings.Contains(a.text, contains) {
			t.Errorf("status %d, want %d with %q:\n%s", a.status, status, contains, a.text)
		}
		if a.header.Get("X-Amz-Request-Id") == "" || a.header.Get("X-Amz-Id-2") == "" {
			t.Error("no request id")
		}
	}
	is(do("PUT", "/bkt", "", nil, nil), 200, "")
	is(do("PUT", "/bkt/k", "", nil, strings.NewReader("hello")), 200, "")
	is(do("GET", "/bkt/k", "", nil, nil), 200, "hello")
	for _, host := range []string{"bkt.s3.amazonaws.com", "bkt.s3.us-west-2.amazonaws.com", "bkt.localhost:4566", "bkt.s3.localhost.localstack.cloud:4566", "bkt.s3.test", "BKT.s3-us-west-2.amazonaws.com"} {
		is(do("GET", "/k", host, nil, nil), 200, "hello")
		is(do("GET", "/", host, nil, nil), 200, "<ListBucketResult")
	}
	for _, host := range []string{"localhost:4566", "s3.amazonaws.com", "s3.test", "s3.localhost", "127.0.0.1:80", "[::1]:80", "example.com"} {
		is(do("GET", "/bkt/k", host, nil, nil), 200, "hello")
		is(do("GET", "/", host, nil, nil), 200, "<ListAllMyBucketsResult")
	}
	a := do("GET", "/bkt/missing", "", nil, nil)
	is(a, 404, "<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>missing</Key><Resource>/bkt/missing</Resource>")
	equal(t, []string{a.header.Get("X-Amz-Bucket-Region"), a.header.Get("Content-Type")}, []string{"us-east-1", "application/xml"})
	is(do("HEAD", "/bkt/missing", "", nil, nil), 404, "")
	is(do("GET", "/missing/", "", nil, nil), 404, "NoSuchBucket")
	is(do("OPTIONS", "/bkt/k", "", nil, nil), 403, "AccessForbidden")
	is(do("PATCH", "/bkt/k", "", nil, nil), 405, "MethodNotAllowed")
	is(do("POST", "/bkt", "", nil, nil), 501, "PostObject")
	is(do("PUT", "/bkt?versioning", "", nil, nil), 501, "PutBucketVersioning")
	is(do("PUT", "/bkt?tagging", "", nil, nil), 400, "MalformedXML")
	is(do("PUT", "/bkt?policy", "", nil, nil), 400, "MalformedPolicy")
	is(do("PUT", "/bkt?policy", "", nil, strings.NewReader("{"+strings.Repeat(" ", 20<<10))), 400, "MalformedPolicy")
	is(do("POST", "/bkt/k?select&select-type=2", "", nil, nil), 501, "SelectObjectContent")
	is(do("POST", "/bkt?delete", "", nil, strings.NewReader("<Delete/>")), 400, "Content-MD5")
	is(do("PUT", "/bkt/k", "", nil, io.MultiReader(strings.NewReader("chunked transfer"))), 411, "MissingContentLength")
	// The limit of one put, by its announcement: nothing is read.
	is(do("PUT", "/bkt/k", "", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "5368709121"},
		strings.NewReader("0\r\n\r\n")), 400, "EntityTooLarge")
	is(do("PUT", "/bkt/k", "", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "5368709120"},
		strings.NewReader("0\r\n\r\n")), 400, "IncompleteBody")
	is(do("PUT", "/bkt/t", "", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9",
		"X-Amz-Trailer": "x-amz-checksum-crc32", "Content-Encoding": "aws-chunked"},
		strings.NewReader("4\r\n1234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n")), 200, "")
	a = do("GET", "/bkt/t", "", nil, nil)
	is(a, 200, "123456789")
	equal(t, a.header.Get("Content-Encoding"), "")
	is(do("PUT", "/bkt/t", "", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9",
		"X-Amz-Trailer": "x-amz-checksum-crc32"}, strings.NewReader("9\r\n12345678X\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n")), 400, "BadDigest")
	is(do("GET", "/bkt/t", "", nil, nil), 200, "123456789")
	is(do("GET", "/bkt/t?response-content-type=x", "", nil, nil), 400, "InvalidRequest")
	is(do("GET", "/bkt/t?partNumber=1", "", nil, nil), 501, "partNumber")
	is(do("GET", "/bkt/t", "", map[string]string{"Range": "bytes=0-1,3-4"}, nil), 200, "123456789")
	is(do("GET", "/bkt/t", "", map[string]string{"Range": "bytes=-0"}, nil), 416, "InvalidRange")
	a = do("HEAD", "/bkt/t", "", map[string]string{"Range": "bytes=-4"}, nil)
	is(a, 206, "")
	equal(t, []string{a.header.Get("Content-Range"), a.header.Get("Content-Length")}, []string{"bytes 5-8/9", "4"})
	is(do("PUT", "/bkt/c%01", "", nil, strings.NewReader("x")), 200, "")
	is(do("GET", "/bkt?prefix=c", "", nil, nil), 200, "<Key>c&#x1;</Key>")
	is(do("GET", "/bkt?prefix=c&encoding-type=url", "", nil, nil), 200, "<Key>c%01</Key>")
	a = do("GET", "/bkt/t", "", map[string]string{"If-None-Match": `"` + md5hex("123456789") + `"`}, nil)
	is(a, 304, "")
	equal(t, a.header.Get("Etag"), `"`+md5hex("123456789")+`"`)
	// 100-continue: the client waits for it before it sends the body.
	is(do("PUT", "/bkt/expect", "", map[string]string{"Expect": "100-continue"}, strings.NewReader("body")), 200, "")
	is(do("GET", "/bkt/expect", "", nil, nil), 200, "body")
}

func TestRequiredMode(t *testing.T) {
	ctx, srv := testContext(t), start(t, true)
	resp, err := srv.Client().Get(srv.URL + "/")
	ok(t, err)
	equal(t, []any{resp.StatusCode, strings.Contains(readAll(t, resp.Body), "AccessDenied")}, []any{403, true})
	as := func(id, secret, token string) error {
		_, err := srv.client("us-east-1", func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token)
		}).ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	}
	ok(t, as(keyID, secret, ""))
	wantCode(t, as(keyID, "wrong", ""), "SignatureDoesNotMatch")
	wantCode(t, as("AKIDNOBODY", secret, ""), "InvalidAccessKeyId")
	wantCode(t, as(keyID, secret, "token"), "InvalidToken")
}
