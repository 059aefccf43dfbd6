package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

func patterns(messages ...string) []cluster.Pattern {
	c := cluster.New(cluster.Options{})
	for _, m := range messages {
		c.Add([]byte(m))
	}
	return c.Patterns()
}

func TestTokens(t *testing.T) {
	check := func(message, want string) {
		t.Helper()
		p := patterns(message)
		if len(p) != 1 || p[0].Text != want || p[0].Count != 1 {
			t.Errorf("pattern of %q\n got %+v\nwant %q", message, p, want)
		}
	}
	// Words stay.
	check("", "")
	check("user logged in", "user logged in")
	check("  padded   text \t here\r\n", " padded text here")
	check("naïve café", "naïve café")
	check("com.example.Service started v2.", "com.example.Service started v2.")
	check("s3 utf-8 x64", "s3 utf-8 x64")
	// Numbers.
	check("took 12 ms", "took <Number-1> ms")
	check("delta -5 and +3.5e-7", "delta <Number-1> and <Number-2>")
	check("used 95% of 12.5MB", "used <Number-1>% of <Number-2>MB")
	check("page 3/5", "page <Number-1>/<Number-2>")
	check("order #4711.", "order #<Number-1>.")
	check("a - b -> c", "a - b -> c")
	check("in 5ms, 1h2m3.5s and 7µs", "in <Duration-1>, <Duration-2> and <Duration-3>")
	// Times.
	check("2025-10-05T00:05:00.123Z x", "<Time-1> x")
	check("2025-10-05 00:05:00,123 x", "<Time-1> x")
	check("2025/10/05 00:05:00 x", "<Time-1> x")
	check("[05/Oct/2025:00:05:00 +0000] x", "[<Time-1>] x")
	check("Oct  5 00:05:00 host x", "<Time-1> host x")
	check("Sun Oct 05 00:05:00 2025 x", "<Time-1> x")
	check("Sun, 05 Oct 2025 00:05:00 GMT", "<Time-1> GMT")
	check("on 2025-10-05 at 9:15", "on <Time-1> at <Time-2>")
	check("May 5 be", "May <Number-1> be")
	// Addresses and identifiers.
	check("from 10.0.0.1:8080 to 192.168.1.300", "from <IPAddress-1>:<Number-2> to <ID-3>")
	check("peer fe80::1, 2001:db8::5 and ::1", "peer <IPAddress-1>, <IPAddress-2> and ::<Number-3>")
	check("mac aa:bb:cc:dd:ee:01", "mac <ID-1>")
	check("id 550e8400-e29b-41d4-a716-446655440000 x", "id <UUID-1> x")
	check("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace <ID-1>")
	check("req-12345-ab failed", "<ID-1> failed")
	check("mail bob.smith@example.com ok", "mail <Email-1> ok")
	check("GET /a/b?q=1&x=2 HTTP/1.1", "GET <Path-1> HTTP/<Number-2>")
	check("GET / HTTP/1.1", "GET <Path-1> HTTP/<Number-2>")
	check("see https://example.com/a?b=c, now", "see <URL-1>, now")
	check("open /var/log/app.log: denied", "open <Path-1>: denied")
	check("version 1.2.3", "version <ID-1>")
	check("Chrome/131.0.0.0", "Chrome/<ID-1>")
	// JSON: keys stay, values that vary do not.
	check(`{"level":"INFO","ms":12,"u.id2":"u1","deep":{"k":[1,2,3]}}`, `{"level":"INFO","ms":<Number-1>,"u.id2":"u1","deep":{"k":[<Number-2>,<Number-3>]}}`)
	check(`{"msg":"a \"b\"\nc 12"}`, `{"msg":"a \"b\"\nc <Number-1>"}`)
	check(`{"msg`, `{"msg`)
	// Stack traces.
	check("x failed\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\nCaused by: a.E: y\n\tat q.R.s(R.java:3)\n\t... 3 more",
		"x failed\n<StackTrace-1>\nCaused by: a.E: y\n<StackTrace-2>")
	check("Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nValueError: bad",
		"Traceback (most recent call last):\n<StackTrace-1>\nValueError: bad")
	// What has not been UTF-8 is not afterwards.
	check("bad \xff\xfe x", "bad \uFFFD x")
}

func TestVaryingWords(t *testing.T) {
	names := strings.Fields("ann bob cid dan eve fay gus hal ivy jon kim leo mia ned oda pam")
	var in []string
	for i, n := range names {
		in = append(in,
			"user "+n+" logged in",
			"cache miss for key",
			[]string{"connection opened to peer", "connection closed to peer"}[i%2],
			`{"level":"INFO","service":"`+n+`","msg":"order shipped"}`,
			`{"level":"INFO","service":"`+n+`","msg":"order placed"}`,
			`{"level":"`+[]string{"INFO", "WARN"}[i%2]+`","service":"`+n+`","msg":"done"}`,
			"level=info component="+n+" msg=ready",
		)
	}
	in = append(in, `{"user":"u1","pod":"web"}`, `{"user":"u2","pod":"web"}`, `{"user":"u3","pod":"api"}`)
	got := patterns(in...)
	want := []cluster.Pattern{
		{Text: "cache miss for key", Count: 16, Severity: "INFO"},
		{Text: "level=info component=<Token-1> msg=ready", Count: 16, Severity: "INFO"},
		{Text: "user <Token-1> logged in", Count: 16, Severity: "INFO"},
		{Text: `{"level":"INFO","service":"<Token-1>","msg":"order placed"}`, Count: 16, Severity: "INFO"},
		{Text: `{"level":"INFO","service":"<Token-1>","msg":"order shipped"}`, Count: 16, Severity: "INFO"},
		{Text: "connection closed to peer", Count: 8, Severity: "INFO"},
		{Text: "connection opened to peer", Count: 8, Severity: "INFO"},
		{Text: `{"level":"INFO","service":"<Token-1>","msg":"done"}`, Count: 8, Severity: "INFO"},
		{Text: `{"level":"WARN","service":"<Token-1>","msg":"done"}`, Count: 8, Severity: "WARN"},
		{Text: `{"user":"<ID-1>","pod":"<Token-2>"}`, Count: 3, Severity: "INFO"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSeverity(t *testing.T) {
	check := func(message, want string) {
		t.Helper()
		if got := patterns(message)[0].Severity; got != want {
			t.Errorf("severity of %q is %s, want %s", message, got, want)
		}
	}
	check("an Error and a warning", "ERROR")
	check("[WARN] low", "WARN")
	check("java.lang.IllegalStateException: no", "INFO")
	check("fine", "INFO")
}

// service makes the messages of a program with n statements.
func service(n int, seed uint64) func() string {
	rng := rand.New(rand.NewPCG(seed, 1))
	vocabulary := strings.Fields(`accept account append batch begin block bucket buffer cache cancel chunk client close cluster
		commit config connect consume cursor daemon decode delete deliver deploy digest drain emit encode evict expire export
		fetch filter flush forward gateway handle header index ingest invoice job journal leader lease limit listen load lock
		mailer merge message migrate mirror monitor node offset order packet parse partition payment permit persist pipeline
		policy poll pool prepare probe process publish purge queue quota rebalance record refund region register release
		replay replica report request reserve resolve retry rollback rotate route sample scan schedule schema segment send
		session shard snapshot socket spawn split stage start status stop store stream submit sync table tenant token topic
		trace update upload validate vault verify wait worker write`)
	levels := []string{"INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"}
	type statement struct {
		level string
		parts []string
	}
	all := make([]statement, n)
	for i := range all {
		s := statement{level: levels[rng.IntN(len(levels))]}
		for range 3 + rng.IntN(7) {
			s.parts = append(s.parts, vocabulary[rng.IntN(len(vocabulary))])
		}
		for range rng.IntN(4) {
			s.parts = slices.Insert(s.parts, rng.IntN(len(s.parts)+1), []string{"%number", "%id", "%ip", "%name", "%uuid", "%path"}[rng.IntN(6)])
		}
		all[i] = s
	}
	return func() string {
		s := all[rng.IntN(n)]
		out := []string{fmt.Sprintf("2025-10-05T%02d:%02d:%02d.%03dZ", rng.IntN(24), rng.IntN(60), rng.IntN(60), rng.IntN(1000)), s.level, "-"}
		for _, p := range s.parts {
			switch p {
			case "%number":
				p = fmt.Sprint(rng.IntN(100_000))
			case "%id":
				p = fmt.Sprintf("req-%08x", rng.Uint32())
			case "%ip":
				p = fmt.Sprintf("10.%d.%d.%d", rng.IntN(256), rng.IntN(256), rng.IntN(256))
			case "%name":
				p = ""
				for range 4 + rng.IntN(4) {
					p += string(rune('a' + rng.IntN(26)))
				}
			case "%uuid":
				p = fmt.Sprintf("%08x-1111-4222-8333-%012x", rng.Uint32(), rng.Uint64()>>16)
			case "%path":
				p = fmt.Sprintf("/v1/things/%d", rng.IntN(1000))
			}
			out = append(out, p)
		}
		return strings.Join(out, " ")
	}
}

func TestServiceLog(t *testing.T) {
	for _, statements := range []int{10, 50, 300} {
		for seed := range uint64(4) {
			next := service(statements, seed)
			c := cluster.New(cluster.Options{})
			for range 60_000 {
				c.Add([]byte(next()))
			}
			got := c.Patterns()
			if len(got) < statements*92/100 || len(got) > statements*108/100 {
				t.Errorf("a program with %d statements, seed %d, has %d patterns", statements, seed, len(got))
			}
			total := int64(0)
			for _, p := range got {
				total += p.Count
			}
			if total != 60_000 || c.Total() != 60_000 {
				t.Errorf("%d messages are in patterns, %d in all, not 60,000", total, c.Total())
			}
		}
	}
}

// TestCorpora counts the patterns of logs whose generators have so many
// statements: 21 of JSON at three levels or so, about 75 of text, each of them with
// and without the ids of a request, and 44 stack traces; of the access log the
// forms of the names of browsers count.
func TestCorpora(t *testing.T) {
	check := func(kind corpus.Kind, least, most int, first string) {
		t.Helper()
		texts, _ := messages(t, kind, 30_000)
		c := cluster.New(cluster.Options{})
		for _, m := range texts {
			c.Add(m)
		}
		got := c.Patterns()
		if len(got) < least || len(got) > most {
			t.Errorf("%s has %d patterns, not %d to %d", kind, len(got), least, most)
		}
		if got[0].Text != first {
			t.Errorf("%s: the first pattern is\n%s, want\n%s", kind, got[0].Text, first)
		}
		if n := c.Bytes(); n > 4<<20 {
			t.Errorf("%s takes %d bytes", kind, n)
		}
	}
	check(corpus.JSON, 25, 45, `{"time":"<Time-1>","level":"info","service":"<Token-2>","host":"<ID-3>","region":"<ID-4>","msg":"request completed",`+
		`"trace_id":"<ID-5>","span_id":"<ID-6>","user_id":<Number-7>,"http":{"method":"<Token-8>","path":"<Path-9>","status":<Number-10>,"bytes":<Number-11>},"latency_ms":<Number-12>}`)
	check(corpus.Text, 150, 400, "<Time-1> INFO <Number-2> --- [<Token-3>] [<ID-4>] [<ID-5>] com.shop.web.RequestLogger : <Token-6> <Path-7> -> <Number-8> took <Number-9> ms")
	check(corpus.Access, 40, 110, `<IPAddress-1> - - [<Time-2>] "GET <Path-3> HTTP/<Number-4>" <Number-5> <Number-6> "<URL-7>" `+
		`"Mozilla/<Number-8> (X11; Ubuntu; Linux <ID-9>) AppleWebKit/<Number-10> (KHTML, like Gecko) Chrome/<ID-11> Safari/<Number-12> Edg/<ID-13>"`)
}

// TestManyRows bounds the work of Patterns for a shape of random words.
func TestManyRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	c := cluster.New(cluster.Options{})
	for range 6000 {
		m := "same words here and there but "
		for range 40 {
			m += []string{"yes ", "no "}[rng.IntN(2)]
		}
		c.Add([]byte(m))
	}
	want := "same words here and there but" + strings.Repeat(" yes", 40)
	for i := range 40 {
		want = strings.Replace(want, " yes", fmt.Sprintf(" <Token-%d>", i+1), 1)
	}
	if diff := cmp.Diff([]cluster.Pattern{{Text: want, Count: 6000, Severity: "INFO"}}, c.Patterns()); diff != "" {
		t.Error(diff)
	}
}
