// Package cluster finds the patterns of log messages: the texts that remain when
// what varies from message to message is replaced by tokens such as <Number-1>.
package cluster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Options are the bounds of a Clusterer. The zero value has the usual ones.
type Options struct {
	Rows int // skeletons that are told apart, 32,768 when it is 0
}

// Pattern is a text that messages have in common.
type Pattern struct {
	Text     string // with tokens such as <Time-1>
	Count    int64  // messages
	Severity string // ERROR, WARN or INFO
}

// Clusterer collects messages. It belongs to one goroutine.
type Clusterer struct {
	counts map[string]int64
	total  int64
	bytes  int
	buf    []byte
}

// New returns a Clusterer without messages.
func New(Options) *Clusterer { return &Clusterer{counts: map[string]int64{}} }

// Add counts one message. It does not keep the text.
func (c *Clusterer) Add(text []byte) { c.AddN(text, 1) }

// AddN counts a message that occurs n times.
func (c *Clusterer) AddN(text []byte, n int64) {
	b := c.buf[:0]
	text = text[:min(len(text), maxText)]
	for i := 0; i < len(text); i++ {
		if text[i]-'0' > 9 {
			b = append(b, text[i])
			continue
		}
		for i+1 < len(text) && text[i+1]-'0' <= 9 {
			i++
		}
		b = append(b, 0)
	}
	c.buf = b
	c.count(string(b), n)
}

func (c *Clusterer) count(key string, n int64) {
	if _, ok := c.counts[key]; !ok {
		c.bytes += len(key) + 64
	}
	c.counts[key] += n
	c.total += n
}

// Merge adds what o has counted, an o that is not used any more.
func (c *Clusterer) Merge(o *Clusterer) {
	for k, n := range o.counts {
		c.count(k, n)
	}
}

// Total returns the number of messages.
func (c *Clusterer) Total() int64 { return c.total }

// Bytes returns about how much memory the Clusterer holds.
func (c *Clusterer) Bytes() int { return c.bytes }

// Patterns returns the patterns of all messages, most frequent first.
func (c *Clusterer) Patterns() []Pattern {
	var out []Pattern
	for k, n := range c.counts {
		var b strings.Builder
		tokens := 0
		for i := range len(k) {
			if k[i] != 0 {
				b.WriteByte(k[i])
				continue
			}
			tokens++
			b.WriteString("<Number-" + strconv.Itoa(tokens) + ">")
		}
		out = append(out, Pattern{b.String(), n, severity(b.String())})
	}
	slices.SortFunc(out, func(a, b Pattern) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out
}

const maxText = 1500

func severity(text string) string {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "error"):
		return "ERROR"
	case strings.Contains(text, "warn"):
		return "WARN"
	}
	return "INFO"
}
