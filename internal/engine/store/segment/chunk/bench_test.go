package chunk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

type corpusColumn struct {
	name string
	in   column.Texts
}

// corpusColumns takes 2 MiB of a corpus apart, about as package shred does,
// and returns the columns and the bytes of the messages.
func corpusColumns(t testing.TB, kind corpus.Kind) (columns []*corpusColumn, raw int) {
	g, err := corpus.New(kind, 1)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(8, 9))
	byName := map[string]*corpusColumn{}
	add := func(name string, text []byte) {
		c := byName[name]
		if c == nil {
			c = &corpusColumn{name: name}
			byName[name] = c
			columns = append(columns, c)
		}
		c.in.Append(text)
	}
	var times []int64
	at := int64(1_790_000_000_000)
	for range 1 << 14 { // four streams, each in order
		at += int64(rng.ExpFloat64() * 20)
		times = append(times, at)
		if len(times)%4096 == 0 {
			at = 1_790_000_000_000
		}
	}
	var m []byte
	for i := 0; raw < 2<<20; i++ {
		m = g.Append(m[:0], times[i%len(times)])
		raw += len(m)
		if kind == corpus.JSON {
			jsonColumns(m, add)
			continue
		}
		fields(m, add)
	}
	return columns, raw
}

// fields cuts a message at blanks that are not within quotes or brackets.
func fields(m []byte, add func(string, []byte)) {
	start, within, n := 0, byte(0), 0
	for i, b := range m {
		switch {
		case within != 0:
			if b == within {
				within = 0
			}
		case b == '"':
			within = '"'
		case b == '[':
			within = ']'
		case b == ' ' && n < 11:
			add(fmt.Sprint(n), m[start:i])
			start, n = i+1, n+1
		}
	}
	add("rest", m[start:])
}

func jsonColumns(m []byte, add func(string, []byte)) {
	d := json.NewDecoder(bytes.NewReader(m))
	d.UseNumber()
	key := ""
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		switch v := token.(type) {
		case json.Delim:
			key = ""
		case string:
			if key == "" {
				key = v
				continue
			}
			add(key, []byte(v))
			key = ""
		case json.Number:
			add(key, []byte(v))
			key = ""
		case bool:
			add(key, fmt.Append(nil, v))
			key = ""
		}
	}
}

func TestCorpora(t *testing.T) {
	e := chunk.NewEncoder()
	for _, kind := range corpus.Kinds() {
		columns, raw := corpusColumns(t, kind)
		stored := 0
		for _, c := range columns {
			_, s, enc := roundTrip(t, e, &c.in)
			stored += len(enc)
			t.Logf("%s %-10s %-5v %6d rows %7d -> %6d bytes, %6.2f bits a row, distinct %d", kind, c.name, s.Encoding, c.in.Len(),
				len(c.in.Data), len(enc), 8*float64(len(enc))/float64(c.in.Len()), s.Distinct)
		}
		t.Logf("%s: stored %.4f of raw", kind, float64(stored)/float64(raw))
	}
}

// BenchmarkCorpus encodes and decodes all columns of 2 MiB of messages; the
// speed is that of message bytes.
func BenchmarkCorpus(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		columns, raw := corpusColumns(b, kind)
		e, d := chunk.NewEncoder(), chunk.NewDecoder()
		chunks := make([]chunk.Chunk, len(columns))
		encoded := make([][]byte, len(columns))
		b.Run("encode/"+string(kind), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(raw))
			for b.Loop() {
				for i, c := range columns {
					encoded[i], _ = e.Append(encoded[i][:0], &c.in)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(raw), "ns/byte")
		})
		for i, c := range columns {
			encoded[i], _ = e.Append(encoded[i][:0], &c.in)
		}
		var out column.Texts
		b.Run("decode/"+string(kind), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(raw))
			for b.Loop() {
				for i, c := range columns {
					if err := d.Parse(&chunks[i], encoded[i], c.in.Len(), len(c.in.Data)); err != nil {
						b.Fatal(err)
					}
					out.Reset()
					if err := chunks[i].Texts(&out); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(raw), "ns/byte")
		})
	}
}

// BenchmarkColumns encodes, decodes and searches columns; the speed is that of their texts.
func BenchmarkColumns(b *testing.B) {
	all := columns(rand.New(rand.NewPCG(1, 2)))
	type named = struct {
		name string
		in   *column.Texts
	}
	var list []named
	for _, tc := range all {
		if tc.in.Len() > 1 {
			list = append(list, named{tc.name, tc.in})
		}
	}
	for _, kind := range corpus.Kinds() {
		columns, _ := corpusColumns(b, kind)
		for _, c := range columns {
			list = append(list, named{string(kind) + " " + c.name, &c.in})
		}
	}
	for _, tc := range list {
		e, d := chunk.NewEncoder(), chunk.NewDecoder()
		var c chunk.Chunk
		enc, s := e.Append(nil, tc.in)
		b.Run(fmt.Sprintf("encode/%v/%s", s.Encoding, tc.name), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tc.in.Data)))
			for b.Loop() {
				enc, _ = e.Append(enc[:0], tc.in)
			}
			b.ReportMetric(float64(len(enc))/float64(len(tc.in.Data)), "stored/raw")
		})
		var out column.Texts
		b.Run(fmt.Sprintf("decode/%v/%s", s.Encoding, tc.name), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tc.in.Data)))
			for b.Loop() {
				if err := d.Parse(&c, enc, tc.in.Len(), len(tc.in.Data)); err != nil {
					b.Fatal(err)
				}
				out.Reset()
				if err := c.Texts(&out); err != nil {
					b.Fatal(err)
				}
			}
		})
		if err := d.Parse(&c, enc, tc.in.Len(), len(tc.in.Data)); err != nil {
			b.Fatal(err)
		}
		hits := column.NewBitmap(tc.in.Len())
		needle := slices.Clone(tc.in.At(tc.in.Len() / 2))
		needle = needle[len(needle)/4:]
		b.Run(fmt.Sprintf("find/%v/%s", s.Encoding, tc.name), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(tc.in.Data)))
			for b.Loop() {
				if err := c.Find(needle, hits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
