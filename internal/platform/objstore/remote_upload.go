package objstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// unescapeKey undoes encoding-type=url, in which S3 writes a space as "+".
func unescapeKey(s *string) (string, error) { return url.QueryUnescape(aws.ToString(s)) }

// CreateUpload implements Store.
func (s *Remote) CreateUpload(ctx context.Context, bucket, key string, m Metadata, c Checksum) (Upload, error) {
	if err := CheckKey(key); err != nil {
		return Upload{}, err
	}
	in := &s3.CreateMultipartUploadInput{
		Bucket: &bucket, Key: &key,
		ContentType: optional(m.ContentType), ContentEncoding: optional(m.ContentEncoding), ContentDisposition: optional(m.ContentDisposition),
		ContentLanguage: optional(m.ContentLanguage), CacheControl: optional(m.CacheControl), Expires: expires(m.Expires), Metadata: m.User,
	}
	if c.Algorithm != "" {
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithm(c.Algorithm), checksumKind(c)
	}
	out, err := s.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return Upload{}, remoteError(err, "create upload", ErrNoSuchBucket)
	}
	return Upload{ID: aws.ToString(out.UploadId), Key: key, Metadata: m, Checksum: c}, nil
}

func checksumKind(c Checksum) types.ChecksumType {
	if c.Composite {
		return types.ChecksumTypeComposite
	}
	return types.ChecksumTypeFullObject
}

// PutPart implements Store. The part is held in memory while it is sent, so
// parts above 256 MiB are refused with ErrEntityTooLarge.
func (s *Remote) PutPart(ctx context.Context, bucket, key, id string, number int, r io.Reader, size int64, checksum func() Checksum) (Part, error) {
	if number < 1 || number > MaxPart {
		return Part{}, ErrInvalidPartNumber
	}
	if size > maxRemotePart {
		return Part{}, fmt.Errorf("part of %d bytes (limit of a remote store %d): %w", size, maxRemotePart, ErrEntityTooLarge)
	}
	var buf bytes.Buffer
	if size > 0 {
		buf.Grow(int(size) + bytes.MinRead)
	}
	limit := int64(maxRemotePart)
	if size >= 0 {
		limit = size
	}
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return Part{}, err
	case size >= 0 && n != size:
		return Part{}, ErrSizeMismatch
	case n > limit:
		return Part{}, ErrEntityTooLarge
	}
	return s.sendPart(ctx, bucket, key, id, number, buf.Bytes(), checksum)
}

// maxRemotePart bounds the memory of one PutPart: the SDK must be able to read
// a part twice.
const maxRemotePart = 256 << 20

func (s *Remote) sendPart(ctx context.Context, bucket, key, id string, number int, data []byte, checksum func() Checksum) (Part, error) {
	in := &s3.UploadPartInput{
		Bucket: &bucket, Key: &key, UploadId: &id, PartNumber: aws.Int32(int32(number)),
		Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
	}
	var c Checksum
	if checksum != nil {
		c = checksum()
	}
	switch c.Algorithm {
	case "CRC32":
		in.ChecksumCRC32 = &c.Value
	case "CRC32C":
		in.ChecksumCRC32C = &c.Value
	case "CRC64NVME":
		in.ChecksumCRC64NVME = &c.Value
	case "SHA1":
		in.ChecksumSHA1 = &c.Value
	case "SHA256":
		in.ChecksumSHA256 = &c.Value
	}
	out, err := s.client.UploadPart(ctx, in)
	if err != nil {
		return Part{}, remoteError(err, "put part", ErrNoSuchUpload)
	}
	return Part{Number: number, Size: int64(len(data)), ETag: bare(out.ETag),
		Checksum: remoteChecksum("", out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256)}, nil
}

// Parts implements Store.
func (s *Remote) Parts(ctx context.Context, bucket, key, id string, after, limit int) (Upload, []Part, bool, error) {
	out, err := s.client.ListParts(ctx, &s3.ListPartsInput{Bucket: &bucket, Key: &key, UploadId: &id,
		PartNumberMarker: optional(marker(after)), MaxParts: aws.Int32(int32(limit))})
	if err != nil {
		return Upload{}, nil, false, remoteError(err, "list parts", ErrNoSuchUpload)
	}
	up := Upload{ID: id, Key: key, Checksum: Checksum{Algorithm: string(out.ChecksumAlgorithm), Composite: out.ChecksumType == types.ChecksumTypeComposite}}
	parts := make([]Part, len(out.Parts))
	for i, p := range out.Parts {
		parts[i] = Part{Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size), ETag: bare(p.ETag), Modified: aws.ToTime(p.LastModified),
			Checksum: remoteChecksum(out.ChecksumType, p.ChecksumCRC32, p.ChecksumCRC32C, p.ChecksumCRC64NVME, p.ChecksumSHA1, p.ChecksumSHA256)}
		parts[i].Checksum.Composite = false
	}
	return up, parts, aws.ToBool(out.IsTruncated), nil
}

func marker(after int) string {
	if after <= 0 {
		return ""
	}
	return strconv.Itoa(after)
}

// CompleteUpload implements Store.
func (s *Remote) CompleteUpload(ctx context.Context, bucket, key, id string, parts []CompletedPart, o CompleteOptions) (Object, error) {
	if len(parts) == 0 || len(parts) > MaxPart {
		return Object{}, ErrInvalidPart
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &id, IfNoneMatch: star(o.IfNoneMatch), IfMatch: optional(o.IfMatch),
		MultipartUpload: &types.CompletedMultipartUpload{}}
	if o.Size >= 0 {
		in.MpuObjectSize = &o.Size
	}
	if o.Checksum.Value != "" {
		in.ChecksumType = checksumKind(o.Checksum)
	}
	set(o.Checksum, &in.ChecksumCRC32, &in.ChecksumCRC32C, &in.ChecksumCRC64NVME, &in.ChecksumSHA1, &in.ChecksumSHA256)
	for i := range parts {
		p := types.CompletedPart{PartNumber: aws.Int32(int32(parts[i].Number)), ETag: &parts[i].ETag}
		set(parts[i].Checksum, &p.ChecksumCRC32, &p.ChecksumCRC32C, &p.ChecksumCRC64NVME, &p.ChecksumSHA1, &p.ChecksumSHA256)
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, p)
	}
	out, err := s.client.CompleteMultipartUpload(ctx, in)
	if err != nil {
		return Object{}, remoteError(err, "complete upload", ErrNoSuchUpload)
	}
	return Object{Key: key, ETag: bare(out.ETag),
		Checksum: remoteChecksum(out.ChecksumType, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256)}, nil
}

func set(c Checksum, crc32, crc32c, crc64, sha1, sha256 **string) {
	if c.Value == "" {
		return
	}
	switch c.Algorithm {
	case "CRC32":
		*crc32 = &c.Value
	case "CRC32C":
		*crc32c = &c.Value
	case "CRC64NVME":
		*crc64 = &c.Value
	case "SHA1":
		*sha1 = &c.Value
	case "SHA256":
		*sha256 = &c.Value
	}
}

// AbortUpload implements Store.
func (s *Remote) AbortUpload(ctx context.Context, bucket, key, id string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: &id})
	return remoteError(err, "abort upload", ErrNoSuchUpload)
}

// Uploads implements Store.
func (s *Remote) Uploads(ctx context.Context, bucket string, o UploadListOptions) (UploadPage, error) {
	if o.Limit <= 0 || o.Limit > MaxListLimit {
		o.Limit = MaxListLimit
	}
	out, err := s.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &bucket, Prefix: optional(o.Prefix), Delimiter: optional(o.Delimiter),
		KeyMarker: optional(o.AfterKey), UploadIdMarker: optional(o.AfterID), MaxUploads: aws.Int32(int32(o.Limit)), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		return UploadPage{}, remoteError(err, "list uploads", ErrNoSuchBucket)
	}
	page := UploadPage{Truncated: aws.ToBool(out.IsTruncated), NextID: aws.ToString(out.NextUploadIdMarker)}
	var bad error
	key := func(s *string) string {
		k, err := unescapeKey(s)
		bad = errors.Join(bad, err)
		return k
	}
	page.NextKey = key(out.NextKeyMarker)
	for _, u := range out.Uploads {
		page.Uploads = append(page.Uploads, Upload{ID: aws.ToString(u.UploadId), Key: key(u.Key), Initiated: aws.ToTime(u.Initiated),
			Checksum: Checksum{Algorithm: string(u.ChecksumAlgorithm), Composite: u.ChecksumType == types.ChecksumTypeComposite}})
	}
	for _, p := range out.CommonPrefixes {
		page.Prefixes = append(page.Prefixes, key(p.Prefix))
	}
	return page, bad
}

// Close implements Store.
func (s *Remote) Close() error { return nil }
