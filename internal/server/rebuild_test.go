package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/server"
)

// fill puts calls of 1,000 events of about 900 bytes into a stream and returns their messages.
func fill(t *testing.T, url, group, stream string, calls int) (messages []string) {
	t.Helper()
	const each = 1000
	for c := range calls {
		var events []string
		for i := range each {
			m := fmt.Sprintf("%s %s %d %0900d", group, stream, c, i)
			messages = append(messages, m)
			events = append(events, fmt.Sprintf(`{"timestamp":%d,"message":%q}`, time.Now().UnixMilli(), m))
		}
		call(t, url, "PutLogEvents", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"logEvents":[%s]}`, group, stream, strings.Join(events, ",")))
	}
	return messages
}

func makeStream(t *testing.T, url, group, stream string) {
	t.Helper()
	call(t, url, "CreateLogGroup", fmt.Sprintf(`{"logGroupName":%q}`, group))
	call(t, url, "CreateLogStream", fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q}`, group, stream))
}

// readAll returns the messages of a stream in order.
func readAll(t *testing.T, url, group, stream string) (messages []string) {
	t.Helper()
	token := ""
	for {
		var out struct {
			Events           []struct{ Message string }
			NextForwardToken string
		}
		in := fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"startFromHead":true}`, group, stream)
		if token != "" {
			in = fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"startFromHead":true,"nextToken":%q}`, group, stream, token)
		}
		if err := json.Unmarshal([]byte(call(t, url, "GetLogEvents", in)), &out); err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Events {
			messages = append(messages, e.Message)
		}
		if out.NextForwardToken == token {
			return messages
		}
		token = out.NextForwardToken
	}
}

func parts(t *testing.T, cfg config.Config) []string {
	t.Helper()
	names, err := filepath.Glob(cfg.DataPath("parts/*.part"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func loseCatalog(t *testing.T, cfg config.Config) {
	t.Helper()
	names, err := filepath.Glob(cfg.DataPath("catalog.db*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("catalog files %v, %v", names, err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLostCatalog: without its catalog a directory with events is neither served nor verified, and nothing of it is
// touched; a new catalog would make the first start remove every part and hand out ids that old events carry.
func TestLostCatalog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	fill(t, s.URL(), "g", "s", 12)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := parts(t, cfg)
	if len(before) == 0 {
		t.Fatal("no parts")
	}
	loseCatalog(t, cfg)
	for range 2 { // the first attempt must not make the second one succeed
		if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
			t.Fatalf("start: %v, want ErrNoCatalog", err)
		}
		if _, err := server.Verify(context.Background(), cfg.Data, io.Discard, io.Discard); !errors.Is(err, server.ErrNoCatalog) {
			t.Fatalf("verify: %v, want ErrNoCatalog", err)
		}
	}
	if after := parts(t, cfg); len(after) != len(before) {
		t.Errorf("parts %v are left of %v", after, before)
	}
}

// TestLostCatalogBesideALog: events that are in the log only count as well.
func TestLostCatalogBesideALog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	fill(t, s.URL(), "g", "s", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	loseCatalog(t, cfg)
	if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
		t.Fatalf("start: %v, want ErrNoCatalog", err)
	}
}

func rebuild(t *testing.T, cfg config.Config) string {
	t.Helper()
	var out strings.Builder
	scope := logs.Scope{Account: cfg.Account, Region: cfg.Region}
	if err := server.RebuildCatalog(context.Background(), cfg.Data, scope, &out); err != nil {
		t.Fatalf("rebuild: %v\n%s", err, out.String())
	}
	if n, err := server.Verify(context.Background(), cfg.Data, &out, io.Discard); n != 0 || err != nil {
		t.Fatalf("verify found %d problems, %v:\n%s", n, err, out.String())
	}
	return out.String()
}

// TestRebuildCatalog: a lost catalog is made anew from parts and log. Every event is there once, under a name made of
// its ids, and ids in use are not handed out again.
func TestRebuildCatalog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	makeStream(t, s.URL(), "h", "logged")
	want := fill(t, s.URL(), "g", "s", 12)
	if err := s.Close(); err != nil { // writes parts
		t.Fatal(err)
	}
	s = start(t, cfg)
	want = append(want, fill(t, s.URL(), "g", "s", 1)...)
	logged := fill(t, s.URL(), "h", "logged", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	loseCatalog(t, cfg)
	if out := rebuild(t, cfg); !strings.Contains(out, "2 groups and 2 streams were made") {
		t.Errorf("rebuild said:\n%s", out)
	}
	if out := rebuild(t, cfg); !strings.Contains(out, "0 groups and 0 streams were made") {
		t.Errorf("a second rebuild said:\n%s", out)
	}
	s = start(t, cfg)
	if got := readAll(t, s.URL(), "recovered/group-1", "stream-1"); !slices.Equal(got, want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
	if got := readAll(t, s.URL(), "recovered/group-2", "stream-2"); !slices.Equal(got, logged) {
		t.Errorf("%d events of the log, want %d", len(got), len(logged))
	}
	makeStream(t, s.URL(), "new", "new")
	if got := readAll(t, s.URL(), "new", "new"); len(got) != 0 {
		t.Errorf("a new stream holds %d events", len(got))
	}
	call(t, s.URL(), "DeleteLogStream", `{"logGroupName":"recovered/group-1","logStreamName":"stream-1"}`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// What is deleted stays so when the catalog knows.
	if out := rebuild(t, cfg); !strings.Contains(out, "0 groups and 0 streams were made") {
		t.Errorf("a rebuild after a deletion said:\n%s", out)
	}
}

// TestRebuildDamagedCatalog: a catalog that cannot be read is refused, and replaced on request.
func TestRebuildDamagedCatalog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	want := fill(t, s.URL(), "g", "s", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"catalog.db", "catalog.db-copy"} {
		if err := os.WriteFile(cfg.DataPath(name), bytes.Repeat([]byte("damage "), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
		t.Fatalf("start: %v, want ErrNoCatalog", err)
	}
	if out := rebuild(t, cfg); !strings.Contains(out, "catalog.db.damaged-") || !strings.Contains(out, "the copy of the catalog cannot be used") {
		t.Errorf("rebuild said:\n%s", out)
	}
	s = start(t, cfg)
	if got := readAll(t, s.URL(), "recovered/group-1", "stream-1"); !slices.Equal(got, want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.Reset(context.Background(), cfg.Data); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(cfg.DataPath("catalog*")); err != nil || len(left) != 0 {
		t.Errorf("a reset leaves %v, %v", left, err)
	}
}

// TestRebuildFromCopy: the copy that the server keeps brings names and retention back; what happened after it was made is found in
// the parts and the log.
func TestRebuildFromCopy(t *testing.T) {
	for _, damage := range []struct {
		name string
		do   func(name string) error
	}{
		{"lost", os.Remove},
		{"damaged", func(name string) error { return os.WriteFile(name, bytes.Repeat([]byte("damage "), 5000), 0o600) }},
	} {
		t.Run(damage.name, func(t *testing.T) {
			cfg := testConfig(t)
			s := start(t, cfg)
			makeStream(t, s.URL(), "/app/one", "s")
			call(t, s.URL(), "PutRetentionPolicy", `{"logGroupName":"/app/one","retentionInDays":30}`)
			want := fill(t, s.URL(), "/app/one", "s", 2)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			old, err := os.ReadFile(cfg.DataPath("catalog.db-copy"))
			if err != nil {
				t.Fatal(err)
			}
			s = start(t, cfg)
			want = append(want, fill(t, s.URL(), "/app/one", "s", 1)...)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(cfg.DataPath("catalog.db-copy"), old, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := damage.do(cfg.DataPath("catalog.db")); err != nil {
				t.Fatal(err)
			}
			if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
				t.Fatalf("start: %v, want ErrNoCatalog", err)
			}
			if out := rebuild(t, cfg); !strings.Contains(out, "the catalog was lost; its copy of") {
				t.Errorf("rebuild said:\n%s", out)
			}
			if left, err := filepath.Glob(cfg.DataPath("catalog.db-copy-*")); err != nil || len(left) > 0 {
				t.Errorf("files beside the copy: %v, %v", left, err)
			}
			s = start(t, cfg)
			defer s.Close()
			if got := readAll(t, s.URL(), "/app/one", "s"); !slices.Equal(got, want) {
				t.Errorf("%d events, want %d", len(got), len(want))
			}
			if out := call(t, s.URL(), "DescribeLogGroups", `{}`); !strings.Contains(out, `"retentionInDays":30`) {
				t.Errorf("the retention is lost: %s", out)
			}
		})
	}
}

// TestRepair: a part that lost its index comes back whole, in place and beside a lost catalog; with a damaged block the
// rest does.
func TestRepair(t *testing.T) {
	cut := func(t *testing.T, name string) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, info.Size()-20); err != nil {
			t.Fatal(err)
		}
	}
	flip := func(t *testing.T, name string) {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/3] ^= 0x10
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name           string
		damage         func(*testing.T, string)
		whole, catalog bool
	}{
		{"index lost", cut, true, true},
		{"index and catalog lost", cut, true, false},
		{"block damaged", flip, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig(t)
			s := start(t, cfg)
			makeStream(t, s.URL(), "g", "s")
			want := fill(t, s.URL(), "g", "s", 12)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			before := parts(t, cfg)
			test.damage(t, before[0])
			group, stream := "g", "s"
			if test.catalog {
				var out strings.Builder
				if err := server.Repair(context.Background(), cfg.Data, &out); err != nil || !strings.Contains(out.String(), "1 of ") {
					t.Fatalf("repair: %v\n%s", err, out.String())
				}
				if n, err := server.Verify(context.Background(), cfg.Data, &out, io.Discard); n != 0 || err != nil {
					t.Fatalf("verify found %d problems, %v:\n%s", n, err, out.String())
				}
			} else {
				loseCatalog(t, cfg)
				rebuild(t, cfg)
				group, stream = "recovered/group-1", "stream-1"
			}
			if _, err := os.Stat(before[0] + ".damaged"); err != nil {
				t.Errorf("the damaged file was not kept: %v", err)
			}
			s = start(t, cfg)
			got := readAll(t, s.URL(), group, stream)
			if test.whole && !slices.Equal(got, want) || !test.whole && (len(got) == 0 || len(got) >= len(want)) {
				t.Errorf("%d events of %d", len(got), len(want))
			}
		})
	}
}

// TestOldCatalog: a copy of the catalog from before the last groups is refused, as it would hand out their ids again, and
// completed on request; what it knows keeps its names.
func TestOldCatalog(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	makeStream(t, s.URL(), "g", "s")
	want := fill(t, s.URL(), "g", "s", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(cfg.DataPath("catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	s = start(t, cfg)
	makeStream(t, s.URL(), "later", "later")
	later := fill(t, s.URL(), "later", "later", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	loseCatalog(t, cfg)
	if err := os.WriteFile(cfg.DataPath("catalog.db"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(cfg); !errors.Is(err, server.ErrNoCatalog) {
		t.Fatalf("start: %v, want ErrNoCatalog", err)
	}
	if out := rebuild(t, cfg); !strings.Contains(out, "1 groups and 1 streams were made") {
		t.Errorf("rebuild said:\n%s", out)
	}
	s = start(t, cfg)
	if got := readAll(t, s.URL(), "g", "s"); !slices.Equal(got, want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
	if got := readAll(t, s.URL(), "recovered/group-2", "stream-2"); !slices.Equal(got, later) {
		t.Errorf("%d events, want %d", len(got), len(later))
	}
}
