package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// wild makes messages that need every bound: words, keys and shapes without end.
func wild(rng *rand.Rand) string {
	letters := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + rng.IntN(26))
		}
		return string(b)
	}
	switch rng.IntN(6) {
	case 0:
		return "user " + letters(3) + " did " + letters(2) + " to " + letters(1)
	case 1:
		return fmt.Sprintf(`{"%s":1,"level":"INFO","k":"%s"}`, letters(3), letters(2))
	case 2:
		return strings.Repeat(letters(1)+strings.Repeat("-", rng.IntN(4))+" ", rng.IntN(40))
	case 3:
		return strings.Repeat(letters(5)+" ", 400)
	case 4:
		return "at [" + letters(1) + "] id=" + letters(4) + " " + strings.Repeat("(", rng.IntN(300))
	}
	return fmt.Sprintf("%s failed after %d ms on %s_%d", letters(2), rng.IntN(100), letters(1), rng.IntN(1000))
}

// TestOrder adds the same messages in many orders to many clusterers.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sets := map[string][]string{}
	for _, kind := range corpus.Kinds() {
		texts, _ := messages(t, kind, 2000)
		for _, m := range texts {
			sets[string(kind)] = append(sets[string(kind)], string(m))
		}
	}
	for range 6_000 {
		sets["wild"] = append(sets["wild"], wild(rng))
	}
	for name, set := range sets {
		for _, shapes := range []int{0, 100, 3, 1} {
			o := cluster.Options{Shapes: shapes}
			var want []cluster.Pattern
			for workers := 1; workers <= 4; workers++ {
				rng.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
				all := make([]*cluster.Clusterer, workers)
				for i := range all {
					all[i] = cluster.New(o)
				}
				for i, m := range set {
					all[rng.IntN(workers)].Add([]byte(m))
					if i == len(set)/2 {
						all[0].Patterns() // changes nothing
					}
				}
				c := all[rng.IntN(workers)]
				for _, other := range all {
					if other != c {
						c.Merge(other)
					}
				}
				got := c.Patterns()
				if want == nil {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s with %d shapes and %d workers: %.3000s", name, shapes, workers, diff)
				}
				total := int64(0)
				for _, p := range got {
					total += p.Count
				}
				if total != int64(len(set)) || c.Total() != total {
					t.Fatalf("%s with %d shapes: %d of %d messages are in patterns", name, shapes, total, len(set))
				}
			}
		}
	}
}

func TestAddN(t *testing.T) {
	c := cluster.New(cluster.Options{})
	c.AddN([]byte("job a1 done"), 3)
	c.AddN([]byte("job b2 done"), 4)
	want := []cluster.Pattern{{Text: "job <ID-1> done", Count: 7, Severity: "INFO"}}
	if diff := cmp.Diff(want, c.Patterns()); diff != "" {
		t.Error(diff)
	}
}

// TestMemory adds messages without end.
func TestMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	c := cluster.New(cluster.Options{Shapes: 500})
	most := 0
	for range 60_000 {
		c.Add([]byte(wild(rng)))
		most = max(most, c.Bytes())
	}
	if most > 16<<20 {
		t.Errorf("the clusterer took %d bytes", most)
	}
	if n := len(c.Patterns()); n > 5000 {
		t.Errorf("there are %d patterns", n)
	}
}

// TestCut compares messages that differ behind what is looked at.
func TestCut(t *testing.T) {
	long := "start " + strings.Repeat("more ", 290)
	got := patterns(long+"12345678 and this 1", long+"12345 and that", long)
	total := int64(0)
	for _, p := range got {
		total += p.Count
	}
	if len(got) > 2 || total != 3 {
		t.Errorf("got %d patterns of %d messages", len(got), total)
	}
	if a, b := patterns(strings.Repeat("x", 5000)), patterns(strings.Repeat("x ", 5000)); len(a) != 1 || len(b) != 1 {
		t.Errorf("got %v and %v", a, b)
	}
}

func TestCovers(t *testing.T) {
	check := func(pattern, text string, want bool) {
		t.Helper()
		if got := cluster.Covers(pattern, text); got != want {
			t.Errorf("%q covers %q: %v", pattern, text, got)
		}
	}
	check("a b", "a b", true)
	check("a b", "a c", false)
	check("user <Token-1> in", "user bob in", true)
	check("user <Token-1> in", "user <ID-1> in", true)
	check("user <Token-1> in", "user bob the second in", false)
	check("user <Token-1> in", "user  in", false)
	check("user <Token-1> in", "user bob out", false)
	check("<Token-1> in <ID-2>", "bob in <Number-1>", true)
	check("<Token-1> in <ID-2>", "bob in ", false)
	check("<Time-1> in", "Oct 5 in", true)
	check("a <Token-1><Token-2> b", "a <Number-1><ID-2> b", true)
	check("a <Token-1>", "a x", true)
	check("a <Token-1>", "b x", false)
	check("a <Nothing-1>", "a x", false)
	check("a <Token-", "a x", false)
	check("a <Token-1> b", "a x b c", false)
	check("<Token-1>", "", false)
}

func FuzzAdd(f *testing.F) {
	for _, kind := range corpus.Kinds() {
		texts, _ := messages(f, kind, 30)
		for i, m := range texts {
			f.Add(m, texts[len(texts)-1-i])
		}
	}
	f.Add([]byte("2025-10-05 00:05:00,123 [Mon, 05 Oct 2025 01:02:03 +0000] 05/Oct/2025:00:05:00"), []byte("fe80::1 aa:bb:cc:dd:ee:01 ::1"))
	f.Add([]byte(`{"a":"b\"c","d":[1,2,3],"e":{"f":"`), []byte("x\n\tat a\n  File \"b\"\n ... 3 more"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		// One clusterer gets them one way, two the other.
		x, y, z := cluster.New(cluster.Options{Shapes: 2}), cluster.New(cluster.Options{Shapes: 2}), cluster.New(cluster.Options{Shapes: 2})
		x.Add(a)
		x.Add(b)
		x.Add(a)
		y.AddN(a, 2)
		z.Add(b)
		z.Merge(y)
		want, got := x.Patterns(), z.Patterns()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q and %q: %s", a, b, diff)
		}
		total := int64(0)
		for _, p := range want {
			total += p.Count
			if !cluster.Covers(p.Text, p.Text) {
				t.Fatalf("%q does not cover itself", p.Text)
			}
		}
		if total != 3 {
			t.Fatalf("%d messages are in patterns", total)
		}
	})
}
