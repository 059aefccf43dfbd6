package objects

import (
	"context"
	"io"

	"github.com/cumulog/cumulog/internal/logs"
)

// CreateUpload begins a multipart upload. checksum names the algorithm and type
// that the object shall have, or none.
func (s *Service) CreateUpload(ctx context.Context, scope logs.Scope, bucket, key string, m Metadata, checksum Checksum) (Upload, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Upload{}, err
	}
	if err := checkMetadata(m); err != nil {
		return Upload{}, err
	}
	return s.store.CreateUpload(ctx, bucket, key, m, checksum)
}

// PlanChecksum returns the checksum that an upload with the given algorithm and
// type (both upper case, "" when absent) shall have. CRC64NVME is always of
// the full object, SHA-1 and SHA-256 never are; CRC32 and CRC32C are composite
// unless asked otherwise.
func PlanChecksum(algorithm, kind string) (Checksum, error) {
	c := Checksum{Algorithm: algorithm}
	switch algorithm {
	case "":
		if kind != "" {
			return c, ErrUnsupportedChecksumShape
		}
		return c, nil
	case "CRC64NVME":
		if kind == "COMPOSITE" {
			return c, ErrUnsupportedChecksumShape
		}
	case "SHA1", "SHA256":
		if kind == "FULL_OBJECT" {
			return c, ErrUnsupportedChecksumShape
		}
		c.Composite = true
	case "CRC32", "CRC32C":
		c.Composite = kind != "FULL_OBJECT"
	default:
		return c, ErrUnsupportedChecksumShape
	}
	if kind != "" && kind != "COMPOSITE" && kind != "FULL_OBJECT" {
		return c, ErrUnsupportedChecksumShape
	}
	return c, nil
}

// PutPart stores a part of at most MaxPut bytes. checksum, when not nil, is
// asked after r has returned io.EOF.
func (s *Service) PutPart(ctx context.Context, scope logs.Scope, bucket, key, id string, number int, r io.Reader, size int64, checksum func() Checksum) (Part, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Part{}, err
	}
	if size > MaxPut {
		return Part{}, ErrEntityTooLarge
	}
	return s.store.PutPart(ctx, bucket, key, id, number, r, size, checksum)
}

// CopyPart stores a range of an object as a part.
func (s *Service) CopyPart(ctx context.Context, scope logs.Scope, src CopySource, rng *Range, bucket, key, id string, number int) (Part, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Part{}, err
	}
	o, err := s.source(ctx, scope, src)
	if err != nil {
		return Part{}, err
	}
	if rng != nil && rng.Last >= o.Size {
		return Part{}, &RangeError{Size: o.Size}
	}
	r, err := s.Get(ctx, scope, src.Bucket, src.Key, rng, Conditions{IfMatch: []string{o.ETag}})
	if err != nil {
		return Part{}, err
	}
	defer r.Close()
	return s.PutPart(ctx, scope, bucket, key, id, number, r, r.Length, nil)
}

// Parts returns the upload and a page of its parts: numbers above after, at
// most limit, and whether there are more.
func (s *Service) Parts(ctx context.Context, scope logs.Scope, bucket, key, id string, after, limit int) (Upload, []Part, bool, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Upload{}, nil, false, err
	}
	return s.store.Parts(ctx, bucket, key, id, after, limit)
}

// CompleteUpload makes the object of the parts.
func (s *Service) CompleteUpload(ctx context.Context, scope logs.Scope, bucket, key, id string, parts []CompletedPart, o CompleteOptions) (Object, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Object{}, err
	}
	return s.store.CompleteUpload(ctx, bucket, key, id, parts, o)
}

// AbortUpload drops an upload and its parts.
func (s *Service) AbortUpload(ctx context.Context, scope logs.Scope, bucket, key, id string) error {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return err
	}
	return s.store.AbortUpload(ctx, bucket, key, id)
}

// Uploads returns a page of the uploads under way.
func (s *Service) Uploads(ctx context.Context, scope logs.Scope, bucket string, o UploadListOptions) (UploadPage, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return UploadPage{}, err
	}
	return s.store.Uploads(ctx, bucket, o)
}
