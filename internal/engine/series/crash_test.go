package series_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// ledger is what a consumer of the store was told.
type ledger struct {
	acked     int // additions that were acknowledged: each adds 1 to all metrics
	attempted int
}

var crashMetrics = []series.Metric{metric("a"), metric("b", "Host", "1"), metric("b", "Host", "2")}

// addition is the nth Add of a consumer: 1 for each metric, in minutes that vary, and the
// position n.
func addition(n int) ([]series.Point, map[string]uint64) {
	var points []series.Point
	for i, m := range crashMetrics {
		at := noon - int64((n*37+i)%400)*minute
		if n%13 == 0 {
			at -= 20 * day // is rolled up at once
		}
		p := series.Value(m, "Count", at, 1)
		p.HighResolution = n%5 == 0
		points = append(points, p)
	}
	return points, map[string]uint64{"c": uint64(n)}
}

const day = 24 * hour

// total is the sum of all there is of a metric.
func total(db *series.DB, m series.Metric) (float64, error) {
	buckets, err := db.ReadSums(context.Background(), m, "", time.Hour, noon-400*day, noon+day)
	sum := 0.0
	for _, b := range buckets {
		sum += b.Sum
	}
	return sum, err
}

func smallLog(o *series.Options) { series.SetLogFile(o, 128<<10) }

type crash struct {
	where string
	disk  *vfs.Mem
	told  ledger
}

// workload adds, flushes and maintains, from where the store is.
func workload(db *series.DB, told *ledger, mu *sync.Mutex, n int) {
	for i := range n {
		mu.Lock()
		told.attempted++
		points, reached := addition(told.attempted)
		mu.Unlock()
		err := db.Add(context.Background(), points, reached)
		mu.Lock()
		if err == nil {
			told.acked = told.attempted
		} else {
			told.attempted = told.acked // comes again with the same number
		}
		mu.Unlock()
		if err != nil {
			continue
		}
		if i%7 == 6 {
			_ = db.Flush(context.Background())
		}
		if i%11 == 10 {
			_ = db.Maintain(context.Background())
		}
	}
}

// recoverAt opens the disk of a crash: every acknowledged addition is there once, the one under way whole or
// not at all, and the position fits.
func recoverAt(t *testing.T, c crash) {
	t.Helper()
	s := open(t, c.disk, smallLog)
	defer s.Close()
	reached, _ := s.Reached("c")
	for _, m := range crashMetrics {
		sum, err := total(s.DB, m)
		if err != nil {
			t.Fatalf("%s: %v", c.where, err)
		}
		if sum != float64(reached) {
			t.Fatalf("%s: %s is %v and the position %d", c.where, m.Name, sum, reached)
		}
	}
	if int(reached) < c.told.acked || int(reached) > c.told.attempted {
		t.Fatalf("%s: position %d, acknowledged %d, attempted %d", c.where, reached, c.told.acked, c.told.attempted)
	}
	// It goes on from there.
	points, next := addition(int(reached) + 1)
	if err := s.Add(context.Background(), points, next); err != nil {
		t.Fatalf("%s: %v", c.where, err)
	}
	if err := errors.Join(s.Flush(context.Background()), s.Maintain(context.Background())); err != nil {
		t.Fatalf("%s: %v", c.where, err)
	}
	if sum, err := total(s.DB, crashMetrics[0]); err != nil || sum != float64(reached)+1 {
		t.Fatalf("%s: %v %v after going on", c.where, sum, err)
	}
}

// TestCrash stops the machine after every call that changes the disk.
func TestCrash(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 9))
		disk := vfs.NewMem()
		var mu sync.Mutex
		var told ledger
		var crashes []crash
		for life := range 2 {
			fault := vfs.NewFault(disk, nil)
			after := func(c vfs.Call, _ error) {
				if !c.Op.Mutates() {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				crashes = append(crashes, crash{
					where: fmt.Sprintf("seed %d, life %d, after %s %d of %s", seed, life, c.Op, c.Nth, c.Name),
					told:  told, disk: disk.CrashClone(rng),
				})
			}
			fault.SetPlan(&vfs.Plan{After: after})
			s := open(t, fault, smallLog)
			workload(s.DB, &told, &mu, 60)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			fault.SetPlan(nil)
		}
		for _, c := range crashes {
			recoverAt(t, c)
		}
		t.Logf("seed %d: %d crashes", seed, len(crashes))
	}
}

// TestFaults makes calls fail, at random, and the machine stop later.
func TestFaults(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 8
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 17))
		disk := vfs.NewMem()
		fault := vfs.NewFault(disk, nil)
		s := open(t, fault, smallLog)
		var mu sync.Mutex
		var told ledger
		fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
			mu.Lock()
			defer mu.Unlock()
			if !c.Op.Mutates() || rng.IntN(12) > 0 {
				return vfs.Failure{}
			}
			if rng.IntN(2) == 0 {
				return vfs.Failure{Err: syscall.ENOSPC, Short: rng.IntN(100)}
			}
			return vfs.Failure{Err: syscall.EIO, DropDirty: true}
		}})
		workload(s.DB, &told, &mu, 80)
		fault.SetPlan(nil)
		// What is readable now is what was acknowledged.
		if sum, err := total(s.DB, crashMetrics[1]); err != nil || sum != float64(told.acked) {
			t.Fatalf("seed %d: %v %v, acknowledged %d", seed, sum, err, told.acked)
		}
		clone := disk.CrashClone(rng)
		recoverAt(t, crash{fmt.Sprintf("seed %d, crash", seed), clone, ledger{told.acked, told.acked + 1}})
		if err := s.Close(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		recoverAt(t, crash{fmt.Sprintf("seed %d, close", seed), disk, ledger{told.acked, told.acked}})
	}
}

// TestFullDisk fills the disk: additions are refused whole, and go on when there is room.
func TestFullDisk(t *testing.T) {
	disk := vfs.NewMem()
	fault := vfs.NewFault(disk, nil)
	s := open(t, fault, smallLog)
	m := metric("m")
	s.add(series.Value(m, "", noon, 1))
	fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpWrite || c.Op == vfs.OpPreallocate {
			return vfs.Failure{Err: syscall.ENOSPC}
		}
		return vfs.Failure{}
	}})
	if err := s.Add(context.Background(), []series.Point{series.Value(m, "", noon, 1)}, nil); !errors.Is(err, series.ErrFull) {
		t.Fatalf("add to a full disk: %v", err)
	}
	if err := s.Flush(context.Background()); !errors.Is(err, series.ErrFull) {
		t.Fatalf("flush to a full disk: %v", err)
	}
	if s.Stats().FlushErr == nil {
		t.Error("the failed flush does not show")
	}
	fault.SetPlan(nil)
	s.add(series.Value(m, "", noon, 1))
	s.flush()
	if got := s.read(m, time.Minute, noon, noon+minute); len(got) != 1 || got[0].Count != 2 {
		t.Errorf("got %+v", got)
	}
	if s.Stats().FlushErr != nil {
		t.Error("the failed flush still shows")
	}
}
