package cluster_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

func TestValues(t *testing.T) {
	texts := func(order []int) []cluster.Pattern {
		all := []*cluster.Clusterer{cluster.New(cluster.Options{Values: true}), cluster.New(cluster.Options{Values: true})}
		for i, n := range order {
			all[i%2].Add(fmt.Appendf(nil, `{"level":"INFO","method":"%s","status":%d,"id":"r-%04d","name":"%s","msg":"user %s came"}`,
				[]string{"GET", "POST"}[n%2], 200+n%3, n, strings.Repeat("x", 60+n%6), []string{"ann", "bob", "cid", "dan", "eve"}[n%5]))
		}
		all[1].Merge(all[0])
		return all[1].Copy().Patterns()
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		got := texts(rng.Perm(60))
		want := []cluster.Pattern{{
			Text: `{"level":"INFO","method":"<Token-1>","status":<Number-2>,"id":"<ID-3>","name":"<Token-4>","msg":"user <Token-5> came"}`, Count: 60, Severity: "INFO",
			Tokens: []cluster.Token{
				{Name: "Token-1", Values: []cluster.Value{{"GET", 30}, {"POST", 30}}},
				{Name: "Number-2", Values: []cluster.Value{{"200", 20}, {"201", 20}, {"202", 20}}},
				{Name: "ID-3", Many: true},
				{Name: "Token-4", Many: true},
				{Name: "Token-5", Values: []cluster.Value{{"ann", 12}, {"bob", 12}, {"cid", 12}, {"dan", 12}, {"eve", 12}}},
			},
		}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("values: %s", d)
		}
	}
}

// summary shows the patterns of a window.
func summary(w []*cluster.Tracked) (out []string) {
	for _, p := range w {
		s := fmt.Sprintf("%d %s ×%d", p.ID, p.Text, p.Count)
		if p.New {
			s += " new"
		}
		if len(p.Merged) > 0 {
			s += fmt.Sprint(" with ", p.Merged)
		}
		out = append(out, s)
	}
	return out
}

func TestTracker(t *testing.T) {
	tr := cluster.NewTracker(cluster.Options{})
	window := func(want []string, messages ...string) []*cluster.Tracked {
		t.Helper()
		tr.Next()
		for i, m := range messages {
			tr.Add(int64(i), []byte(m))
		}
		// The state of the open window is kept.
		again, err := cluster.DecodeTracker(tr.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		w := tr.Window()
		if d := cmp.Diff(want, summary(w)); d != "" {
			t.Errorf("window: %s", d)
		}
		if d := cmp.Diff(want, summary(again.Window())); d != "" {
			t.Errorf("window of the decoded: %s", d)
		}
		if len(tr.Window()) != len(w) {
			t.Error("a second look differs")
		}
		return w
	}
	window([]string{"1 cache miss ×2 new", "2 user ann came ×1 new"}, "cache miss", "user ann came", "cache miss")
	window([]string{"1 cache miss ×0", "2 user ann came ×1", "3 user bob came ×1 new"}, "user ann came", "user bob came")
	w := window([]string{"1 cache miss ×0", "2 user <Token-1> came ×4 with [3]"}, "user cid came", "user dan came", "user eve came", "user bob came")
	got := map[string][3]int64{}
	for v := range w[1].Values {
		got[v.Text] = [3]int64{v.Count, v.Before, v.Quiet}
	}
	// Of six so far there are five different ones.
	if d := cmp.Diff(map[string][3]int64{"ann": {0, 2, 0}, "bob": {1, 1, 0}, "cid": {1, 0, 1}, "dan": {1, 0, 1}, "eve": {1, 0, 1}}, got); d != "" {
		t.Errorf("values: %s", d)
	}
	var samples []string
	for _, m := range w[1].Samples {
		samples = append(samples, string(m))
	}
	if len(samples) != 4 {
		t.Errorf("samples %q", samples)
	}
	if d := cmp.Diff([]string{"user ", " came"}, w[1].Literals); d != "" {
		t.Errorf("literals: %s", d)
	}
	tr.Forget(func(id int32) bool { return id == 1 })
	window([]string{"2 user <Token-1> came ×0", "4 cache miss ×1 new"}, "cache miss")
}

func TestTrackerMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tr := cluster.NewTracker(cluster.Options{Shapes: 500})
	for range 40 {
		total := int64(0)
		for range 1000 {
			tr.Add(1, []byte(wild(rng)))
		}
		for _, p := range tr.Window() {
			total += p.Count
		}
		if total != 1000 {
			t.Fatalf("%d of 1,000 messages are in patterns", total)
		}
		for tr.Bytes() > 4<<20 && tr.Shrink() {
		}
		tr.Next()
	}
	if n := tr.Bytes(); n > 8<<20 {
		t.Errorf("the tracker takes %d bytes", n)
	}
}

func FuzzDecodeTracker(f *testing.F) {
	tr := cluster.NewTracker(cluster.Options{})
	for _, kind := range corpus.Kinds() {
		texts, _ := messages(f, kind, 20)
		for _, m := range texts {
			tr.Add(1, m)
		}
		f.Add(tr.Append(nil))
		tr.Window()
		tr.Next()
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := cluster.DecodeTracker(data)
		if err != nil {
			return
		}
		tr.Add(1, []byte("a new message 12"))
		tr.Add(1, []byte(`{"a":"b","c":1}`))
		for range 2 {
			for _, p := range tr.Window() {
				p.Tokens()
				for range p.Values {
				}
			}
			tr.Next()
		}
		once := tr.Append(nil)
		again, err := cluster.DecodeTracker(once)
		if err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if !bytes.Equal(again.Append(nil), once) {
			t.Fatal("it is not the same when decoded and encoded again")
		}
	})
}

// TestDamagedTracker decodes states with changed bytes.
func TestDamagedTracker(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	tr := cluster.NewTracker(cluster.Options{})
	for i := range 40 {
		tr.Add(1, fmt.Appendf(nil, `INFO user %c%d did "%s" in %d ms at /a/%d`, 'a'+i%7, i, []string{"read", "write"}[i%2], i, i))
	}
	tr.Window()
	tr.Next()
	data := tr.Append(nil)
	refused := 0
	for range 3000 {
		b := bytes.Clone(data)
		for range 1 + rng.IntN(3) {
			b[rng.IntN(len(b))] = byte(rng.Uint32() >> rng.IntN(8))
		}
		o, err := cluster.DecodeTracker(b[:len(b)-rng.IntN(2)])
		if err != nil {
			refused++
			continue
		}
		o.Add(1, []byte(`INFO user z9 did "read" in 5 ms at /a/3`))
		for _, p := range o.Window() {
			p.Tokens()
			for range p.Values {
			}
		}
		o.Next()
	}
	if refused < 1000 {
		t.Errorf("%d of 3,000 damaged states were refused", refused)
	}
}
