// Package compat_test opens data directories that earlier releases wrote. Each directory below testdata is one of them:
// data.tar.gz is what a server left behind when it stopped, without the files that only keep room free, and events.jsonl.gz is
// what that server answered. They must open for ever.
//
//	go test ./test/compat                             open copies of all of them
//	go test ./test/compat -run TestMake -make v2      write testdata/v2 with the server of this tree (about two minutes)
//
// A directory is made once, by the first release of a format version, and never changed afterwards.
package compat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// event is one line of events.jsonl.gz. A group or stream without events is a line without a message.
type event struct {
	Group     string `json:"group"`
	Stream    string `json:"stream,omitempty"`
	Timestamp int64  `json:"timestamp,omitempty"`
	Ingestion int64  `json:"ingestionTime,omitempty"`
	Message   string `json:"message,omitempty"`
}

// api calls one server.
type api struct {
	t      *testing.T
	url    string
	client *http.Client
}

func start(t *testing.T, dir string) (*server.Server, *api) {
	t.Helper()
	cfg := config.Default()
	cfg.Data, cfg.Listen, cfg.Memory = dir, "127.0.0.1:0", 128<<20
	s, err := server.Open(context.Background(), server.Options{Config: cfg, Logger: slog.New(slog.DiscardHandler), Version: "compat"})
	if err != nil {
		t.Fatalf("opening %s: %v", dir, err)
	}
	a := &api{t: t, url: s.URL(), client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(a.client.CloseIdleConnections)
	return s, a
}

func stop(t *testing.T, s *server.Server, a *api) {
	t.Helper()
	a.client.CloseIdleConnections()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// call decodes the answer of an operation into out, which may be nil.
func (a *api) call(operation string, in map[string]any, out any) {
	a.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		a.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, a.url+"/", bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode == http.StatusOK && out != nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: HTTP %d: %.300s, %v", operation, resp.StatusCode, raw, err)
	}
}

// list returns everything the server holds, stream by stream.
func (a *api) list() []event {
	a.t.Helper()
	var all []event
	var groups struct {
		LogGroups []struct{ LogGroupName string }
	}
	a.call("DescribeLogGroups", map[string]any{"limit": 50}, &groups)
	for _, g := range groups.LogGroups {
		var streams struct {
			LogStreams []struct{ LogStreamName string }
		}
		a.call("DescribeLogStreams", map[string]any{"logGroupName": g.LogGroupName, "limit": 50}, &streams)
		if len(streams.LogStreams) == 0 {
			all = append(all, event{Group: g.LogGroupName})
		}
		for _, s := range streams.LogStreams {
			events := a.stream(g.LogGroupName, s.LogStreamName)
			if len(events) == 0 {
				events = []event{{Group: g.LogGroupName, Stream: s.LogStreamName}}
			}
			all = append(all, events...)
		}
	}
	return all
}

func (a *api) stream(group, name string) (events []event) {
	a.t.Helper()
	token := ""
	for {
		in := map[string]any{"logGroupName": group, "logStreamName": name, "startFromHead": true, "startTime": 0, "endTime": int64(1) << 52}
		if token != "" {
			in["nextToken"] = token
		}
		var page struct {
			Events []struct {
				Timestamp, IngestionTime int64
				Message                  string
			}
			NextForwardToken string
		}
		a.call("GetLogEvents", in, &page)
		for _, e := range page.Events {
			events = append(events, event{group, name, e.Timestamp, e.IngestionTime, e.Message})
		}
		if page.NextForwardToken == token {
			return events
		}
		token = page.NextForwardToken
	}
}

// search counts the events of a group that match a filter pattern.
func (a *api) search(group, pattern string) (n int) {
	a.t.Helper()
	in := map[string]any{"logGroupName": group, "filterPattern": pattern, "startTime": 0, "endTime": int64(1) << 52}
	for {
		var page struct {
			Events    []struct{ EventID string }
			NextToken string
		}
		a.call("FilterLogEvents", in, &page)
		n += len(page.Events)
		if page.NextToken == "" {
			return n
		}
		in["nextToken"] = page.NextToken
	}
}

func TestEarlierDirectoriesOpen(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("testdata", "v*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no directories to open: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readListing(t, filepath.Join(dir, listingName))
			if len(want) < 1000 {
				t.Fatalf("the listing has %d lines", len(want))
			}
			data := filepath.Join(t.TempDir(), "data")
			extract(t, filepath.Join(dir, archiveName), data)
			parts, err := filepath.Glob(filepath.Join(data, "parts", "*.part"))
			if err != nil || len(parts) < 2 {
				t.Fatalf("%d part files, %v", len(parts), err)
			}
			var out bytes.Buffer
			if n, err := server.Verify(context.Background(), data, &out, io.Discard); err != nil || n != 0 {
				t.Fatalf("verify: %d problems, %v\n%s", n, err, &out)
			}
			if err := server.Inspect(context.Background(), data, &out, server.InspectOptions{Blocks: true}); err != nil {
				t.Fatalf("inspect: %v", err)
			}
			// The second start reads what the first one may have rewritten.
			for range 2 {
				s, a := start(t, data)
				got := slices.DeleteFunc(a.list(), func(e event) bool { return e.Group == newGroup })
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("events differ (-want +got):\n%.3000s", d)
				}
				for _, q := range searches {
					matches := 0
					for _, e := range want {
						if e.Group == q.group && q.matches(e.Message) {
							matches++
						}
					}
					if got := a.search(q.group, q.pattern); got != matches || matches == 0 {
						t.Errorf("%s in %s: %d events, want %d", q.pattern, q.group, got, matches)
					}
				}
				stop(t, s, a)
				s, a = start(t, data)
				if !slices.ContainsFunc(a.list(), func(e event) bool { return e.Group == newGroup }) {
					a.create(newGroup, "s")
				}
				a.put(newGroup, "s", []event{{Timestamp: time.Now().UnixMilli(), Message: "of today"}})
				stop(t, s, a)
			}
		})
	}
}

func TestTheDirectoriesAreSmall(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("testdata", "v*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		total := int64(0)
		err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				total += info.Size()
			}
			return err
		})
		if err != nil || total > 200<<10 {
			t.Errorf("%s has %d bytes, %v", dir, total, err)
		}
	}
}
