package objects_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/objects"
)

var (
	east  = logs.Scope{Account: "000000000000", Region: "us-east-1"}
	west  = logs.Scope{Account: "000000000000", Region: "eu-west-1"}
	other = logs.Scope{Account: "111111111111", Region: "us-east-1"}
)

func open(t *testing.T) (*objects.Service, objstore.Store) {
	t.Helper()
	store, err := objstore.OpenLocal(t.Context(), objstore.LocalOptions{FS: vfs.NewMem(), Dir: "objects"})
	if err != nil {
		t.Fatal(err)
	}
	return objects.New(store), store
}

func TestCreateBucket(t *testing.T) {
	s, _ := open(t)
	create := func(scope logs.Scope, name, location, region string, want error) {
		t.Helper()
		err := s.CreateBucket(t.Context(), scope, name, location)
		if !errors.Is(err, want) {
			t.Errorf("create %s in %q from %s: %v, want %v", name, location, scope.Region, err, want)
		}
		if want != nil || err != nil {
			return
		}
		if b, err := s.Bucket(t.Context(), scope, name); err != nil || b.Region != region || b.Account != scope.Account || b.Created.IsZero() {
			t.Errorf("bucket %+v, %v", b, err)
		}
	}
	create(east, "east", "", "us-east-1", nil)
	create(east, "east", "", "us-east-1", nil)
	create(east, "far", "ap-south-1", "ap-south-1", nil)
	create(east, "eu-alias", "EU", "eu-west-1", nil)
	create(west, "west", "eu-west-1", "eu-west-1", nil)
	create(logs.Scope{Account: "000000000000"}, "nowhere", "", "us-east-1", nil)
	create(east, "x-us", "us-east-1", "", objects.ErrInvalidLocation)
	create(east, "x-bad", "not a region", "", objects.ErrInvalidLocation)
	create(west, "x-none", "", "", objects.ErrIllegalLocation)
	create(west, "x-other", "us-west-2", "", objects.ErrIllegalLocation)
	create(west, "west", "eu-west-1", "", objects.ErrBucketAlreadyOwnedByYou)
	create(other, "east", "", "", objects.ErrBucketAlreadyExists)
	create(east, "No", "", "", objects.ErrInvalidBucketName)
}

// Every method refuses a bucket of another account.
func TestOwnership(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	if err := s.CreateBucket(ctx, east, "mine", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.PutObject(ctx, east, "mine", "k", strings.NewReader("x"), 1, "text/plain"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateBucket(ctx, other, "theirs", ""); err != nil {
		t.Fatal(err)
	}
	up, err := s.CreateUpload(ctx, east, "mine", "k", objects.Metadata{}, objects.Checksum{})
	if err != nil {
		t.Fatal(err)
	}
	src := objects.CopySource{Bucket: "mine", Key: "k"}
	for name, call := range map[string]func() error{
		"Bucket":       func() error { _, err := s.Bucket(ctx, other, "mine"); return err },
		"BucketExists": func() error { _, err := s.BucketExists(ctx, other, "mine"); return err },
		"DeleteBucket": func() error { return s.DeleteBucket(ctx, other, "mine") },
		"PutObject":    func() error { return s.PutObject(ctx, other, "mine", "k", strings.NewReader("y"), 1, "") },
		"Put": func() error {
			_, err := s.Put(ctx, other, "mine", "k", strings.NewReader("y"), 1, objects.PutOptions{})
			return err
		},
		"Get":        func() error { _, err := s.Get(ctx, other, "mine", "k", nil, objects.Conditions{}); return err },
		"Head":       func() error { _, err := s.Head(ctx, other, "mine", "k", objects.Conditions{}); return err },
		"Delete":     func() error { return s.Delete(ctx, other, "mine", "k", "") },
		"DeleteMany": func() error { _, err := s.DeleteMany(ctx, other, "mine", []string{"k"}); return err },
		"List":       func() error { _, err := s.List(ctx, other, "mine", objects.ListOptions{}); return err },
		"Copy from": func() error {
			_, err := s.Copy(ctx, other, objects.CopyRequest{Source: src, Bucket: "theirs", Key: "k"})
			return err
		},
		"Copy to": func() error {
			_, err := s.Copy(ctx, other, objects.CopyRequest{Source: src, Bucket: "mine", Key: "k2"})
			return err
		},
		"CreateUpload": func() error {
			_, err := s.CreateUpload(ctx, other, "mine", "k", objects.Metadata{}, objects.Checksum{})
			return err
		},
		"PutPart": func() error {
			_, err := s.PutPart(ctx, other, "mine", "k", up.ID, 1, strings.NewReader(""), 0, nil)
			return err
		},
		"CopyPart": func() error { _, err := s.CopyPart(ctx, other, src, nil, "theirs", "k", up.ID, 1); return err },
		"Parts":    func() error { _, _, _, err := s.Parts(ctx, other, "mine", "k", up.ID, 0, 1); return err },
		"CompleteUpload": func() error {
			_, err := s.CompleteUpload(ctx, other, "mine", "k", up.ID, nil, objects.CompleteOptions{})
			return err
		},
		"AbortUpload": func() error { return s.AbortUpload(ctx, other, "mine", "k", up.ID) },
		"Uploads":     func() error { _, err := s.Uploads(ctx, other, "mine", objects.UploadListOptions{}); return err },
	} {
		if err := call(); !errors.Is(err, objects.ErrAccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
	buckets, err := s.Buckets(ctx, east)
	if err != nil || len(buckets) != 1 || buckets[0].Name != "mine" {
		t.Errorf("buckets %+v, %v", buckets, err)
	}
}

func TestExportsWrite(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	for name, want := range map[string]bool{"missing": false, "Not A Name": false} {
		if got, err := s.BucketExists(ctx, east, name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if err := s.PutObject(ctx, east, "missing", "k", strings.NewReader("x"), -1, ""); !errors.Is(err, objects.ErrNoSuchBucket) {
		t.Errorf("put: %v", err)
	}
	if err := s.CreateBucket(ctx, east, "bkt", ""); err != nil {
		t.Fatal(err)
	}
	if got, err := s.BucketExists(ctx, west, "bkt"); !got || err != nil {
		t.Errorf("exists: %v, %v", got, err)
	}
	if err := s.PutObject(ctx, west, "bkt", "p/k", strings.NewReader("Permission Check Successful"), -1, "text/plain"); err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(ctx, east, "bkt", "p/k", nil, objects.Conditions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil || string(data) != "Permission Check Successful" || r.Object.Metadata.ContentType != "text/plain" {
		t.Errorf("%q %+v %v", data, r.Object, err)
	}
}

func TestLimits(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	if err := s.CreateBucket(ctx, east, "bkt", ""); err != nil {
		t.Fatal(err)
	}
	_, err := s.Put(ctx, east, "bkt", "k", strings.NewReader(""), objects.MaxPut+1, objects.PutOptions{})
	if !errors.Is(err, objects.ErrEntityTooLarge) {
		t.Errorf("put over the limit: %v", err)
	}
	_, err = s.Put(ctx, east, "bkt", "k", strings.NewReader(""), objects.MaxPut, objects.PutOptions{})
	if !errors.Is(err, objects.ErrSizeMismatch) {
		t.Errorf("put at the limit: %v", err)
	}
	for n, want := range map[int]error{2048: nil, 2049: objects.ErrMetadataTooLarge} {
		m := objects.Metadata{User: map[string]string{"k": strings.Repeat("v", n-1)}}
		if _, err := s.Put(ctx, east, "bkt", "k", strings.NewReader(""), 0, objects.PutOptions{Metadata: m}); !errors.Is(err, want) {
			t.Errorf("%d bytes of metadata: %v", n, err)
		}
	}
	for n, want := range map[int]error{1000: nil, 1001: objects.ErrTooManyKeys} {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = "x"
		}
		if _, err := s.DeleteMany(ctx, east, "bkt", keys); !errors.Is(err, want) {
			t.Errorf("%d keys: %v", n, err)
		}
	}
}

func TestPlanChecksum(t *testing.T) {
	for _, tt := range []struct {
		algorithm, kind string
		want            objects.Checksum
		bad             bool
	}{
		{"", "", objects.Checksum{}, false},
		{"", "COMPOSITE", objects.Checksum{}, true},
		{"CRC32", "", objects.Checksum{Algorithm: "CRC32", Composite: true}, false},
		{"CRC32C", "FULL_OBJECT", objects.Checksum{Algorithm: "CRC32C"}, false},
		{"CRC64NVME", "", objects.Checksum{Algorithm: "CRC64NVME"}, false},
		{"CRC64NVME", "COMPOSITE", objects.Checksum{}, true},
		{"SHA1", "", objects.Checksum{Algorithm: "SHA1", Composite: true}, false},
		{"SHA256", "FULL_OBJECT", objects.Checksum{}, true},
		{"CRC32", "OTHER", objects.Checksum{}, true},
		{"MD5", "", objects.Checksum{}, true},
	} {
		got, err := objects.PlanChecksum(tt.algorithm, tt.kind)
		if (err != nil) != tt.bad || !tt.bad && got != tt.want {
			t.Errorf("%s %s: %+v, %v", tt.algorithm, tt.kind, got, err)
		}
	}
}

func TestConditions(t *testing.T) {
	s, _ := open(t)
	ctx := t.Context()
	if err := s.CreateBucket(ctx, east, "bkt", ""); err != nil {
		t.Fatal(err)
	}
	o, err := s.Put(ctx, east, "bkt", "k", strings.NewReader("x"), 1, objects.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	past, future := o.Modified.Add(-time.Hour), o.Modified.Add(time.Hour)
	same, none := []string{o.ETag}, []string{"else"}
	for i, tt := range []struct {
		c    objects.Conditions
		want error
	}{
		{objects.Conditions{IfMatch: same}, nil},
		{objects.Conditions{IfMatch: []string{"*"}}, nil},
		{objects.Conditions{IfMatch: none}, objects.ErrPreconditionFailed},
		{objects.Conditions{IfNoneMatch: same}, objects.ErrNotModified},
		{objects.Conditions{IfNoneMatch: []string{"else", o.ETag}}, objects.ErrNotModified},
		{objects.Conditions{IfNoneMatch: none}, nil},
		{objects.Conditions{IfModifiedSince: past}, nil},
		{objects.Conditions{IfModifiedSince: future}, objects.ErrNotModified},
		{objects.Conditions{IfUnmodifiedSince: past}, objects.ErrPreconditionFailed},
		{objects.Conditions{IfUnmodifiedSince: future}, nil},
		{objects.Conditions{IfMatch: same, IfUnmodifiedSince: past}, nil},
		{objects.Conditions{IfNoneMatch: none, IfModifiedSince: future}, nil},
		{objects.Conditions{IfMatch: none, IfNoneMatch: same}, objects.ErrPreconditionFailed},
	} {
		if _, err := s.Head(ctx, east, "bkt", "k", tt.c); !errors.Is(err, tt.want) {
			t.Errorf("condition %d: %v, want %v", i, err, tt.want)
		}
		// As the condition of a copy, not modified is a failure.
		want := tt.want
		if errors.Is(want, objects.ErrNotModified) {
			want = objects.ErrPreconditionFailed
		}
		_, err := s.Copy(ctx, east, objects.CopyRequest{Source: objects.CopySource{Bucket: "bkt", Key: "k", Conditions: tt.c}, Bucket: "bkt", Key: "copy"})
		if !errors.Is(err, want) {
			t.Errorf("copy condition %d: %v, want %v", i, err, want)
		}
	}
	_, err = s.Head(ctx, east, "bkt", "k", objects.Conditions{IfNoneMatch: same})
	if e, ok := errors.AsType[*objects.NotModified](err); !ok || cmp.Diff(e.Object, o) != "" {
		t.Errorf("not modified: %v", err)
	}
}
