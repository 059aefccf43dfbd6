package series_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// filled returns the disk of a closed store with a few files.
func filled(t *testing.T) *vfs.Mem {
	disk := vfs.NewMem()
	s := open(t, disk, smallLog)
	for i := range int64(3) {
		s.add(
			series.Value(metric("a"), "", noon-i*day, 1), series.Value(metric("b"), "", noon-i*day, 2),
			series.Point{Metric: metric("c"), Timestamp: noon - i*day, Count: 3, Sum: 6, Min: 1, Max: 3, Values: []float64{1, 2, 3}},
		)
		s.flush()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

func problems(t *testing.T, fsys vfs.FS) (all []string) {
	t.Helper()
	err := series.Verify(context.Background(), fsys, "metrics", func(file string, problem error) {
		if problem != nil {
			all = append(all, file+": "+problem.Error())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// patch changes a byte of a file.
func patch(t *testing.T, fsys vfs.FS, name string, at int64) {
	t.Helper()
	f, err := fsys.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := []byte{0}
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// TestEveryByteOfAFile changes each byte of a file in turn. No damage goes unnoticed: verifying finds it, and reading
// fails or gives what was written, and never anything else.
func TestEveryByteOfAFile(t *testing.T) {
	disk := filled(t)
	if all := problems(t, disk); len(all) > 0 {
		t.Fatalf("sound: %v", all)
	}
	name := filepath.Join("metrics", "files", "0000000000000002.series")
	info, err := disk.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	step := int64(1)
	if testing.Short() {
		step = 5
	}
	for at := int64(0); at < info.Size; at += step {
		patch(t, disk, name, at)
		if all := problems(t, disk); len(all) == 0 && at >= 64 {
			t.Fatalf("byte %d of %d: verifying found nothing", at, info.Size)
		}
		s := open(t, disk, smallLog)
		failed := 0
		for i, m := range []series.Metric{metric("a"), metric("b"), metric("c")} {
			got, err := s.Read(context.Background(), m, "", time.Minute, noon-5*day, noon+minute)
			damage, ok := errors.AsType[*series.CorruptionError](err)
			switch {
			case ok && damage.File == filepath.Base(name):
				failed++
			case err != nil:
				t.Fatalf("byte %d: %v", at, err)
			case len(got) != 3 || got[1].Sum != []float64{1, 2, 6}[i]:
				t.Fatalf("byte %d: metric %d is %+v", at, i, got)
			}
			// Other times are not harmed.
			if got := s.read(m, time.Minute, noon-minute, noon+minute); len(got) != 1 {
				t.Fatalf("byte %d: another day of metric %d is %+v", at, i, got)
			}
		}
		if failed == 0 {
			t.Fatalf("byte %d of %d: reading noticed nothing", at, info.Size)
		}
		if s.Stats().Damaged != 1 {
			t.Fatalf("byte %d: damage does not show", at)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		patch(t, disk, name, at)
	}
}

func TestMissingFile(t *testing.T) {
	disk := filled(t)
	if err := disk.Remove(filepath.Join("metrics", "files", "0000000000000001.series")); err != nil {
		t.Fatal(err)
	}
	s := open(t, disk, smallLog)
	_, err := s.Read(context.Background(), metric("a"), "", time.Minute, noon, noon+minute)
	if damage, ok := errors.AsType[*series.CorruptionError](err); !ok || !strings.Contains(damage.Error(), "missing") {
		t.Fatalf("got %v", err)
	}
	if all := problems(t, disk); len(all) != 1 {
		t.Errorf("problems: %v", all)
	}
	// It does not keep others from being flushed and merged.
	s.add(series.Value(metric("a"), "", noon-day, 1))
	s.flush()
	s.maintain()
	if got := s.read(metric("a"), time.Minute, noon-2*day, noon-13*hour); len(got) != 2 || got[1].Sum != 2 {
		t.Errorf("other days: %+v", got)
	}
}

// TestDamageKeepsOneFileFromMerges merges and rolls up what is sound, and reports once.
func TestDamageKeepsOneFileFromMerges(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, disk, smallLog)
	m := metric("a")
	for i := range 9 {
		s.add(series.Value(m, "", noon-int64(i)*minute, 1))
		s.flush()
	}
	patch(t, disk, filepath.Join("metrics", "files", "0000000000000003.series"), 64+28+2)
	_, damaged := errors.AsType[*series.CorruptionError](s.Maintain(context.Background()))
	if !damaged {
		t.Error("merging did not notice")
	}
	s.maintain()
	if st := s.Stats(); st.Files != 2 || st.Damaged != 1 {
		t.Errorf("got %+v", st)
	}
	*s.now += 20 * day
	s.maintain()
	if got := s.read(m, 5*time.Minute, noon+day, noon+2*day); len(got) != 0 {
		t.Errorf("another time: %+v", got)
	}
	if _, err := s.Read(context.Background(), m, "", 5*time.Minute, noon-hour, noon+hour); err == nil {
		t.Error("the damage is forgotten")
	}
	// When all is too old the damaged file goes too.
	*s.now += 500 * day
	s.maintain()
	if st := s.Stats(); st.Files != 0 || st.Damaged != 0 || st.Series != 0 {
		t.Errorf("left: %+v", st)
	}
}

// TestSalvage goes on without what is damaged.
func TestSalvage(t *testing.T) {
	disk := filled(t)
	patch(t, disk, filepath.Join("metrics", "files", "0000000000000001.series"), 10)      // header
	patch(t, disk, filepath.Join("metrics", "files", "0000000000000002.series"), 64+28+2) // chunk of a
	s := open(t, disk, func(o *series.Options) { smallLog(o); o.Salvage = true })
	if got := s.read(metric("a"), time.Minute, noon-5*day, noon+minute); len(got) != 1 || got[0].Start != noon-2*day {
		t.Errorf("a: %+v", got)
	}
	if got := s.read(metric("b"), time.Minute, noon-5*day, noon+minute); len(got) != 2 {
		t.Errorf("b: %+v", got)
	}
	if s.Stats().Damaged != 0 {
		t.Error("still damaged")
	}
	s.o.Salvage = false
	s.reopen()
	if got := s.read(metric("b"), time.Minute, noon-5*day, noon+minute); len(got) != 2 {
		t.Errorf("b after a restart: %+v", got)
	}
	names, err := disk.List(filepath.Join("metrics", "files"))
	if err != nil || !strings.Contains(strings.Join(names, " "), ".damaged") {
		t.Errorf("the damaged files are not kept: %v %v", names, err)
	}
}

func TestDamagedManifest(t *testing.T) {
	disk := filled(t)
	name := filepath.Join("metrics", "MANIFEST")
	patch(t, disk, name, 5)
	open(t, disk, smallLog).reopen() // the second half is sound
	disk = filled(t)
	patch(t, disk, name, 5)
	patch(t, disk, name, 4096+5)
	_, err := series.Open(context.Background(), series.Options{FS: disk, Dir: "metrics"})
	if damage, ok := errors.AsType[*series.CorruptionError](err); !ok || damage.Section != "manifest" {
		t.Errorf("damaged in both halves: %v", err)
	}
	if err := disk.Remove(name); err != nil {
		t.Fatal(err)
	}
	_, err = series.Open(context.Background(), series.Options{FS: disk, Dir: "metrics"})
	if damage, ok := errors.AsType[*series.CorruptionError](err); !ok || !strings.Contains(damage.Detail, "missing") {
		t.Errorf("missing: %v", err)
	}
}

// TestTornTail cuts the log in the middle of the last record, as a crash does: that record was not acknowledged.
func TestTornTail(t *testing.T) {
	disk := vfs.NewMem()
	s := open(t, disk, smallLog)
	s.add(series.Value(metric("a"), "", noon, 1))
	s.add(series.Value(metric("a"), "", noon, 1))
	name := filepath.Join("metrics", "log", "0000000000000001.wal")
	clone := disk.CrashClone(rand.New(rand.NewPCG(1, 1)))
	patch(t, clone, name, 8192+4096+70)
	again := open(t, clone, smallLog)
	if got := again.read(metric("a"), time.Minute, noon, noon+minute); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("got %+v", got)
	}
	// Damage before the end is no torn tail.
	clone = disk.CrashClone(rand.New(rand.NewPCG(1, 1)))
	patch(t, clone, name, 8192+70)
	_, err := series.Open(context.Background(), series.Options{FS: clone, Dir: "metrics", Manual: true})
	if _, ok := errors.AsType[*wal.CorruptionError](err); !ok {
		t.Errorf("got %v", err)
	}
	if all := problems(t, clone); len(all) != 1 {
		t.Errorf("problems: %v", all)
	}
}

// TestNewerVersion refuses what a later program wrote.
func TestNewerVersion(t *testing.T) {
	disk := filled(t)
	b, err := vfs.ReadFile(disk, filepath.Join("metrics", "MANIFEST"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.Replace(line, `"version":1`, `"version":2,"more":true`, 1)
	half := fmt.Sprintf("%s\n%08x\n", line, crc32.Checksum([]byte(line), crc32.MakeTable(crc32.Castagnoli)))
	half += strings.Repeat("\x00", 4096-len(half))
	if err := vfs.CreateFile(disk, filepath.Join("metrics", "MANIFEST"), []byte(half+half)); err != nil {
		t.Fatal(err)
	}
	if _, err := series.Open(context.Background(), series.Options{FS: disk, Dir: "metrics"}); !errors.Is(err, series.ErrVersion) {
		t.Errorf("manifest: %v", err)
	}
	disk = filled(t)
	name := filepath.Join("metrics", "files", "0000000000000001.series")
	if b, err = vfs.ReadFile(disk, name, 1<<20); err != nil {
		t.Fatal(err)
	}
	b[8] = 2
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:64], crc32.MakeTable(crc32.Castagnoli)))
	if err := vfs.CreateFile(disk, name, b); err != nil {
		t.Fatal(err)
	}
	if _, err := series.Open(context.Background(), series.Options{FS: disk, Dir: "metrics"}); !errors.Is(err, series.ErrVersion) {
		t.Errorf("file: %v", err)
	}
}
