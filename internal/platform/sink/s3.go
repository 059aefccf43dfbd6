package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/platform/objstore"
)

// Bounds of what is gathered for an object.
const (
	defaultGather = 8 << 20
	maxGather     = 64 << 20
	maxPrefix     = 512 // bytes, so that keys stay below the limit of S3
)

// s3Sink writes events to a bucket: for each message one object an hour, under PREFIX dt=YYYY-MM-DD/hour=HH/ (UTC, by the
// times of the events), named by the message. Writing a message again replaces its objects.
type s3Sink struct {
	store  objstore.Store
	own    bool // the store is ours to close
	bucket string
	prefix string
	format format
	now    func() time.Time

	timeout time.Duration // of one object
}

// format makes the content of objects.
type format struct {
	suffix   string
	metadata objstore.Metadata
	encode   func([]Event) ([]byte, error)
}

// openS3: bucket (from the ARN), prefix, format (ndjson or parquet), compression (gzip or none; of ndjson), linger, gather,
// timeout; and endpoint, region, credentials, pathStyle for a bucket elsewhere.
func openS3(f *Fields, o *Options, t *Target) Sink {
	s := &s3Sink{store: o.Buckets, now: o.Now, bucket: bucketOf(f, t), prefix: f.Text("prefix", ""), timeout: timeoutOf(f)}
	if len(s.prefix) > maxPrefix {
		f.Fail("prefix", "has more than %d bytes", maxPrefix)
	}
	if s.bucket != "" {
		if err := objstore.CheckBucketName(s.bucket); err != nil {
			f.Fail("bucket", "%v", err)
		}
	}
	kind := f.OneOf("format", "ndjson", "parquet")
	if kind == "parquet" {
		s.format = parquetFormat()
		if f.Has("compression") {
			f.Fail("compression", "is of ndjson only: Parquet files compress their columns")
			f.Text("compression", "")
		}
	} else {
		s.format = ndjsonFormat(f.OneOf("compression", "gzip", "none") == "gzip")
	}
	t.Events = true
	t.Linger = f.Duration("linger", time.Minute, 0, time.Hour)
	t.Gather = f.Number("gather", defaultGather, 1<<10, maxGather)
	t.Place = "bucket " + s.bucket
	s.open(f, o, t)
	return s
}

// open finds the store that has the bucket.
func (s *s3Sink) open(f *Fields, o *Options, t *Target) {
	if !f.Has("endpoint") {
		if o.Buckets == nil {
			f.Fail("endpoint", "is missing")
		}
		return
	}
	u, place := f.URL("endpoint", "https", "http")
	e := Endpoint{Region: regionOf(f, t), PathStyle: !f.Has("pathStyle") || f.Flag("pathStyle"), Credentials: credentialsOf(f), HTTP: o.HTTP}
	if u == nil {
		return
	}
	if o.OpenBuckets == nil {
		f.Fail("endpoint", "cannot be used here")
		return
	}
	u.User = nil
	e.URL = u.String()
	t.Place += " at " + place
	store, err := o.OpenBuckets(e)
	if err != nil {
		f.Fail("endpoint", "%v", err)
		return
	}
	s.store, s.own = store, true
}

// bucketOf returns the setting, else the bucket that the pattern names.
func bucketOf(f *Fields, t *Target) string {
	if !f.Has("bucket") {
		if p, err := parsePattern(t.ARN); err == nil && p[2] == "s3" && !strings.Contains(p[5], "*") {
			name, _, _ := strings.Cut(p[5], "/")
			return name
		}
		f.Fail("bucket", "is missing, and the ARN does not name one")
		return ""
	}
	return f.Required("bucket")
}

// Send implements Sink.
func (s *s3Sink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := s.write(ctx, &messages[i]); err != nil {
			return sentBefore(i, err)
		}
	}
	return nil
}

const hour = int64(time.Hour / time.Millisecond)

func (s *s3Sink) write(ctx context.Context, m *Message) error {
	if len(m.Events) == 0 {
		suffix := ".bin"
		if m.ContentType == "application/json" {
			suffix = ".json"
		}
		if m.Encoding == EncodingGzip {
			suffix += ".gz"
		}
		return s.put(ctx, s.now().UnixMilli(), m.Name+suffix, m.Body, objstore.Metadata{ContentType: m.ContentType, ContentEncoding: m.Encoding})
	}
	// By hour, else as they came.
	events := slices.Clone(m.Events)
	slices.SortStableFunc(events, func(a, b Event) int { return compare(floor(a.Timestamp), floor(b.Timestamp)) })
	for len(events) > 0 {
		at := floor(events[0].Timestamp)
		n := 1
		for n < len(events) && floor(events[n].Timestamp) == at {
			n++
		}
		body, err := s.format.encode(events[:n])
		if err != nil {
			return refused("encoding an object: %w", err)
		}
		if err := s.put(ctx, at, m.Name+s.format.suffix, body, s.format.metadata); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func floor(ms int64) int64 { return ms - ((ms%hour)+hour)%hour }

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (s *s3Sink) put(ctx context.Context, ms int64, name string, body []byte, m objstore.Metadata) error {
	at := time.UnixMilli(ms).UTC()
	key := fmt.Sprintf("%sdt=%s/hour=%02d/%s", s.prefix, at.Format(time.DateOnly), at.Hour(), name)
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.store.Put(within, s.bucket, key, bytes.NewReader(body), int64(len(body)), objstore.PutOptions{Metadata: m})
	return bucketError(ctx, "writing an object", err)
}

// bucketError judges an error of a store: only what is wrong with the object itself is refused for good. It returns the context's
// own error when that ended.
func bucketError(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, objstore.ErrEntityTooLarge), errors.Is(err, objstore.ErrInvalidKey), errors.Is(err, objstore.ErrKeyTooLong):
		return refused("%s: %w", doing, err)
	case errors.Is(err, context.DeadlineExceeded):
		return later("%s: the store did not answer in time", doing)
	}
	return later("%s: %w", doing, err)
}

// Check implements Sink: the bucket must be there.
func (s *s3Sink) Check(ctx context.Context, _ Message) error {
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.store.Bucket(within, s.bucket)
	return bucketError(ctx, "looking for the bucket", err)
}

// Close implements Sink.
func (s *s3Sink) Close() error {
	if s.own {
		return s.store.Close()
	}
	return nil
}
