package lookups_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/lookups"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}
	ctx   = context.Background()
)

const dir = "data/lookups"

// world is what stays when a service is opened again.
type world struct {
	t   testing.TB
	fs  vfs.FS
	db  *catalog.DB
	ms  int64
	log bytes.Buffer
}

func newWorld(t testing.TB, fs vfs.FS) *world {
	t.Helper()
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &world{t: t, fs: fs, db: db, ms: 1_700_000_000_000}
}

func (w *world) open(change ...func(*lookups.Options)) *lookups.Service {
	w.t.Helper()
	o := lookups.Options{FS: w.fs, Dir: dir, Catalog: w.db, Now: func() time.Time { return time.UnixMilli(w.ms) },
		Logger: slog.New(slog.NewTextHandler(&w.log, nil))}
	for _, c := range change {
		c(&o)
	}
	s, err := lookups.Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func create(t testing.TB, s *lookups.Service, name, body string) lookups.Info {
	t.Helper()
	i, err := s.Create(ctx, scope, lookups.CreateRequest{Name: name, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func update(t testing.TB, s *lookups.Service, name, body string) {
	t.Helper()
	if _, err := s.Update(ctx, scope, lookups.UpdateRequest{ARN: scope.LookupTableARN(name), Body: body}); err != nil {
		t.Fatal(err)
	}
}

func table(t testing.TB, s *lookups.Service, name string) *lookups.Table {
	t.Helper()
	x, err := s.Table(ctx, scope, name)
	if err != nil {
		t.Fatalf("table %s: %v", name, err)
	}
	return x
}

func (w *world) file() string {
	w.t.Helper()
	names, err := w.fs.List(dir)
	if err != nil || len(names) != 1 {
		w.t.Fatalf("files %v, %v; want one", names, err)
	}
	return filepath.Join(dir, names[0])
}

func TestTable(t *testing.T) {
	w := newWorld(t, vfs.NewMem())
	s := w.open()
	create(t, s, "t", "id,name\n1,a\n\"2\",\"b,c\"\n")
	got := table(t, s, "t")
	want := &lookups.Table{Fields: []string{"id", "name"}, Rows: [][]string{{"1", "a"}, {"2", "b,c"}}, Version: "1700000000000.1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if table(t, s, "t") != got {
		t.Error("parsed twice")
	}
	update(t, s, "t", "k\nx\n")
	if x := table(t, s, "t"); x.Version != "1700000000000.2" || x.Rows[0][0] != "x" || got.Rows[0][0] != "1" {
		t.Errorf("after update %+v, before %+v", x, got)
	}
	for _, where := range []struct {
		scope logs.Scope
		name  string
	}{{scope, "T"}, {logs.Scope{Account: scope.Account, Region: "eu-west-1"}, "t"}} {
		if x, err := s.Table(ctx, where.scope, where.name); !errors.Is(err, lookups.ErrNotFound) {
			t.Errorf("%v: %v, %v", where, x, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Table(ended, scope, "t"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if err := s.Delete(ctx, scope, scope.LookupTableARN("t")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Table(ctx, scope, "t"); !errors.Is(err, lookups.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	w.ms++
	create(t, s, "t", "id\n")
	if x := table(t, s, "t"); x.Version == "1700000000000.1" || len(x.Rows) != 0 {
		t.Errorf("made again: %+v", x)
	}
}

func TestRestart(t *testing.T) {
	w := newWorld(t, vfs.OS())
	root := filepath.Join(t.TempDir(), "lookups")
	on := func(o *lookups.Options) { o.Dir = root }
	s := w.open(on)
	long := strings.Repeat("N", 256)
	body := "id,ü\n1,\"a\n\"\n"
	if _, err := s.Create(ctx, scope, lookups.CreateRequest{Name: long, Body: body, Description: "d\n", KMSKeyID: "k", Tags: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	create(t, s, strings.ToLower(long), "id\n")
	w.ms += 5
	desc := "e"
	if _, err := s.Update(ctx, scope, lookups.UpdateRequest{ARN: scope.LookupTableARN(long), Body: body + "2,b\n", Description: &desc}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "0000.lookup.tmp"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := s.Describe(ctx, scope, lookups.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	s = w.open(on)
	after, err := s.Describe(ctx, scope, lookups.DescribeRequest{})
	if err != nil || len(after.Tables) != 2 || cmp.Diff(before, after) != "" {
		t.Errorf("%v (-before +after):\n%s", err, cmp.Diff(before, after))
	}
	info, got, err := s.Get(ctx, scope, scope.LookupTableARN(long))
	if err != nil || got != body+"2,b\n" || info.Description != "e" || info.KMSKeyID != "k" || info.UpdatedMS != w.ms || info.CreatedMS != w.ms-5 {
		t.Errorf("got %+v %q, %v", info, got, err)
	}
	if x := table(t, s, long); x.Version != "1700000000000.2" || x.Rows[1][1] != "b" {
		t.Errorf("table %+v", x)
	}
	if tags, err := s.Tags(ctx, scope, scope.LookupTableARN(long)); err != nil || tags["a"] != "b" {
		t.Errorf("tags %v, %v", tags, err)
	}
	if _, err := os.Stat(filepath.Join(root, "0000.lookup.tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a leftover stays: %v", err)
	}
	if w.log.Len() > 0 {
		t.Errorf("log: %s", w.log.String())
	}
}

// A power cut leaves what was acknowledged, or the change that was under way, whole.
func TestCrash(t *testing.T) {
	for seed := range uint64(40) {
		mem := vfs.NewMem()
		w := newWorld(t, mem)
		s := w.open()
		rng := rand.New(rand.NewPCG(seed, 0))
		body := "id\n" + strings.Repeat("1\n", 5000)
		create(t, s, "t", body)
		var clone *vfs.Mem
		left := 0
		fault := vfs.NewFault(mem, &vfs.Plan{After: func(c vfs.Call, err error) {
			if c.Op.Mutates() || c.Op.Syncs() {
				if left--; left == 0 {
					clone = mem.CrashClone(rng)
				}
			}
		}})
		w.fs = fault
		s = w.open()
		clone, left = nil, 1+rng.IntN(7)
		next := "id\n" + strings.Repeat("2\n", 6000)
		update(t, s, "t", next)
		acknowledged := clone == nil
		if acknowledged {
			clone = mem.CrashClone(rng)
		}
		w.fs = clone
		_, got, err := w.open().Get(ctx, scope, scope.LookupTableARN("t"))
		if err != nil || got != next && (acknowledged || got != body) {
			t.Fatalf("seed %d: %.20q, %v; acknowledged %v; log %s", seed, got, err, acknowledged, w.log.String())
		}
	}
}

func TestDamage(t *testing.T) {
	fs := vfs.NewMem()
	w := newWorld(t, fs)
	s := w.open()
	create(t, s, "t", "id\n1\n2\n")
	name := w.file()
	good, err := vfs.ReadFile(fs, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	put := func(content string) {
		t.Helper()
		if err := vfs.WriteFile(fs, name, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for what, content := range map[string]string{
		"shorter":        string(good[:len(good)-1]),
		"longer":         string(good) + "3",
		"another digit":  strings.Replace(string(good), "\n2\n", "\n3\n", 1),
		"without a head": "", "no line": "{}", "no JSON": "x\n", "an empty head": "{}\n",
		"a newer format": strings.Replace(string(good), `"format":1`, `"format":2`, 1),
		"another name":   strings.Replace(string(good), `"name":"t"`, `"name":"u"`, 1),
		"a wild size":    strings.Replace(string(good), `"size":7`, `"size":70000000000`, 1),
		"wild records":   strings.Replace(string(good), `"records":2`, `"records":-2`, 1),
	} {
		put(content)
		w.log.Reset()
		found := 0
		err := lookups.Verify(ctx, fs, dir, func(file string, problem error) {
			if found++; problem == nil || filepath.Join(dir, file) != name {
				t.Errorf("%s: verified as %s: %v", what, file, problem)
			}
		})
		if err != nil || found != 1 {
			t.Errorf("%s: verified %d files, %v", what, found, err)
		}
		s := w.open()
		if x, err := s.Table(ctx, scope, "t"); err == nil {
			t.Errorf("%s: %+v", what, x)
		} else if errors.Is(err, lookups.ErrNotFound) && !strings.Contains(w.log.String(), "lookup table cannot be read") {
			t.Errorf("%s: vanished without a word", what)
		}
		if left, err := vfs.ReadFile(fs, name, 1<<20); err != nil || string(left) != content {
			t.Errorf("%s: the file was touched: %v", what, err)
		}
	}
	put(string(good))
	if err := lookups.Verify(ctx, fs, dir, func(file string, problem error) {
		if problem != nil {
			t.Errorf("%s: %v", file, problem)
		}
	}); err != nil {
		t.Error(err)
	}
	if err := lookups.Verify(ctx, fs, "none", func(string, error) { t.Error("a file of no directory") }); err != nil {
		t.Error(err)
	}
	if x := table(t, w.open(), "t"); len(x.Rows) != 2 {
		t.Errorf("%+v", x)
	}
}

func TestFullDisk(t *testing.T) {
	fs := vfs.NewMem()
	w := newWorld(t, fs)
	s := w.open()
	create(t, s, "t", "id\n1\n")
	fs.SetLimit(fs.Used() + 8192)
	big := "id\n" + strings.Repeat("1\n", 50_000)
	if _, err := s.Create(ctx, scope, lookups.CreateRequest{Name: "u", Body: big}); !errors.Is(err, groups.ErrUnavailable) {
		t.Errorf("create: %v", err)
	}
	if _, err := s.Update(ctx, scope, lookups.UpdateRequest{ARN: scope.LookupTableARN("t"), Body: big}); !errors.Is(err, groups.ErrUnavailable) {
		t.Errorf("update: %v", err)
	}
	if x := table(t, s, "t"); len(x.Rows) != 1 {
		t.Errorf("%d rows, want the old one", len(x.Rows))
	}
	fs.SetLimit(1 << 40)
	create(t, s, "u", big)
}

func TestCacheIsBounded(t *testing.T) {
	w := newWorld(t, vfs.NewMem())
	s := w.open(func(o *lookups.Options) { o.CacheBytes = 10_000 })
	row := strings.Repeat("x", 100) + "\n"
	create(t, s, "a", "id\n"+strings.Repeat(row, 40))
	create(t, s, "b", "id\n"+strings.Repeat(row, 40))
	create(t, s, "large", "id\n"+strings.Repeat(row, 100))
	a := table(t, s, "a")
	if table(t, s, "a") != a {
		t.Error("a table that fits is parsed twice")
	}
	if large := table(t, s, "large"); table(t, s, "large") == large {
		t.Error("a table larger than the cache is kept")
	}
	if table(t, s, "a") != a {
		t.Error("a large table drives others out")
	}
	b := table(t, s, "b")
	if table(t, s, "a") == a || table(t, s, "b") == b {
		t.Error("two tables are kept where one fits")
	}
}

func TestConcurrentUse(t *testing.T) {
	w := newWorld(t, vfs.NewMem())
	s := w.open(func(o *lookups.Options) { o.CacheBytes = 5000 })
	for i := range 3 {
		create(t, s, fmt.Sprint("t", i), "id\n0\n")
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 60 {
				name := fmt.Sprint("t", (g+i)%3)
				if g == 0 {
					update(t, s, name, "id\n"+strings.Repeat(fmt.Sprintln(i), i+1))
					continue
				}
				x, err := s.Table(ctx, scope, name)
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range x.Rows {
					if r[0] != x.Rows[0][0] || len(x.Rows) > 1 && fmt.Sprint(len(x.Rows)-1) != r[0] {
						t.Errorf("mixed rows %v", x.Rows)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

var updateFile = flag.Bool("update", false, "rewrite testdata/v1.lookup; only before its format is released")

// A file of format 1 opens for ever.
func TestFormat(t *testing.T) {
	fs := vfs.NewMem()
	w := newWorld(t, fs)
	s := w.open()
	if _, err := s.Create(ctx, scope, lookups.CreateRequest{Name: "t", Body: "id,name\n1,a\n2,\"b\"\"\"\n", Description: "d", KMSKeyID: "k"}); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "v1.lookup")
	name := w.file()
	now, err := vfs.ReadFile(fs, name, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if *updateFile {
		if err := os.WriteFile(golden, now, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(stored) != string(now) {
		t.Errorf("written:\n%s\nstored:\n%s", now, stored)
	}
	if err := vfs.WriteFile(fs, name, stored); err != nil {
		t.Fatal(err)
	}
	s = w.open()
	info, body, err := s.Get(ctx, scope, scope.LookupTableARN("t"))
	if err != nil || info.Description != "d" || info.KMSKeyID != "k" || info.Records != 2 || !strings.HasPrefix(body, "id,name\n1") {
		t.Errorf("%+v %q %v", info, body, err)
	}
	if x := table(t, s, "t"); cmp.Diff([][]string{{"1", "a"}, {"2", `b"`}}, x.Rows) != "" {
		t.Errorf("%+v", x)
	}
}
