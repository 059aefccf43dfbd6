package compat_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var makeDir = flag.String("make", "", "write this directory below testdata")

const (
	listingName = "events.jsonl.gz"
	archiveName = "data.tar.gz"
	newGroup    = "/new"
)

// search is a filter pattern of one quoted text.
type search struct {
	group, pattern string
	text           string // what a matching message contains
}

// searches are asked of every directory.
var searches = []search{
	{"/compat/json", `"needle-77"`, "needle-77"},
	{"/compat/json", `"trace_id"`, "trace_id"},
	{"/compat/text", `"connection 1057 refused"`, "connection 1057 refused"},
	{"/compat/text", `"took"`, "took"},
	{"/compat/odd", `"grüße"`, "grüße"},
	{"/compat/small/3", `"event"`, "event"},
}

// messages makes the messages of a group.
var messages = map[string]func(rng *rand.Rand, i int) string{
	"/compat/json": func(rng *rand.Rand, i int) string {
		switch i % 97 {
		case 5:
			return fmt.Sprintf(`{"level":"warn","level":"again","deep":{"a":[1,2,{"b":null}],"c":{"d":{"e":%d}}},"huge":%d0000000000000000000}`, i, i)
		case 6:
			return fmt.Sprintf("INFO\t{\"level\":\"info\",\"n\":%d}", i)
		case 7:
			return fmt.Sprintf(`{"level":"error","broken":"no end %d`, i)
		}
		return fmt.Sprintf(`{"time":"2026-01-02T03:%02d:%02d.%03dZ","level":"%s","service":"checkout","trace_id":"%08x%08x","path":"/items/%d","status":%d,"ms":%.2f,"msg":"request needle-%d finished \"well\""}`,
			i/60%60, i%60, rng.IntN(1000), []string{"info", "warn", "debug"}[rng.IntN(3)], rng.Uint32(), rng.Uint32(), rng.IntN(50), 200+rng.IntN(3)*100, rng.Float64()*90, i%400)
	},
	"/compat/text": func(rng *rand.Rand, i int) string {
		if i%50 == 7 {
			return fmt.Sprintf("ERROR connection %d refused\n\tat com.example.Pool.get(Pool.java:%d)\n\tat com.example.Main.run(Main.java:17)", 1000+i%300, rng.IntN(900))
		}
		return fmt.Sprintf("2026-01-02 03:%02d:%02d,%03d INFO [worker-%d] com.example.Job - job %d of user u%d took %d ms", i/60%60, i%60, rng.IntN(1000), rng.IntN(8), i, rng.IntN(40), rng.IntN(5000))
	},
	"/compat/odd": func(rng *rand.Rand, i int) string {
		odd := []string{"x", " ", "\u0000nul", "grüße 世界 \U0001F600", "{", "{}", "[]", "[1,2,3]", `"text"`, "\r\n\t", `{"":""}`, `{"a":{"a":{"a":1e999}}}`, strings.Repeat("long ", 300)}
		return odd[i%len(odd)]
	},
}

// matches reports whether the pattern matches a message.
func (s *search) matches(message string) bool { return strings.Contains(message, s.text) }

func (a *api) create(group, stream string) {
	a.call("CreateLogGroup", map[string]any{"logGroupName": group}, nil)
	a.call("CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": stream}, nil)
}

func (a *api) put(group, stream string, events []event) {
	list := make([]map[string]any, len(events))
	for i, e := range events {
		list[i] = map[string]any{"timestamp": e.Timestamp, "message": e.Message}
	}
	a.call("PutLogEvents", map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": list}, nil)
}

// fill sends the events from first on, count of them, in batches over two streams.
func (a *api) fill(group string, base int64, first, count int) {
	rng := rand.New(rand.NewPCG(uint64(first), uint64(len(group))))
	for i := first; i < first+count; {
		var batch []event
		for ; i < first+count && len(batch) < 100; i++ {
			batch = append(batch, event{Timestamp: base + int64(i)*37, Message: messages[group](rng, i)})
		}
		a.put(group, fmt.Sprintf("stream-%d", i/100%2), batch)
	}
}

// TestMakeDirectory writes a directory with the server of this tree: events in two generations of parts and in the log, deleted
// streams and groups, a group that was made again.
func TestMakeDirectory(t *testing.T) {
	if *makeDir == "" {
		t.Skip("only with -make")
	}
	dir := filepath.Join("testdata", *makeDir)
	if _, err := os.Stat(dir); err == nil {
		t.Fatalf("%s exists: a directory is never changed", dir)
	}
	data := filepath.Join(t.TempDir(), "data")
	s, a := start(t, data)
	base := time.Now().Add(-time.Hour).UnixMilli()
	for group := range messages {
		a.create(group, "stream-0")
		a.call("CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": "stream-1"}, nil)
	}
	for i := range 8 {
		group := fmt.Sprintf("/compat/small/%d", i)
		a.create(group, "only")
		for j := range 3 {
			a.put(group, "only", []event{{Timestamp: base + int64(i*j), Message: fmt.Sprintf("event %d of %s", j, group)}})
		}
	}
	a.create("/compat/empty", "nothing")
	a.call("CreateLogGroup", map[string]any{"logGroupName": "/compat/bare"}, nil)
	for _, group := range []string{"/compat/deleted", "/compat/again"} {
		a.create(group, "s")
		a.put(group, "s", []event{{Timestamp: base, Message: "must not come back"}})
	}
	a.call("CreateLogStream", map[string]any{"logGroupName": "/compat/json", "logStreamName": "deleted"}, nil)
	a.put("/compat/json", "deleted", []event{{Timestamp: base, Message: "must not come back"}})
	a.fill("/compat/json", base, 0, 600)
	a.fill("/compat/text", base, 0, 1000)
	a.fill("/compat/odd", base, 0, 26)
	waitForParts(t, data, 1)

	a.call("DeleteLogGroup", map[string]any{"logGroupName": "/compat/deleted"}, nil)
	a.call("DeleteLogGroup", map[string]any{"logGroupName": "/compat/again"}, nil)
	a.call("DeleteLogStream", map[string]any{"logGroupName": "/compat/json", "logStreamName": "deleted"}, nil)
	a.create("/compat/again", "s")
	a.put("/compat/again", "s", []event{{Timestamp: base, Message: "of the new group"}})
	a.fill("/compat/json", base, 600, 500)
	a.fill("/compat/text", base, 1000, 200)
	waitForParts(t, data, 2)

	a.fill("/compat/json", base, 1100, 100)
	a.fill("/compat/odd", base, 26, 26)
	a.put("/compat/small/3", "only", []event{{Timestamp: base + 9, Message: "event in the log"}})
	listing := a.list()
	stop(t, s, a)

	writeListing(t, listing, filepath.Join(dir, listingName))
	archive(t, data, filepath.Join(dir, archiveName))
}

// waitForParts waits until the server has written n parts: a write buffer is flushed when it is a minute old.
func waitForParts(t *testing.T, data string, n int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(time.Second) {
		parts, err := filepath.Glob(filepath.Join(data, "parts", "*.part"))
		if err != nil {
			t.Fatal(err)
		}
		if len(parts) >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d parts after five minutes", len(parts))
		}
	}
}

func writeListing(t *testing.T, events []event, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	enc := json.NewEncoder(z)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func readListing(t *testing.T, name string) (events []event) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bufio.NewReader(z))
	for {
		var e event
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			return events
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		events = append(events, e)
	}
}

// archive writes the files below dir to a compressed tar file.
func archive(t *testing.T, dir, name string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "reserve") {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o600, Size: int64(len(raw)), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	})
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// extract writes the files of an archive below dir.
func extract(t *testing.T, name, dir string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
