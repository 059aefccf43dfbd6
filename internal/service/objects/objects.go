// Package objects is buckets and objects as S3 clients see them: who owns a
// bucket, which names and regions are allowed, conditional requests, copies
// and multipart uploads. Storing is objstore's work, HTTP that of edge/s3api.
//
// Bucket names are unique over all accounts; a bucket belongs to the account
// that made it, and no other account can use it. A store that knows no owners
// (a remote one) serves every account. Requests from any region reach every
// bucket: there is one endpoint.
//
// Exports write through PutObject and ask BucketExists.
package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/objstore"
)

// The vocabulary of objects is objstore's.
type (
	Bucket            = objstore.Bucket
	Object            = objstore.Object
	Metadata          = objstore.Metadata
	Checksum          = objstore.Checksum
	Reader            = objstore.Reader
	Range             = objstore.Range
	RangeError        = objstore.RangeError
	PutOptions        = objstore.PutOptions
	ListOptions       = objstore.ListOptions
	Page              = objstore.Page
	Upload            = objstore.Upload
	Part              = objstore.Part
	CompletedPart     = objstore.CompletedPart
	CompleteOptions   = objstore.CompleteOptions
	UploadPage        = objstore.UploadPage
	UploadListOptions = objstore.UploadListOptions
)

// Errors of the service. Those of objstore pass through under their own
// names.
var (
	ErrNoSuchBucket       = objstore.ErrNoSuchBucket
	ErrNoSuchKey          = objstore.ErrNoSuchKey
	ErrNoSuchUpload       = objstore.ErrNoSuchUpload
	ErrBucketNotEmpty     = objstore.ErrBucketNotEmpty
	ErrInvalidBucketName  = objstore.ErrInvalidBucketName
	ErrInvalidKey         = objstore.ErrInvalidKey
	ErrKeyTooLong         = objstore.ErrKeyTooLong
	ErrInvalidPart        = objstore.ErrInvalidPart
	ErrInvalidPartOrder   = objstore.ErrInvalidPartOrder
	ErrInvalidPartNumber  = objstore.ErrInvalidPartNumber
	ErrEntityTooSmall     = objstore.ErrEntityTooSmall
	ErrEntityTooLarge     = objstore.ErrEntityTooLarge
	ErrInvalidRange       = objstore.ErrInvalidRange
	ErrPreconditionFailed = objstore.ErrPreconditionFailed
	ErrBadChecksum        = objstore.ErrBadChecksum
	ErrSizeMismatch       = objstore.ErrSizeMismatch
	ErrNoSpace            = objstore.ErrNoSpace
	ErrDenied             = objstore.ErrDenied // by the remote store

	ErrBucketAlreadyExists      = errors.New("bucket belongs to another account")
	ErrBucketAlreadyOwnedByYou  = errors.New("bucket exists and is yours")
	ErrAccessDenied             = errors.New("access to the bucket is denied")
	ErrInvalidLocation          = errors.New("location constraint is not a region")
	ErrIllegalLocation          = errors.New("location constraint does not suit the region of the request")
	ErrNotModified              = errors.New("object is not modified")
	ErrMetadataTooLarge         = errors.New("user metadata is larger than 2 KiB")
	ErrTooManyKeys              = errors.New("more than 1000 keys in one deletion")
	ErrCopyToSelf               = errors.New("a copy onto itself must change something")
	ErrUnsupportedChecksumShape = errors.New("checksum algorithm and type do not go together")
)

// Limits of S3.
const (
	MaxPut          = 5 << 30 // bytes of one PutObject, UploadPart or CopyObject
	MaxUserMetadata = 2 << 10 // bytes of names and values together
	MaxDelete       = 1000    // keys of one DeleteObjects
	MaxList         = objstore.MaxListLimit
	MaxPart         = objstore.MaxPart

	defaultRegion = "us-east-1"
)

// Service serves buckets and objects. It is safe for concurrent use.
type Service struct{ store objstore.Store }

// New returns a Service on store, which stays the caller's to close.
func New(store objstore.Store) *Service { return &Service{store: store} }

// CreateBucket makes a bucket. location is the LocationConstraint of the
// request, "" when absent; the rules are those of a regional endpoint in
// scope.Region. Making one's own bucket again succeeds in us-east-1 and is
// ErrBucketAlreadyOwnedByYou elsewhere, as in S3.
func (s *Service) CreateBucket(ctx context.Context, scope logs.Scope, name, location string) error {
	region, err := placement(scope.Region, location)
	if err != nil {
		return err
	}
	err = s.store.CreateBucket(ctx, Bucket{Name: name, Account: scope.Account, Region: region})
	if !errors.Is(err, objstore.ErrBucketExists) {
		return err
	}
	old, err := s.store.Bucket(ctx, name)
	switch {
	case err != nil:
		return err
	case !owns(scope, old):
		return fmt.Errorf("bucket %q: %w", name, ErrBucketAlreadyExists)
	case region == defaultRegion && old.Region == defaultRegion:
		return nil
	}
	return fmt.Errorf("bucket %q: %w", name, ErrBucketAlreadyOwnedByYou)
}

// placement returns the region of a new bucket.
func placement(region, location string) (string, error) {
	if region == "" {
		region = defaultRegion
	}
	if location == "EU" {
		location = "eu-west-1"
	}
	switch {
	case location == "" && region == defaultRegion:
		return region, nil
	case location == "":
		return "", fmt.Errorf("the unspecified location constraint is incompatible for the region specific endpoint this request was sent to: %w", ErrIllegalLocation)
	case location == defaultRegion || !regionName(location):
		return "", ErrInvalidLocation
	case location == region || region == defaultRegion:
		return location, nil
	}
	return "", fmt.Errorf("the %s location constraint is incompatible for the region specific endpoint this request was sent to: %w", location, ErrIllegalLocation)
}

func regionName(s string) bool {
	if len(s) < 4 || len(s) > 32 || strings.Count(s, "-") < 2 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func owns(scope logs.Scope, b Bucket) bool { return b.Account == "" || b.Account == scope.Account }

// Bucket returns a bucket that scope may use; ErrNoSuchBucket, ErrAccessDenied.
func (s *Service) Bucket(ctx context.Context, scope logs.Scope, name string) (Bucket, error) {
	b, err := s.store.Bucket(ctx, name)
	if err != nil {
		return Bucket{}, err
	}
	if !owns(scope, b) {
		return Bucket{}, fmt.Errorf("bucket %q: %w", name, ErrAccessDenied)
	}
	return b, nil
}

// BucketExists reports whether scope has the bucket; a bucket of another
// account is an ErrAccessDenied.
func (s *Service) BucketExists(ctx context.Context, scope logs.Scope, name string) (bool, error) {
	_, err := s.Bucket(ctx, scope, name)
	if errors.Is(err, ErrNoSuchBucket) || errors.Is(err, ErrInvalidBucketName) {
		return false, nil
	}
	return err == nil, err
}

// Buckets returns the buckets of scope's account in all regions, by name.
func (s *Service) Buckets(ctx context.Context, scope logs.Scope) ([]Bucket, error) {
	all, err := s.store.Buckets(ctx)
	if err != nil {
		return nil, err
	}
	mine := all[:0]
	for _, b := range all {
		if owns(scope, b) {
			mine = append(mine, b)
		}
	}
	return mine, nil
}

// DeleteBucket removes an empty bucket; ErrBucketNotEmpty.
func (s *Service) DeleteBucket(ctx context.Context, scope logs.Scope, name string) error {
	if _, err := s.Bucket(ctx, scope, name); err != nil {
		return err
	}
	return s.store.DeleteBucket(ctx, name)
}

// PutObject writes an object for another service: r is read to io.EOF; size
// may be -1. The object is durable and visible when it returns nil, and not
// there at all (or as it was before) when it returns an error. Any size up to
// 5 TiB is allowed.
func (s *Service) PutObject(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, contentType string) error {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return err
	}
	_, err := s.store.Put(ctx, bucket, key, r, size, PutOptions{Metadata: Metadata{ContentType: contentType}})
	return err
}

// Put stores an object as a client sends it, at most MaxPut bytes.
func (s *Service) Put(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, o PutOptions) (Object, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Object{}, err
	}
	if size > MaxPut {
		return Object{}, ErrEntityTooLarge
	}
	if err := checkMetadata(o.Metadata); err != nil {
		return Object{}, err
	}
	return s.store.Put(ctx, bucket, key, r, size, o)
}

func checkMetadata(m Metadata) error {
	n := 0
	for k, v := range m.User {
		n += len(k) + len(v)
	}
	if n > MaxUserMetadata {
		return ErrMetadataTooLarge
	}
	return nil
}

// Get opens an object, or a range of it, when c holds. ErrNotModified and
// ErrPreconditionFailed come before ErrInvalidRange.
func (s *Service) Get(ctx context.Context, scope logs.Scope, bucket, key string, rng *Range, c Conditions) (*Reader, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return nil, err
	}
	r, err := s.store.Get(ctx, bucket, key, rng)
	if errors.Is(err, ErrInvalidRange) && !c.empty() {
		if _, herr := s.Head(ctx, scope, bucket, key, c); herr != nil {
			return nil, herr
		}
	}
	if err != nil {
		return nil, err
	}
	if err := c.check(r.Object); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Head describes an object when c holds.
func (s *Service) Head(ctx context.Context, scope logs.Scope, bucket, key string, c Conditions) (Object, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Object{}, err
	}
	o, err := s.store.Head(ctx, bucket, key)
	if err != nil {
		return Object{}, err
	}
	return o, c.check(o)
}

// Delete removes an object; one that is not there is no error, unless ifMatch
// names an ETag.
func (s *Service) Delete(ctx context.Context, scope logs.Scope, bucket, key, ifMatch string) error {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return err
	}
	return s.store.Delete(ctx, bucket, key, ifMatch)
}

// DeleteMany removes up to MaxDelete objects and returns an error or nil for
// each key.
func (s *Service) DeleteMany(ctx context.Context, scope logs.Scope, bucket string, keys []string) ([]error, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return nil, err
	}
	if len(keys) > MaxDelete {
		return nil, ErrTooManyKeys
	}
	return s.store.DeleteMany(ctx, bucket, keys)
}

// List returns a page of keys.
func (s *Service) List(ctx context.Context, scope logs.Scope, bucket string, o ListOptions) (Page, error) {
	if _, err := s.Bucket(ctx, scope, bucket); err != nil {
		return Page{}, err
	}
	return s.store.List(ctx, bucket, o)
}

// CopySource names what is copied, and under which conditions.
type CopySource struct {
	Bucket, Key string
	Conditions  Conditions
}

// CopyRequest is a server-side copy.
type CopyRequest struct {
	Source      CopySource
	Bucket, Key string
	Replace     bool // metadata is Metadata rather than the source's
	Metadata    Metadata
	IfNoneMatch bool // of the target
	IfMatch     string
}

// Copy copies an object of at most MaxPut bytes. A source condition that does
// not hold is ErrPreconditionFailed in every case.
func (s *Service) Copy(ctx context.Context, scope logs.Scope, req CopyRequest) (Object, error) {
	src := req.Source
	if _, err := s.Bucket(ctx, scope, req.Bucket); err != nil {
		return Object{}, err
	}
	if src.Bucket == req.Bucket && src.Key == req.Key && !req.Replace {
		return Object{}, ErrCopyToSelf
	}
	if err := checkMetadata(req.Metadata); err != nil {
		return Object{}, err
	}
	o, err := s.source(ctx, scope, src)
	if err != nil {
		return Object{}, err
	}
	if o.Size > MaxPut {
		return Object{}, ErrEntityTooLarge
	}
	return s.store.Copy(ctx, src.Bucket, src.Key, req.Bucket, req.Key, objstore.CopyOptions{
		PutOptions:    PutOptions{Metadata: req.Metadata, IfNoneMatch: req.IfNoneMatch, IfMatch: req.IfMatch},
		Replace:       req.Replace,
		SourceIfMatch: o.ETag,
	})
}

func (s *Service) source(ctx context.Context, scope logs.Scope, src CopySource) (Object, error) {
	o, err := s.Head(ctx, scope, src.Bucket, src.Key, src.Conditions)
	if errors.Is(err, ErrNotModified) {
		err = ErrPreconditionFailed
	}
	return o, err
}
