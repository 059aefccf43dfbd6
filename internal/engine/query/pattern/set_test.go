package pattern

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// matched returns the members that match, in order.
func matched(s *Set, m []byte) (out []int) {
	s.Match(m, func(i int) { out = append(out, i) })
	slices.Sort(out)
	return out
}

// checkSet compares a set with the matchers it is made of.
func checkSet(t *testing.T, members []Member, s *Set, m []byte) (matches int) {
	t.Helper()
	var want []int
	for i := range members {
		if members[i].Match(m) {
			want = append(want, i)
		}
	}
	if got := matched(s, m); !slices.Equal(got, want) {
		t.Fatalf("message %q: members %v, want %v of\n%s", m, got, want, listed(members))
	}
	s.Match(m, func(i int) { checkValues(t, &members[i], s, i, m) })
	return len(want)
}

// checkValues compares what a set extracts with the values of the matcher.
func checkValues(t *testing.T, member *Member, s *Set, i int, m []byte) {
	t.Helper()
	values, _ := member.Values(m)
	for k, r := range member.Refs {
		want, have := values[r.String()]
		if member.Pattern().Kind == JSON && lookup(m, r.sel).kind == arrayValue {
			have = false // an array is a value that is shown, but neither text nor number
		}
		if r.field < 0 && r.sel == nil && !have {
			continue // the token has a name in this message; its number leads to it, too
		}
		text, ok := s.Text(i, k)
		want = strings.ToValidUTF8(want, "\uFFFD")
		if got := strings.ToValidUTF8(string(text), "\uFFFD"); ok != have || ok && got != want {
			t.Fatalf("message %q, pattern %s: %s is %q, %v; want %q, %v", m, member.Pattern(), r, text, ok, want, have)
		}
		if n, ok := s.Number(i, k); ok {
			if p, fine := parseNumber([]byte(want)); !fine || p != n {
				t.Fatalf("message %q, pattern %s: %s is the number %v; want %q", m, member.Pattern(), r, n, want)
			}
		}
	}
}

func listed(members []Member) string {
	var b strings.Builder
	for i, m := range members {
		fmt.Fprintf(&b, "%d: %s\n", i, m.Pattern())
	}
	return b.String()
}

// everything refers to all values that a pattern names.
func everything(p *Pattern) (refs []*Ref) {
	add := func(text string) {
		if r, err := p.Ref(text); err == nil {
			refs = append(refs, r)
		}
	}
	if p.Kind == JSON {
		selectors(p.Cond, func(s Selector) { add(s.String()) })
	}
	for i, f := range p.Fields {
		add("$" + f.Name)
		if f.Kind == Unnamed {
			add(fmt.Sprintf("$%d", i+1))
		}
	}
	return refs
}

func TestSetAgreesWithMatchers(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 50
	}
	g := maker{rand.New(rand.NewPCG(11, 12))}
	matches := 0
	for range rounds {
		var members []Member
		for range 1 + g.IntN(60) {
			if p, err := Parse(g.pattern()); err == nil {
				members = append(members, Member{p.Compile(), everything(p)})
			}
		}
		s := NewSet(members)
		for range 40 {
			matches += checkSet(t, members, s, []byte(g.message()))
		}
	}
	if matches < 10*rounds {
		t.Errorf("only %d matches: the test shows little", matches)
	}
}

func TestSetOnCorpora(t *testing.T) {
	members := hundred(t)
	s := NewSet(members)
	for _, kind := range corpus.Kinds() {
		matches := 0
		for _, m := range messages(t, kind, 500) {
			matches += checkSet(t, members, s, m)
		}
		if matches < 500 {
			t.Errorf("%s: %d matches of 500 messages: the benchmark shows little", kind, matches)
		}
	}
}

func TestSetsOfNothing(t *testing.T) {
	for _, m := range []string{"", "{", "x", `{"a":1}`} {
		if got := matched(NewSet(nil), []byte(m)); got != nil {
			t.Errorf("the empty set matches %q: %v", m, got)
		}
	}
	all := NewSet([]Member{{Matcher: parse(t, "").Compile()}, {Matcher: parse(t, "x").Compile()}, {Matcher: parse(t, "[]").Compile()}})
	if d := cmp.Diff([]int{0, 2}, matched(all, nil)); d != "" {
		t.Errorf("an empty message (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{0, 1, 2}, matched(all, []byte("x"))); d != "" {
		t.Errorf("a short message (-want +got):\n%s", d)
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which short runs are for, makes pools forget what they hold")
	}
	s := NewSet(hundred(t))
	for _, kind := range corpus.Kinds() {
		list := messages(t, kind, 200)
		n := 0
		run := func() {
			for _, m := range list {
				s.Match(m, func(int) { n++ })
			}
		}
		run()
		if a := testing.AllocsPerRun(5, run); a > 0 {
			t.Errorf("%s: %v allocations for 200 messages", kind, a)
		}
	}
}

func TestRefs(t *testing.T) {
	refused := func(pattern string, refs ...string) {
		t.Helper()
		for _, r := range refs {
			if got, err := parse(t, pattern).Ref(r); err == nil {
				t.Errorf("%s of %s is accepted: %+v", r, pattern, got)
			}
		}
	}
	refused("ERROR", "$1", "$.a", "$a")
	refused("%x%", "$1", "$.a")
	refused("{ $.a = 1 }", "", "$", "a", ".a", "$.", "$a", "$.a.*", "$.a[*]", "$.a ", "$.a || $.b", "$.\xff", "$.a[99999999999]")
	refused("[a, b]", "$", "$c", "$3", "$0", "$-1", "$+1", "$1.5", "$.a", "$ a", "$")
	value := func(pattern, ref, message, want string) {
		t.Helper()
		p := parse(t, pattern)
		r, err := p.Ref(ref)
		if err != nil {
			t.Errorf("%s of %s: %v", ref, pattern, err)
			return
		}
		s := NewSet([]Member{{p.Compile(), []*Ref{r}}})
		got := "no match"
		s.Match([]byte(message), func(i int) {
			text, ok := s.Text(i, 0)
			n, number := s.Number(i, 0)
			got = fmt.Sprintf("%s %v %v %v", text, ok, n, number)
		})
		if got != want {
			t.Errorf("%s of %s in %s: %s, want %s", ref, pattern, message, got, want)
		}
	}
	value("{ $.a = * }", "$.a", `{"a":1.5}`, "1.5 true 1.5 true")
	value("{ $.a = * }", "$.a", `{"a":"12"}`, "12 true 12 true")
	value("{ $.a = * }", "$.a", `{"a":"\u0041"}`, "A true 0 false")
	value("{ $.a = * }", "$.a", `{"a":1e999}`, "1e999 true +Inf false")
	value("{ $.a = * }", "$.b", `{"a":1}`, " false 0 false")
	value("{ $.a = * }", "$.b", `{"a":1,"b":true}`, "true true 0 false")
	value("{ $.a = * }", "$.b", `{"a":1,"b":null}`, " false 0 false")
	value("{ $.a = * }", "$.b", `{"a":1,"b":[1]}`, " false 0 false")
	value("{ $.a = * }", "$.b[1].c", `{"a":1,"b":[1,{"c":7}]}`, "7 true 7 true")
	value("{ $.a = * }", "$.['x y']", `{"a":1,"x y":7}`, "7 true 7 true")
	value("[a, b = 2*, ...]", "$b", "x 25 y", "25 true 25 true")
	value("[a, b = 2*, ...]", "$3", "x 25 -1.5e2", "-1.5e2 true -150 true")
	value("[a, b = 2*, ...]", "$4", "x 25 y", " false 0 false")
	value("[..., size]", "$size", `a "b c" 12`, "12 true 12 true")
	value("[]", "$2", `a [1 2] 12`, "1 2 true 0 false")
	for text, want := range map[string]bool{"%x%": true, "{ $.a = 1 && ($.b = 1 || $.c = %x%) }": true, "[a, b = 1 || b = %x%]": true, "x": false, "{ $.a = 1 }": false, "[a = 1]": false, "": false} {
		if got := parse(t, text).HasRegexp(); got != want {
			t.Errorf("%s has a regular expression: %v, want %v", text, got, want)
		}
	}
}

func TestFindersFindTexts(t *testing.T) {
	g := rand.New(rand.NewPCG(5, 6))
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab\x00c"[g.IntN(4)]
		}
		return string(b)
	}
	found := 0
	for range 3000 {
		least := 1 + g.IntN(9)
		var texts []string
		for range g.IntN(12) {
			texts = append(texts, word(least+g.IntN(6)))
		}
		f := newFinders(texts)
		for range 10 {
			m := []byte(word(g.IntN(60)))
			got := slices.Sorted(slices.Values(f.find(m)))
			var want []int32
			for i, text := range texts {
				if bytes.Contains(m, []byte(text)) {
					want = append(want, int32(i))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("texts %q in %q: %v, want %v", texts, m, got, want)
			}
			found += len(want)
		}
	}
	if found < 1000 {
		t.Errorf("only %d texts were found: the test shows little", found)
	}
}

func FuzzSet(f *testing.F) {
	f.Add("ERROR\n{ $.a = 1 }\n[a, b]\n%x+%", []byte(`{"a":1}`))
	f.Add("?a ?bcd\n-x", []byte("abcd"))
	f.Fuzz(func(t *testing.T, patterns string, message []byte) {
		var members []Member
		for line := range strings.SplitSeq(patterns, "\n") {
			if p, err := Parse(line); err == nil && len(members) < 100 {
				members = append(members, Member{p.Compile(), everything(p)})
			}
		}
		checkSet(t, members, NewSet(members), message)
	})
}

// hundred are a hundred patterns of all families, as they stand on one group: some match
// often, most never.
func hundred(t testing.TB) []Member {
	t.Helper()
	texts := []string{
		"ERROR", "error", "?ERROR ?WARN ?FATAL", `"connection refused"`, `"upstream timeout"`, "timeout -retry", "Exception", "OutOfMemoryError",
		`{ $.level = "error" }`, `{ $.level = "warn" && $.service = "checkout" }`, `{ $.latency_ms > 200 }`, `{ $.http.status >= 500 }`, `{ $.latency_ms = * }`,
		`[ip, id, user, ts, req, status = 5*, size]`, `[ip, id, user, ts, req, status = 404, size]`, `[..., status = 4*, size > 100000]`, `[ip, id, user, ts, req = "POST *", ...]`,
		`%orders/[0-9]+%`, `%[0-9]+ bytes%`, "",
	}
	for i := range 20 {
		texts = append(texts,
			fmt.Sprintf(`"task %d failed"`, i), fmt.Sprintf(`{ $.eventName = "Update%dTrail" }`, i), fmt.Sprintf(`{ $.user.id = %d && $.action = "login%d" }`, i, i),
			fmt.Sprintf(`[time, level = FATAL%d, ..., unit]`, i))
	}
	var out []Member
	for _, text := range texts {
		p := parse(t, text)
		out = append(out, Member{p.Compile(), everything(p)})
	}
	if len(out) != 100 {
		t.Fatalf("%d patterns", len(out))
	}
	return out
}

func messages(t testing.TB, kind corpus.Kind, n int) (out [][]byte) {
	t.Helper()
	g, err := corpus.New(kind, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		out = append(out, g.Append(nil, int64(1_790_000_000_000+i)))
	}
	return out
}

func BenchmarkSet(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		list := messages(b, kind, 2000)
		bytes := 0
		for _, m := range list {
			bytes += len(m)
		}
		members := hundred(b)
		b.Run(string(kind)+"/set", func(b *testing.B) {
			s := NewSet(members)
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				for _, m := range list {
					s.Match(m, func(int) { n++ })
				}
			}
			b.ReportMetric(float64(n)/float64(b.N)/float64(len(list)), "matches/message")
		})
		b.Run(string(kind)+"/single", func(b *testing.B) {
			b.SetBytes(int64(bytes))
			n := 0
			for b.Loop() {
				for _, m := range list {
					for i := range members {
						if members[i].Match(m) {
							n++
						}
					}
				}
			}
		})
		b.Run(string(kind)+"/texts", func(b *testing.B) {
			s := NewSet(members)
			b.SetBytes(int64(bytes))
			for b.Loop() {
				for _, m := range list {
					s.open.texts.find(m)
				}
			}
		})
	}
}
