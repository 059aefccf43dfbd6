package main

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/cumulog/cumulog/test/bench/corpus"
)

// rareToken stands in five messages of a corpus and nowhere else.
const rareToken = "zq7rare19"

// prepared is a PutLogEvents body that is ready to send.
type prepared struct {
	json     []byte
	hash     string
	messages int64 // bytes
	events   int
	stamps   []int // offsets of the 13 digits of each timestamp
	used     bool
}

// clock gives events their timestamps: a millisecond apart, in the order in which bodies are sent, as logs arrive that are sent
// while they are written. It is safe for concurrent use.
type clock struct{ next atomic.Int64 }

// minMessageBytes is less than the mean message of any corpus.
const minMessageBytes = 80

// newClock returns a clock that stays in the past for size message bytes.
func newClock(size int64, now time.Time) *clock {
	c := &clock{}
	c.next.Store(now.UnixMilli() - size/minMessageBytes - 10_000)
	return c
}

// take returns the first of n timestamps.
func (c *clock) take(n int) int64 { return c.next.Add(int64(n)) - int64(n) }

// restamp gives the events of a body that was sent before new timestamps.
func (p *prepared) restamp(c *clock) {
	ms := c.take(len(p.stamps))
	for i, at := range p.stamps {
		strconv.AppendInt(p.json[at:at:at+13], ms+int64(i), 10)
	}
	p.hash = hashOf(p.json)
}

// message is one event of a corpus.
type message struct {
	ms   int64
	text []byte
}

// batches yields a corpus of size message bytes, cut into the events of one PutLogEvents call each. What it yields lives until
// the next one. The rare token goes into five messages, a fifth of the corpus apart, as a field where messages are JSON.
func batches(kind corpus.Kind, seed uint64, size int64, batch int, clk *clock) (iter.Seq[[]message], error) {
	g, err := corpus.New(kind, seed)
	if err != nil {
		return nil, err
	}
	return func(yield func([]message) bool) {
		var events []message
		total, rare := int64(0), 0
		for total < size {
			n, counted := 0, 0
			for n < 10_000 {
				if n == len(events) {
					events = append(events, message{})
				}
				m := &events[n]
				m.ms = clk.take(1)
				m.text = g.Append(m.text[:0], m.ms)
				if n == 0 && rare < 5 && total >= size/5*int64(rare) {
					if rare++; kind == corpus.JSON {
						m.text = append(m.text[:len(m.text)-1], `,"note":"`+rareToken+`"}`...)
					} else {
						m.text = append(m.text, " "+rareToken...)
					}
				}
				if counted += len(m.text) + 26; counted > batch && n > 0 {
					break
				}
				total += int64(len(m.text))
				n++
			}
			if !yield(events[:n]) {
				return
			}
		}
	}, nil
}

// prepare makes the bodies of size message bytes for streams of one group, streams taking turns.
func prepare(kind corpus.Kind, seed uint64, size int64, batch int, group string, streams int, clk *clock) ([]*prepared, error) {
	all, err := batches(kind, seed, size, batch, clk)
	if err != nil {
		return nil, err
	}
	var out []*prepared
	for events := range all {
		p := &prepared{events: len(events)}
		var b bytes.Buffer
		b.Grow(batch + batch/4)
		fmt.Fprintf(&b, `{"logGroupName":%q,"logStreamName":%q,"logEvents":[`, group, streamName(len(out)%streams))
		for i, m := range events {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`{"timestamp":`)
			p.stamps = append(p.stamps, b.Len())
			fmt.Fprintf(&b, `%d,"message":`, m.ms)
			writeJSONString(&b, m.text)
			b.WriteByte('}')
			p.messages += int64(len(m.text))
		}
		b.WriteString("]}")
		p.json = b.Bytes()
		p.hash = hashOf(p.json)
		out = append(out, p)
	}
	return out, nil
}

func streamName(i int) string { return fmt.Sprintf("stream-%02d", i) }

// writeJSONString quotes s as SDKs do: only what JSON demands is escaped.
func writeJSONString(b *bytes.Buffer, s []byte) {
	const hex = "0123456789abcdef"
	b.WriteByte('"')
	from := 0
	for i, c := range s {
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf || c >= utf8.RuneSelf {
			continue
		}
		b.Write(s[from:i])
		from = i + 1
		switch c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	b.Write(s[from:])
	b.WriteByte('"')
}
