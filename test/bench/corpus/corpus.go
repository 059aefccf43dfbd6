// Package corpus makes the three log corpora that benchmarks run on: service logs in JSON, a text application log with stack
// traces, and an access log in the combined format.
//
// A generator with the same kind and seed makes the same messages for ever, of any number, without keeping them. Values are
// skewed as in real logs: few services, paths and clients make most lines, identifiers are random and do not compress. What belongs
// together in real logs does so here: requests come in visits, lines of a request have its ids, and a program has so many statements
// and stack traces and no more. zstd makes text and access blocks about as much smaller as it does blocks of real logs of the kind.
package corpus

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Kind names a corpus.
type Kind string

// The corpora.
const (
	JSON   Kind = "json"   // one object a line, about 326 bytes
	Text   Kind = "text"   // services in Java and Python, one event in about forty with a stack trace
	Access Kind = "access" // a shop's web server, in the combined format
)

// Kinds lists the corpora in the order reports use.
func Kinds() []Kind { return []Kind{JSON, Text, Access} }

// Generator makes the messages of one corpus. It is used by one goroutine.
type Generator struct {
	rng    *rand.Rand
	append func(g *Generator, dst []byte, ms int64) []byte
	n      uint64 // messages made

	services, paths, clients, users zipf
	hosts, ips                      []string
	web                             *web     // of Access
	program                         *program // of Text
}

// New returns the generator of a corpus, or an error that names the kinds.
func New(kind Kind, seed uint64) (*Generator, error) {
	g := &Generator{rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
	switch kind {
	case JSON:
		g.append = (*Generator).json
	case Text:
		g.append = (*Generator).text
		g.program = newProgram()
	case Access:
		g.append = (*Generator).access
		g.web = newWeb()
	default:
		return nil, fmt.Errorf("there is no corpus %q; there are %v", kind, Kinds())
	}
	g.services = newZipf(len(services), 1.1)
	g.paths = newZipf(4000, 1.05)
	g.clients = newZipf(20_000, 1.02)
	g.users = newZipf(50_000, 1.01)
	for i := range 24 {
		g.hosts = append(g.hosts, fmt.Sprintf("ip-10-%d-%d-%d", 20+i%3, g.rng.IntN(256), g.rng.IntN(256)))
	}
	for range 20_000 {
		g.ips = append(g.ips, fmt.Sprintf("%d.%d.%d.%d", 1+g.rng.IntN(222), g.rng.IntN(256), g.rng.IntN(256), 1+g.rng.IntN(254)))
	}
	return g, nil
}

// Append adds the next message, which happened at ms (milliseconds since the Unix epoch), to dst and returns the extended slice.
// Messages are valid UTF-8 and never empty.
func (g *Generator) Append(dst []byte, ms int64) []byte {
	g.n++
	return g.append(g, dst, ms)
}

// pick returns one of values, the first ones more often.
func pick[T any](g *Generator, values []T, z zipf) T { return values[z.next(g.rng)] }

// among returns one of values, all equally often.
func among[T any](g *Generator, values []T) T { return values[g.rng.IntN(len(values))] }

// latency draws milliseconds: mostly tens, with a long tail.
func (g *Generator) latency() float64 {
	return math.Exp(g.rng.NormFloat64()*0.9 + 3.1)
}

// hex appends n random hexadecimal digits.
func (g *Generator) hex(dst []byte, n int) []byte {
	const digits = "0123456789abcdef"
	for n > 0 {
		bits := g.rng.Uint64()
		for range min(n, 16) {
			dst = append(dst, digits[bits&15])
			bits >>= 4
		}
		n -= 16
	}
	return dst
}

// zipf draws ranks from 0 on, rank r in proportion to 1/(r+1)^s. (math/rand/v2's Zipf needs its own source.)
type zipf struct{ cumulative []float64 }

func newZipf(n int, s float64) zipf {
	c := make([]float64, n)
	sum := 0.0
	for i := range c {
		sum += 1 / math.Pow(float64(i+1), s)
		c[i] = sum
	}
	for i := range c {
		c[i] /= sum
	}
	return zipf{c}
}

func (z zipf) next(rng *rand.Rand) int {
	x := rng.Float64()
	low, high := 0, len(z.cumulative)-1
	for low < high {
		if mid := (low + high) / 2; z.cumulative[mid] < x {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
