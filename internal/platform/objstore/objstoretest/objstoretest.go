// Package objstoretest is the conformance suite of objstore.Store. Every
// implementation, and every wrapper of one, runs it.
package objstoretest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/objstore"
)

// Run runs the suite. open returns an empty store; it registers its own
// cleanup.
func Run(t *testing.T, open func(t *testing.T) objstore.Store) {
	tests := []struct {
		name string
		run  func(*suite)
	}{
		{"Buckets", (*suite).buckets},
		{"Settings", (*suite).settings},
		{"PutGet", (*suite).putGet},
		{"Metadata", (*suite).metadata},
		{"Ranges", (*suite).ranges},
		{"Replace", (*suite).replace},
		{"OddKeys", (*suite).oddKeys},
		{"KeyLimits", (*suite).keyLimits},
		{"FileAndDirectory", (*suite).fileAndDirectory},
		{"FailedBody", (*suite).failedBody},
		{"Preconditions", (*suite).preconditions},
		{"Delete", (*suite).deletes},
		{"Copy", (*suite).copies},
		{"List", (*suite).list},
		{"ListModel", (*suite).listModel},
		{"Multipart", (*suite).multipart},
		{"MultipartErrors", (*suite).multipartErrors},
		{"Uploads", (*suite).uploads},
		{"Concurrent", (*suite).concurrent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &suite{T: t, ctx: t.Context(), store: open(t)}
			s.check(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: "bkt"}))
			tt.run(s)
		})
	}
}

type suite struct {
	*testing.T
	ctx   context.Context
	store objstore.Store
}

func (s *suite) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) fails(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("error %v, want %v", err, want)
	}
}

func (s *suite) equal(got, want any) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Errorf("differs (-want +got):\n%s", d)
	}
}

func (s *suite) put(key, content string) objstore.Object {
	s.Helper()
	o, err := s.store.Put(s.ctx, "bkt", key, strings.NewReader(content), int64(len(content)), objstore.PutOptions{})
	if err != nil {
		s.Fatalf("put %q: %v", key, err)
	}
	return o
}

func (s *suite) get(key string) string {
	s.Helper()
	r, err := s.store.Get(s.ctx, "bkt", key, nil)
	if err != nil {
		s.Fatalf("get %q: %v", key, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	s.check(err)
	if int64(len(data)) != r.Length || r.Length != r.Object.Size {
		s.Errorf("get %q: %d bytes, length %d, size %d", key, len(data), r.Length, r.Object.Size)
	}
	return string(data)
}

func md5hex(data string) string {
	sum := md5.Sum([]byte(data))
	return hex.EncodeToString(sum[:])
}

func (s *suite) buckets() {
	s.fails(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: "bkt"}), objstore.ErrBucketExists)
	for _, name := range []string{"", "ab", strings.Repeat("a", 64), "Upper", "under_score", "-a-", "a..b", "192.168.1.1", "xn--abc", "a/b", "..", ".cumulog"} {
		s.fails(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: name}), objstore.ErrInvalidBucketName)
	}
	long := strings.Repeat("a", 63)
	s.check(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: long}))
	s.check(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: "a.b"}))
	all, err := s.store.Buckets(s.ctx)
	s.check(err)
	var names []string
	for _, b := range all {
		names = append(names, b.Name)
	}
	s.equal(names, []string{"a.b", long, "bkt"})
	_, err = s.store.Bucket(s.ctx, "missing")
	s.fails(err, objstore.ErrNoSuchBucket)
	s.put("a/b/c", "x")
	s.fails(s.store.DeleteBucket(s.ctx, "bkt"), objstore.ErrBucketNotEmpty)
	s.check(s.store.Delete(s.ctx, "bkt", "a/b/c", ""))
	s.check(s.store.DeleteBucket(s.ctx, "bkt"))
	s.fails(s.store.DeleteBucket(s.ctx, "bkt"), objstore.ErrNoSuchBucket)
	_, err = s.store.Put(s.ctx, "bkt", "k", strings.NewReader("x"), 1, objstore.PutOptions{})
	s.fails(err, objstore.ErrNoSuchBucket)
	_, err = s.store.Get(s.ctx, "bkt", "k", nil)
	s.fails(err, objstore.ErrNoSuchBucket)
	_, err = s.store.Head(s.ctx, "bkt", "k")
	s.fails(err, objstore.ErrNoSuchBucket)
	_, err = s.store.List(s.ctx, "bkt", objstore.ListOptions{})
	s.fails(err, objstore.ErrNoSuchBucket)
	s.check(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: "bkt"}))
	page, err := s.store.List(s.ctx, "bkt", objstore.ListOptions{})
	s.check(err)
	s.equal(len(page.Objects), 0)
}

func (s *suite) settings() {
	tags, err := s.store.BucketTags(s.ctx, "bkt")
	s.check(err)
	s.equal(len(tags), 0)
	policy, err := s.store.BucketPolicy(s.ctx, "bkt")
	s.check(err)
	s.equal(policy, "")
	want := `{"Statement": [{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/*"}]}`
	s.check(s.store.SetBucketTags(s.ctx, "bkt", map[string]string{"a": "1", "ü b": ""}))
	s.check(s.store.SetBucketPolicy(s.ctx, "bkt", want))
	s.check(s.store.SetBucketTags(s.ctx, "bkt", map[string]string{"c": "<&>"}))
	tags, err = s.store.BucketTags(s.ctx, "bkt")
	s.check(err)
	s.equal(tags, map[string]string{"c": "<&>"})
	policy, err = s.store.BucketPolicy(s.ctx, "bkt")
	s.check(err)
	s.equal(policy, want)
	s.check(s.store.SetBucketTags(s.ctx, "bkt", nil))
	s.check(s.store.SetBucketPolicy(s.ctx, "bkt", ""))
	tags, err = s.store.BucketTags(s.ctx, "bkt")
	s.check(err)
	s.equal(len(tags), 0)
	policy, err = s.store.BucketPolicy(s.ctx, "bkt")
	s.check(err)
	s.equal(policy, "")
	s.fails(s.store.SetBucketTags(s.ctx, "missing", nil), objstore.ErrNoSuchBucket)
	s.fails(s.store.SetBucketPolicy(s.ctx, "missing", ""), objstore.ErrNoSuchBucket)
	_, err = s.store.BucketTags(s.ctx, "missing")
	s.fails(err, objstore.ErrNoSuchBucket)
	_, err = s.store.BucketPolicy(s.ctx, "missing")
	s.fails(err, objstore.ErrNoSuchBucket)
}

func (s *suite) putGet() {
	for _, size := range []int{0, 1, 4095, 4096, 300_000} {
		data := string(randomBytes(size))
		o := s.put("k", data)
		s.equal(o.ETag, md5hex(data))
		s.equal(o.Size, int64(size))
		s.equal(s.get("k") == data, true)
		h, err := s.store.Head(s.ctx, "bkt", "k")
		s.check(err)
		s.equal([]any{h.Key, h.Size, h.ETag}, []any{"k", int64(size), o.ETag})
		if h.Modified.IsZero() {
			s.Error("no modification time")
		}
	}
	data := string(randomBytes(100_000))
	_, err := s.store.Put(s.ctx, "bkt", "unknown", iotest.OneByteReader(strings.NewReader(data)), -1, objstore.PutOptions{})
	s.check(err)
	s.equal(s.get("unknown") == data, true)
	_, err = s.store.Get(s.ctx, "bkt", "missing", nil)
	s.fails(err, objstore.ErrNoSuchKey)
	_, err = s.store.Head(s.ctx, "bkt", "missing")
	s.fails(err, objstore.ErrNoSuchKey)
}

func randomBytes(n int) []byte {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func (s *suite) metadata() {
	m := objstore.Metadata{ContentType: "text/plain; charset=utf-8", ContentEncoding: "gzip", ContentDisposition: `attachment; filename="a b"`,
		ContentLanguage: "de", CacheControl: "no-cache", Expires: "Thu, 01 Dec 2033 16:00:00 GMT", User: map[string]string{"one": "1", "two-words": "a, b"}}
	_, err := s.store.Put(s.ctx, "bkt", "k", strings.NewReader("x"), 1, objstore.PutOptions{Metadata: m})
	s.check(err)
	o, err := s.store.Head(s.ctx, "bkt", "k")
	s.check(err)
	s.equal(o.Metadata, m)
	r, err := s.store.Get(s.ctx, "bkt", "k", nil)
	s.check(err)
	s.equal(r.Object.Metadata, m)
	r.Close()
	s.put("k", "y")
	o, err = s.store.Head(s.ctx, "bkt", "k")
	s.check(err)
	s.equal(len(o.Metadata.User), 0)
	s.equal(o.Metadata.ContentEncoding, "")
}

func (s *suite) ranges() {
	s.put("k", "0123456789")
	s.put("empty", "")
	get := func(first, last int64, want string) {
		s.Helper()
		r, err := s.store.Get(s.ctx, "bkt", "k", &objstore.Range{First: first, Last: last})
		s.check(err)
		defer r.Close()
		data, err := io.ReadAll(r)
		s.check(err)
		s.equal(string(data), want)
		s.equal([]int64{r.First, r.Length, r.Object.Size}, []int64{int64(strings.Index("0123456789", want)), int64(len(want)), 10})
	}
	get(0, 0, "0")
	get(2, 4, "234")
	get(2, -1, "23456789")
	get(9, 9, "9")
	get(5, 100, "56789")
	get(-3, 0, "789")
	get(-100, 0, "0123456789")
	for _, rng := range []objstore.Range{{First: 10, Last: -1}, {First: 10, Last: 20}, {First: 1 << 40, Last: -1}} {
		_, err := s.store.Get(s.ctx, "bkt", "k", &rng)
		s.fails(err, objstore.ErrInvalidRange)
		if e, ok := errors.AsType[*objstore.RangeError](err); !ok || e.Size != 10 {
			s.Errorf("range error %v does not tell the size", err)
		}
	}
	_, err := s.store.Get(s.ctx, "bkt", "empty", &objstore.Range{First: 0, Last: -1})
	s.fails(err, objstore.ErrInvalidRange)
}

// replace: a reader keeps the version it opened.
func (s *suite) replace() {
	old := string(randomBytes(200_000))
	s.put("k", old)
	r, err := s.store.Get(s.ctx, "bkt", "k", nil)
	s.check(err)
	defer r.Close()
	head := make([]byte, 10)
	_, err = io.ReadFull(r, head)
	s.check(err)
	s.put("k", "new")
	rest, err := io.ReadAll(r)
	s.check(err)
	s.equal(string(head)+string(rest) == old, true)
	s.equal(s.get("k"), "new")
}

// OddKeys are keys that do not map to file names as they are.
var OddKeys = []string{
	"a", "a.b", "a/b", "a/b/c", "a b", "a+b", "a%b", "a%2Fb", "a%2E", "ä", "日本/語", "a&b<c>\"d'", "x=y?z#w", ".", "..", "../x", "../../etc/passwd",
	"a/../b", "a/./b", "./a", "/", "//", "/a", "a/", "a//b", "a///", "tab\tnl\ncr\r", "\x01\x1f\x7f", "back\\slash", "~", "*", "[x]", "con", "a:b|c",
	"%", "%_", "%.", "%+", "a%.", "a%+", "%2E%2E", ".cumulog", ".cumulog/tmp/x", "dir/%_/x", "trailing ", " leading", "trailing.", "é", "e\u0301", "\U0001F600",
	strings.Repeat("x", 239), strings.Repeat("x", 240), strings.Repeat("x", 241), strings.Repeat("x", 240) + ".", strings.Repeat("x", 240) + "..",
	strings.Repeat("x", 240) + "/y", strings.Repeat("x", 300), strings.Repeat("x", 300) + "/y", strings.Repeat("x", 1024), strings.Repeat("ä", 512),
	strings.Repeat("/", 1024), strings.Repeat("a/", 512), strings.Repeat("%", 1024), strings.Repeat("\x01", 300), strings.Repeat("x", 239) + "\x01\x01",
	strings.Repeat("x", 240) + "!", strings.Repeat("x", 238) + "ä",
}

func (s *suite) oddKeys() {
	for i, k := range OddKeys {
		s.put(k, fmt.Sprint("content ", i))
	}
	for i, k := range OddKeys {
		s.equal(s.get(k), fmt.Sprint("content ", i))
	}
	want := slices.Sorted(slices.Values(OddKeys))
	s.equal(s.keys(objstore.ListOptions{}), want)
	s.equal(s.keys(objstore.ListOptions{Limit: 3}), want)
	for i, k := range OddKeys {
		s.check(s.store.Delete(s.ctx, "bkt", k, ""))
		_, err := s.store.Head(s.ctx, "bkt", k)
		s.fails(err, objstore.ErrNoSuchKey)
		if i%10 == 0 && i+1 < len(OddKeys) {
			s.equal(s.get(OddKeys[i+1]), fmt.Sprint("content ", i+1))
		}
	}
	s.equal(len(s.keys(objstore.ListOptions{})), 0)
	s.check(s.store.DeleteBucket(s.ctx, "bkt"))
}

func (s *suite) keyLimits() {
	for key, want := range map[string]error{"": objstore.ErrInvalidKey, strings.Repeat("k", 1025): objstore.ErrKeyTooLong, "\xff": objstore.ErrInvalidKey} {
		_, err := s.store.Put(s.ctx, "bkt", key, strings.NewReader(""), 0, objstore.PutOptions{})
		s.fails(err, want)
		_, err = s.store.Get(s.ctx, "bkt", key, nil)
		s.fails(err, want)
		s.fails(s.store.Delete(s.ctx, "bkt", key, ""), want)
	}
}

func (s *suite) fileAndDirectory() {
	s.put("a/b/c", "deep")
	s.put("a/b", "middle")
	s.put("a", "top")
	s.equal([]string{s.get("a"), s.get("a/b"), s.get("a/b/c")}, []string{"top", "middle", "deep"})
	s.put("a", "top 2")
	s.check(s.store.Delete(s.ctx, "bkt", "a/b/c", ""))
	s.check(s.store.Delete(s.ctx, "bkt", "a/b", ""))
	s.equal(s.keys(objstore.ListOptions{}), []string{"a"})
	s.put("a", "top 3")
	s.put("x", "file first")
	s.put("x/y/z", "then a directory")
	s.equal([]string{s.get("a"), s.get("x"), s.get("x/y/z")}, []string{"top 3", "file first", "then a directory"})
	s.check(s.store.Delete(s.ctx, "bkt", "x", ""))
	s.equal(s.keys(objstore.ListOptions{}), []string{"a", "x/y/z"})
}

func (s *suite) failedBody() {
	s.put("k", "old")
	boom := errors.New("boom")
	_, err := s.store.Put(s.ctx, "bkt", "k", io.MultiReader(strings.NewReader("part of it"), iotest.ErrReader(boom)), -1, objstore.PutOptions{})
	s.fails(err, boom)
	_, err = s.store.Put(s.ctx, "bkt", "k", strings.NewReader("short"), 6, objstore.PutOptions{})
	s.fails(err, objstore.ErrSizeMismatch)
	_, err = s.store.Put(s.ctx, "bkt", "k", strings.NewReader("too long"), 6, objstore.PutOptions{})
	s.fails(err, objstore.ErrSizeMismatch)
	_, err = s.store.Put(s.ctx, "bkt", "k", strings.NewReader(""), objstore.MaxObjectSize+1, objstore.PutOptions{})
	s.fails(err, objstore.ErrEntityTooLarge)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err = s.store.Put(ctx, "bkt", "k", strings.NewReader("x"), 1, objstore.PutOptions{})
	s.fails(err, context.Canceled)
	s.equal(s.get("k"), "old")
	s.equal(s.keys(objstore.ListOptions{}), []string{"k"})
}

func (s *suite) preconditions() {
	put := func(o objstore.PutOptions) error {
		_, err := s.store.Put(s.ctx, "bkt", "k", strings.NewReader("x"), 1, o)
		return err
	}
	s.fails(put(objstore.PutOptions{IfMatch: md5hex("x")}), objstore.ErrNoSuchKey)
	s.check(put(objstore.PutOptions{IfNoneMatch: true}))
	s.fails(put(objstore.PutOptions{IfNoneMatch: true}), objstore.ErrPreconditionFailed)
	s.fails(put(objstore.PutOptions{IfMatch: md5hex("y")}), objstore.ErrPreconditionFailed)
	s.check(put(objstore.PutOptions{IfMatch: md5hex("x")}))
	s.fails(s.store.Delete(s.ctx, "bkt", "k", md5hex("y")), objstore.ErrPreconditionFailed)
	s.check(s.store.Delete(s.ctx, "bkt", "k", md5hex("x")))
	s.fails(s.store.Delete(s.ctx, "bkt", "k", md5hex("x")), objstore.ErrNoSuchKey)

	var wins, losses int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := put(objstore.PutOptions{IfNoneMatch: true})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				wins++
			case errors.Is(err, objstore.ErrPreconditionFailed):
				losses++
			default:
				s.Error(err)
			}
		})
	}
	wg.Wait()
	s.equal([]int{wins, losses}, []int{1, 7})
}

func (s *suite) deletes() {
	s.check(s.store.Delete(s.ctx, "bkt", "missing", ""))
	s.check(s.store.Delete(s.ctx, "bkt", "missing/deep", ""))
	keys := []string{"a", "b/c", "b/d", "missing", "a"}
	for _, k := range keys[:3] {
		s.put(k, "x")
	}
	s.put("keep", "x")
	errs, err := s.store.DeleteMany(s.ctx, "bkt", append(keys, ""))
	s.check(err)
	for _, err := range errs[:5] {
		s.check(err)
	}
	s.fails(errs[5], objstore.ErrInvalidKey)
	s.equal(s.keys(objstore.ListOptions{}), []string{"keep"})
	_, err = s.store.DeleteMany(s.ctx, "nobucket", keys)
	s.fails(err, objstore.ErrNoSuchBucket)
}

func (s *suite) copies() {
	m := objstore.Metadata{ContentType: "text/x", User: map[string]string{"k": "v"}}
	src, err := s.store.Put(s.ctx, "bkt", "src ä+%", strings.NewReader("content"), 7, objstore.PutOptions{Metadata: m})
	s.check(err)
	s.check(s.store.CreateBucket(s.ctx, objstore.Bucket{Name: "other"}))
	o, err := s.store.Copy(s.ctx, "bkt", "src ä+%", "other", "dst", objstore.CopyOptions{SourceIfMatch: src.ETag})
	s.check(err)
	s.equal(o.ETag, src.ETag)
	o, err = s.store.Head(s.ctx, "other", "dst")
	s.check(err)
	s.equal(o.Metadata, m)
	changed := objstore.Metadata{ContentType: "text/y"}
	_, err = s.store.Copy(s.ctx, "bkt", "src ä+%", "bkt", "src ä+%", objstore.CopyOptions{Replace: true, PutOptions: objstore.PutOptions{Metadata: changed}})
	s.check(err)
	o, err = s.store.Head(s.ctx, "bkt", "src ä+%")
	s.check(err)
	s.equal(o.Metadata, changed)
	s.equal(s.get("src ä+%"), "content")
	_, err = s.store.Copy(s.ctx, "bkt", "missing", "bkt", "dst", objstore.CopyOptions{})
	s.fails(err, objstore.ErrNoSuchKey)
	_, err = s.store.Copy(s.ctx, "nobucket", "k", "bkt", "dst", objstore.CopyOptions{})
	s.fails(err, objstore.ErrNoSuchBucket)
	_, err = s.store.Copy(s.ctx, "bkt", "src ä+%", "bkt", "dst", objstore.CopyOptions{SourceIfMatch: md5hex("else")})
	s.fails(err, objstore.ErrPreconditionFailed)
}

// keys lists all keys, page by page.
func (s *suite) keys(o objstore.ListOptions) []string {
	s.Helper()
	keys, _ := s.listing(o)
	return keys
}

func (s *suite) listing(o objstore.ListOptions) (keys, prefixes []string) {
	s.Helper()
	limit := o.Limit
	if limit == 0 {
		limit = objstore.MaxListLimit
	}
	for {
		page, err := s.store.List(s.ctx, "bkt", o)
		s.check(err)
		if n := len(page.Objects) + len(page.Prefixes); n > limit || page.Next != "" && n < limit {
			s.Fatalf("page of %d entries, limit %d, next %q", n, limit, page.Next)
		}
		for _, e := range page.Objects {
			keys = append(keys, e.Key)
		}
		prefixes = append(prefixes, page.Prefixes...)
		if page.Next == "" {
			return keys, prefixes
		}
		if page.Next <= o.After {
			s.Fatalf("listing does not advance: %q after %q", page.Next, o.After)
		}
		o.After = page.Next
	}
}

func (s *suite) list() {
	for _, k := range []string{"a", "a-b", "a/1", "a/2/x", "a0", "b/", "b/1", "c"} {
		s.put(k, k)
	}
	run := func(o objstore.ListOptions, keys, prefixes []string) {
		s.Helper()
		for _, limit := range []int{0, 1, 2, 3} {
			o.Limit = limit
			k, p := s.listing(o)
			s.equal([][]string{k, p}, [][]string{keys, prefixes})
		}
	}
	run(objstore.ListOptions{}, []string{"a", "a-b", "a/1", "a/2/x", "a0", "b/", "b/1", "c"}, nil)
	run(objstore.ListOptions{Delimiter: "/"}, []string{"a", "a-b", "a0", "c"}, []string{"a/", "b/"})
	run(objstore.ListOptions{Prefix: "a"}, []string{"a", "a-b", "a/1", "a/2/x", "a0"}, nil)
	run(objstore.ListOptions{Prefix: "a/"}, []string{"a/1", "a/2/x"}, nil)
	run(objstore.ListOptions{Prefix: "a/", Delimiter: "/"}, []string{"a/1"}, []string{"a/2/"})
	run(objstore.ListOptions{Prefix: "b/", Delimiter: "/"}, []string{"b/", "b/1"}, nil)
	run(objstore.ListOptions{Prefix: "a/2/x"}, []string{"a/2/x"}, nil)
	run(objstore.ListOptions{Prefix: "zzz"}, nil, nil)
	run(objstore.ListOptions{After: "a/1"}, []string{"a/2/x", "a0", "b/", "b/1", "c"}, nil)
	run(objstore.ListOptions{After: "a/", Delimiter: "/"}, []string{"a0", "c"}, []string{"b/"})
	run(objstore.ListOptions{After: "zzz"}, nil, nil)
	run(objstore.ListOptions{Delimiter: "-"}, []string{"a", "a/1", "a/2/x", "a0", "b/", "b/1", "c"}, []string{"a-"})
	page, err := s.store.List(s.ctx, "bkt", objstore.ListOptions{Prefix: "a/1"})
	s.check(err)
	s.equal([]any{page.Objects[0].Size, page.Objects[0].ETag}, []any{int64(3), md5hex("a/1")})
}

// listModel compares listings of random keys with a sorted slice.
func (s *suite) listModel() {
	rng := rand.New(rand.NewPCG(7, 7))
	const alphabet = "/!a-.0b%ä/"
	letters := []rune(alphabet)
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteRune(letters[rng.IntN(len(letters))])
		}
		return b.String()
	}
	model := map[string]bool{}
	for range 150 {
		k := word(1 + rng.IntN(7))
		model[k] = true
		s.put(k, "x")
	}
	for k := range model {
		if rng.IntN(4) == 0 {
			delete(model, k)
			s.check(s.store.Delete(s.ctx, "bkt", k, ""))
		}
	}
	for range 60 {
		o := objstore.ListOptions{Limit: 1 + rng.IntN(20)}
		if rng.IntN(2) == 0 {
			o.Prefix = word(rng.IntN(3))
		}
		if rng.IntN(2) == 0 {
			o.Delimiter = word(1)
		}
		var keys, prefixes []string
		for _, k := range slices.Sorted(keysOf(model)) {
			rest, ok := strings.CutPrefix(k, o.Prefix)
			if !ok {
				continue
			}
			if i := strings.Index(rest, o.Delimiter); o.Delimiter != "" && i >= 0 {
				if p := o.Prefix + rest[:i+len(o.Delimiter)]; len(prefixes) == 0 || prefixes[len(prefixes)-1] != p {
					prefixes = append(prefixes, p)
				}
				continue
			}
			keys = append(keys, k)
		}
		gotKeys, gotPrefixes := s.listing(o)
		if d := cmp.Diff([][]string{keys, prefixes}, [][]string{gotKeys, gotPrefixes}); d != "" {
			s.Fatalf("list %+v (-want +got):\n%s", o, d)
		}
	}
}

func keysOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (s *suite) multipart() {
	m := objstore.Metadata{ContentType: "text/x", User: map[string]string{"k": "v"}}
	up, err := s.store.CreateUpload(s.ctx, "bkt", "dir/big", m, objstore.Checksum{Algorithm: "CRC32", Composite: true})
	s.check(err)
	data := [][]byte{randomBytes(objstore.MinPartSize), randomBytes(objstore.MinPartSize + 1), []byte("tail")}
	var parts []objstore.CompletedPart
	var sums, crcs []byte
	for i, d := range data {
		number := 1 + i*7
		if i == 1 { // a part may be sent twice
			_, err := s.store.PutPart(s.ctx, "bkt", "dir/big", up.ID, number, strings.NewReader("first try"), 9, nil)
			s.check(err)
		}
		crc := crc32.ChecksumIEEE(d)
		sum := base64.StdEncoding.EncodeToString([]byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)})
		p, err := s.store.PutPart(s.ctx, "bkt", "dir/big", up.ID, number, bytes.NewReader(d), int64(len(d)),
			func() objstore.Checksum { return objstore.Checksum{Algorithm: "CRC32", Value: sum} })
		s.check(err)
		s.equal([]any{p.ETag, p.Checksum.Value}, []any{md5hex(string(d)), sum})
		parts = append(parts, objstore.CompletedPart{Number: number, ETag: p.ETag, Checksum: p.Checksum})
		raw, _ := hex.DecodeString(p.ETag)
		sums = append(sums, raw...)
		crcs = append(crcs, byte(crc>>24), byte(crc>>16), byte(crc>>8), byte(crc))
	}
	_, listed, more, err := s.store.Parts(s.ctx, "bkt", "dir/big", up.ID, 1, 1)
	s.check(err)
	s.equal([]any{len(listed), listed[0].Number, listed[0].Size, more}, []any{1, 8, int64(objstore.MinPartSize + 1), true})
	_, listed, more, err = s.store.Parts(s.ctx, "bkt", "dir/big", up.ID, 8, 1000)
	s.check(err)
	s.equal([]any{len(listed), listed[0].Number, more}, []any{1, 15, false})
	_, err = s.store.Head(s.ctx, "bkt", "dir/big")
	s.fails(err, objstore.ErrNoSuchKey)

	o, err := s.store.CompleteUpload(s.ctx, "bkt", "dir/big", up.ID, parts, objstore.CompleteOptions{Size: -1})
	s.check(err)
	s.equal(o.ETag, md5hex(string(sums))+"-3")
	h, err := s.store.Head(s.ctx, "bkt", "dir/big")
	s.check(err)
	s.equal(h.ETag, o.ETag)
	s.equal(h.Metadata, m)
	crc := crc32.ChecksumIEEE(crcs)
	s.equal(h.Checksum, objstore.Checksum{Algorithm: "CRC32", Composite: true,
		Value: base64.StdEncoding.EncodeToString([]byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)}) + "-3"})
	s.equal(s.get("dir/big") == string(slices.Concat(data...)), true)
	_, err = s.store.CompleteUpload(s.ctx, "bkt", "dir/big", up.ID, parts, objstore.CompleteOptions{Size: -1})
	s.fails(err, objstore.ErrNoSuchUpload)

	up, err = s.store.CreateUpload(s.ctx, "bkt", "full", objstore.Metadata{}, objstore.Checksum{Algorithm: "CRC64NVME"})
	s.check(err)
	p, err := s.store.PutPart(s.ctx, "bkt", "full", up.ID, 1, strings.NewReader("123456789"), -1, nil)
	s.check(err)
	o, err = s.store.CompleteUpload(s.ctx, "bkt", "full", up.ID, []objstore.CompletedPart{{Number: 1, ETag: p.ETag}}, objstore.CompleteOptions{Size: 9})
	s.check(err)
	s.equal(o.Checksum, objstore.Checksum{Algorithm: "CRC64NVME", Value: "rosUhgp5mIg="}) // the check value of CRC-64/NVME, ae8b14860a799888
}

func (s *suite) multipartErrors() {
	begin := func() (string, []objstore.CompletedPart) {
		up, err := s.store.CreateUpload(s.ctx, "bkt", "k", objstore.Metadata{}, objstore.Checksum{})
		s.check(err)
		var parts []objstore.CompletedPart
		for n := 1; n <= 2; n++ {
			p, err := s.store.PutPart(s.ctx, "bkt", "k", up.ID, n, strings.NewReader("small"), 5, nil)
			s.check(err)
			parts = append(parts, objstore.CompletedPart{Number: n, ETag: p.ETag})
		}
		return up.ID, parts
	}
	id, parts := begin()
	complete := func(id string, parts ...objstore.CompletedPart) error {
		_, err := s.store.CompleteUpload(s.ctx, "bkt", "k", id, parts, objstore.CompleteOptions{Size: -1})
		return err
	}
	s.fails(complete(id, parts...), objstore.ErrEntityTooSmall)
	s.fails(complete(id, parts[1], parts[0]), objstore.ErrInvalidPartOrder)
	s.fails(complete(id, parts[0], parts[0]), objstore.ErrInvalidPartOrder)
	s.fails(complete(id, objstore.CompletedPart{Number: 3, ETag: parts[0].ETag}), objstore.ErrInvalidPart)
	s.fails(complete(id, objstore.CompletedPart{Number: 1, ETag: md5hex("else")}), objstore.ErrInvalidPart)
	for _, bad := range []string{"nope", "..", "../../buckets", strings.Repeat("0", 32), ""} {
		if bad == "" {
			continue
		}
		s.fails(complete(bad, parts[0]), objstore.ErrNoSuchUpload)
		s.fails(s.store.AbortUpload(s.ctx, "bkt", "k", bad), objstore.ErrNoSuchUpload)
		_, err := s.store.PutPart(s.ctx, "bkt", "k", bad, 1, strings.NewReader("x"), 1, nil)
		s.fails(err, objstore.ErrNoSuchUpload)
		_, _, _, err = s.store.Parts(s.ctx, "bkt", "k", bad, 0, 10)
		s.fails(err, objstore.ErrNoSuchUpload)
	}
	s.fails(s.store.AbortUpload(s.ctx, "bkt", "otherkey", id), objstore.ErrNoSuchUpload)
	for _, n := range []int{0, -1, 10001} {
		_, err := s.store.PutPart(s.ctx, "bkt", "k", id, n, strings.NewReader("x"), 1, nil)
		s.fails(err, objstore.ErrInvalidPartNumber)
	}
	_, err := s.store.PutPart(s.ctx, "bkt", "k", id, 10000, strings.NewReader("x"), 1, nil)
	s.check(err)
	_, err = s.store.PutPart(s.ctx, "bkt", "k", id, 1, strings.NewReader("short"), 9, nil)
	s.fails(err, objstore.ErrSizeMismatch)
	s.put("k", "there")
	_, err = s.store.CompleteUpload(s.ctx, "bkt", "k", id, parts[:1], objstore.CompleteOptions{Size: -1, IfNoneMatch: true})
	s.fails(err, objstore.ErrPreconditionFailed)
	s.equal(s.get("k"), "there")
	s.check(s.store.AbortUpload(s.ctx, "bkt", "k", id))
	s.fails(s.store.AbortUpload(s.ctx, "bkt", "k", id), objstore.ErrNoSuchUpload)
	s.fails(complete(id, parts[0]), objstore.ErrNoSuchUpload)
}

func (s *suite) uploads() {
	ids := map[string]string{}
	for _, k := range []string{"b", "a/1", "a/2", "c"} {
		up, err := s.store.CreateUpload(s.ctx, "bkt", k, objstore.Metadata{}, objstore.Checksum{})
		s.check(err)
		ids[k] = up.ID
	}
	list := func(o objstore.UploadListOptions) (keys, prefixes []string) {
		for {
			page, err := s.store.Uploads(s.ctx, "bkt", o)
			s.check(err)
			for _, u := range page.Uploads {
				keys = append(keys, u.Key)
				s.equal(u.ID, ids[u.Key])
			}
			prefixes = append(prefixes, page.Prefixes...)
			if !page.Truncated {
				return keys, prefixes
			}
			o.AfterKey, o.AfterID = page.NextKey, page.NextID
		}
	}
	for _, limit := range []int{0, 1, 2} {
		k, p := list(objstore.UploadListOptions{Limit: limit})
		s.equal([][]string{k, p}, [][]string{{"a/1", "a/2", "b", "c"}, nil})
		k, p = list(objstore.UploadListOptions{Limit: limit, Delimiter: "/"})
		s.equal([][]string{k, p}, [][]string{{"b", "c"}, {"a/"}})
		k, _ = list(objstore.UploadListOptions{Limit: limit, Prefix: "a/"})
		s.equal(k, []string{"a/1", "a/2"})
	}
	s.check(s.store.DeleteBucket(s.ctx, "bkt"))
}

// concurrent: writers, readers and deleters of few keys; every read sees one
// whole version.
func (s *suite) concurrent() {
	keys := []string{"k", "k/a", "k/a/b", "d/e"}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for range 25 {
				key := keys[rng.IntN(len(keys))]
				switch rng.IntN(4) {
				case 0:
					if err := s.store.Delete(s.ctx, "bkt", key, ""); err != nil {
						s.Errorf("delete %q: %v", key, err)
					}
				case 1, 2:
					body := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, 1+rng.IntN(5000))
					if _, err := s.store.Put(s.ctx, "bkt", key, bytes.NewReader(body), int64(len(body)), objstore.PutOptions{}); err != nil {
						s.Errorf("put %q: %v", key, err)
					}
				default:
					r, err := s.store.Get(s.ctx, "bkt", key, nil)
					if errors.Is(err, objstore.ErrNoSuchKey) {
						continue
					}
					if err != nil {
						s.Errorf("get %q: %v", key, err)
						continue
					}
					data, err := io.ReadAll(r)
					r.Close()
					if err != nil || md5hex(string(data)) != r.Object.ETag || int64(len(data)) != r.Object.Size {
						s.Errorf("get %q: %d bytes, object %+v, error %v", key, len(data), r.Object, err)
					}
				}
				if _, err := s.store.List(s.ctx, "bkt", objstore.ListOptions{Delimiter: "/"}); err != nil {
					s.Errorf("list: %v", err)
				}
			}
		})
	}
	wg.Wait()
}
