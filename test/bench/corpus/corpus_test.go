package corpus_test

import (
	"encoding/json"
	"hash/fnv"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

const when = 1_790_000_000_000

// TestCorporaNeverChange pins the bytes: measurements of different days are comparable only while they stand.
func TestCorporaNeverChange(t *testing.T) {
	for kind, want := range map[corpus.Kind]uint64{
		corpus.JSON:   0xa9229960f542d1ff,
		corpus.Text:   0x87de0c2019f287cb,
		corpus.Access: 0xe4116e28f4ba0e1,
	} {
		g, err := corpus.New(kind, 1)
		if err != nil {
			t.Fatal(err)
		}
		h := fnv.New64a()
		var message []byte
		for i := range int64(10_000) {
			message = g.Append(message[:0], when+i)
			h.Write(message)
			h.Write([]byte{'\n'})
		}
		if got := h.Sum64(); got != want {
			t.Errorf("corpus %s hashes to %#x, want %#x", kind, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	access := regexp.MustCompile(`^[\d.]+ - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "[A-Z]+ /\S* HTTP/[123]\.[01]" \d{3} \d+ "[^"]+" "[^"]+"$`)
	for _, kind := range corpus.Kinds() {
		g, err := corpus.New(kind, 7)
		if err != nil {
			t.Fatal(err)
		}
		const n = 20_000
		bytes, traces := 0, 0
		for i := range int64(n) {
			m := g.Append(nil, when+i)
			bytes += len(m)
			if len(m) == 0 || !utf8.Valid(m) {
				t.Fatalf("%s: message %d is %q", kind, i, m)
			}
			switch kind {
			case corpus.JSON:
				var v struct {
					HTTP struct{ Status int }
				}
				if err := json.Unmarshal(m, &v); err != nil || v.HTTP.Status < 200 {
					t.Fatalf("message %d is not the JSON it should be: %s", i, m)
				}
			case corpus.Access:
				if !access.Match(m) {
					t.Fatalf("message %d is not in the combined format: %s", i, m)
				}
			case corpus.Text:
				if regexp.MustCompile(`(?m)^\tat `).Match(m) {
					traces++
				}
			}
		}
		mean := bytes / n
		if kind == corpus.JSON && (mean < 310 || mean > 340) {
			t.Errorf("JSON messages have %d bytes on average, want about 326", mean)
		}
		if kind == corpus.Text && (traces < n/80 || traces > n/20) {
			t.Errorf("%d of %d text messages have a stack trace", traces, n)
		}
		t.Logf("%s: %d bytes a message", kind, mean)
	}
}

// TestAccessIsLikeAShop checks what belongs together in a real access log: files have one size, 304 has no bytes, assets follow
// the page that refers to them, robots and browsers of many versions come.
func TestAccessIsLikeAShop(t *testing.T) {
	g, err := corpus.New(corpus.Access, 3)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^(\S+) .* "[A-Z]+ (\S+) HTTP/.*" (\d+) (\d+) "([^"]*)" "([^"]*)"$`)
	const n = 30_000
	var last []string
	sizes, agents, clients := map[string]string{}, map[string]bool{}, map[string]bool{}
	notModified, led, bursts, robots := 0, 0, 0, 0
	for i := range int64(n) {
		m := line.FindStringSubmatch(string(g.Append(nil, when+i)))
		if m == nil {
			t.Fatal("a line is not in the combined format")
		}
		client, path, status, bytes, referrer, agent := m[1], m[2], m[3], m[4], m[5], m[6]
		agents[agent], clients[client] = true, true
		if status == "304" {
			notModified++
			if bytes != "0" {
				t.Fatalf("304 with %s bytes", bytes)
			}
		}
		if strings.HasPrefix(path, "/media/") || strings.HasPrefix(path, "/assets/") {
			if !strings.HasPrefix(referrer, "https://shop.example.com/") {
				t.Fatalf("%s has referrer %s", path, referrer)
			}
			if old, seen := sizes[path]; status == "200" && seen && old != bytes {
				t.Fatalf("%s has %s bytes and %s bytes", path, old, bytes)
			} else if status == "200" {
				sizes[path] = bytes
			}
		}
		if last != nil {
			if client == last[1] {
				bursts++
			}
			if referrer == "https://shop.example.com"+last[2] {
				led++
			}
		}
		if strings.Contains(strings.ToLower(agent), "bot") {
			robots++
		}
		last = m
	}
	for what, ok := range map[string]bool{
		"not modified": notModified > n/50 && notModified < n/4, "bursts": bursts > n/4, "pages that lead on": led > n/20,
		"robots": robots > n/20 && robots < n/4, "agents": len(agents) > 150, "clients": len(clients) > 500,
	} {
		if !ok {
			t.Errorf("%s: %d not modified, %d led, %d in bursts, %d of robots, %d agents, %d clients", what, notModified, led, bursts, robots, len(agents), len(clients))
		}
	}
}

// TestTracesRepeat checks that stack traces are the same few again and again.
func TestTracesRepeat(t *testing.T) {
	g, err := corpus.New(corpus.Text, 3)
	if err != nil {
		t.Fatal(err)
	}
	traces, all, caused := map[string]int{}, 0, 0
	for i := range int64(20_000) {
		if _, trace, ok := strings.Cut(string(g.Append(nil, when+i)), "\n"); ok {
			traces[trace]++
			all++
			if strings.Contains(trace, "\nCaused by: ") && strings.Contains(trace, " common frames omitted") {
				caused++
			}
		}
	}
	if len(traces) < 20 || len(traces) > 60 || all < 200 || caused < all/4 {
		t.Errorf("%d different traces in %d events, %d with a cause", len(traces), all, caused)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := corpus.New("xml", 1); err == nil {
		t.Error("no error for a corpus that does not exist")
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) {
			g, err := corpus.New(kind, 1)
			if err != nil {
				b.Fatal(err)
			}
			var m []byte
			b.ReportAllocs()
			for b.Loop() {
				m = g.Append(m[:0], when)
				b.SetBytes(int64(len(m)))
			}
		})
	}
}
