package cluster

import (
	"math/rand/v2"
	"testing"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// checkScan scans a text with what was learned from others and without.
func checkScan(t *testing.T, s *scanner, text []byte) {
	t.Helper()
	fresh := scanner{class: s.class, ends: s.ends}
	want, got := fresh.scanAll(text), s.scan(text)
	if want != got || fresh.n != s.n || fresh.end != s.end {
		t.Fatalf("%q: hash %x, %d tokens, end %d; want %x, %d, %d", text, got, s.n, s.end, want, fresh.n, fresh.end)
	}
	for i := range s.n {
		if fresh.tokens[i].kind != word && s.tokens[i] != fresh.tokens[i] {
			t.Fatalf("%q: token %d is %v, want %v", text, i, s.tokens[i], fresh.tokens[i])
		}
	}
}

// TestKnown scans texts, and what becomes of them when bytes are changed, with
// one scanner that knows ever more.
func TestKnown(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	s := new(scanner)
	*s = newScanner()
	const odd = "/ :\"'\\=[]{}().,-+#@_\n\tat0159afgzAZ\xc3"
	for _, kind := range corpus.Kinds() {
		g, err := corpus.New(kind, 5)
		if err != nil {
			t.Fatal(err)
		}
		var texts [][]byte
		for i := range 3000 {
			texts = append(texts, g.Append(nil, 1_790_000_000_000+int64(i)*7))
		}
		for i, text := range texts {
			checkScan(t, s, text)
			if i%20 == 19 { // longer than what is looked at, cut anywhere
				var long []byte
				for k := range 20 {
					long = append(append(long, texts[i-k]...), ' ')
				}
				checkScan(t, s, long)
				checkScan(t, s, long[rng.IntN(200):])
			}
			for range 8 {
				m := append([]byte{}, text...)
				for range 1 + rng.IntN(2) {
					at := rng.IntN(len(m))
					switch rng.IntN(4) {
					case 0:
						m[at] = odd[rng.IntN(len(odd))]
					case 1:
						m = append(m[:at], m[at+1:]...)
					case 2:
						m = append(m[:at], append([]byte{odd[rng.IntN(len(odd))]}, m[at:]...)...)
					default: // the begin of one and the end of another
						o := texts[rng.IntN(i+1)]
						m = append(m[:at], o[min(at, len(o)):]...)
					}
					if len(m) == 0 {
						m = []byte("x")
					}
				}
				checkScan(t, s, m)
				checkScan(t, s, text)
			}
		}
	}
}

func FuzzKnown(f *testing.F) {
	f.Add([]byte("a b 12 c: 5"), []byte("a b 12 c:/x"))
	f.Add([]byte(`{"a":"b","c":1}`), []byte(`{"a":"b" ,"c": 1}`))
	f.Add([]byte("x\n at y 1"), []byte("x\n\tat y 1"))
	f.Add([]byte("12MB of 3"), []byte("12/x of 3"))
	f.Add([]byte("face:1 fe80::/64 -5 +a"), []byte("face::1 fe80::1/64 - 5 +5"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := new(scanner)
		*s = newScanner()
		for range 2 {
			checkScan(t, s, a)
			checkScan(t, s, b)
		}
		both := append(append([]byte{}, a...), b...)
		checkScan(t, s, both)
		checkScan(t, s, append(both, a...))
		checkScan(t, s, a)
	})
}
