package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/service/patterns"
)

// event is one log event as the commands print it.
type event struct {
	Group     string `json:"logGroupName"`
	Stream    string `json:"logStreamName"`
	Timestamp int64  `json:"timestamp"` // ms
	Ingestion int64  `json:"ingestionTime"`
	ID        string `json:"eventId"`
	Message   string `json:"message"`

	near bool // printed for its neighbour, not for itself
}

// linePrinter writes events. It is used by one goroutine.
type linePrinter struct {
	out        *bufio.Writer
	color      bool
	safe       bool // control characters are made visible: a terminal reads this
	utc        bool
	withGroup  bool
	plain      bool
	object     bool   // one JSON object an event
	json       string // raw, compact or pretty
	fields     []string
	highlights []*regexp.Regexp
	tester     *patterns.Tester // of the filter; may be nil
	buf        []byte
}

// print writes one event and its line end.
func (p *linePrinter) print(e event) error {
	if p.object {
		return p.printObject(e)
	}
	b := p.buf[:0]
	if !p.plain {
		at := time.UnixMilli(e.Timestamp)
		stamp := ""
		if p.utc {
			stamp = at.UTC().Format("2006-01-02T15:04:05.000Z")
		} else {
			stamp = at.Local().Format("2006-01-02T15:04:05.000Z07:00")
		}
		b = append(p.put(b, stamp, styleDim), ' ')
		if p.withGroup {
			b = append(p.put(b, e.Group, nameStyle(e.Group)), ' ')
		}
		b = append(p.put(b, e.Stream, nameStyle(e.Stream)), ' ')
	}
	text, spans := p.format(e)
	if p.color && !e.near {
		spans = mark(spans, p.marks(text))
	}
	start := 0
	for _, s := range spans {
		b = p.put(b, text[start:s.end], s.style)
		start = s.end
	}
	b = append(b, '\n')
	_, err := p.out.Write(b)
	if p.buf = b; cap(b) > 1<<20 {
		p.buf = nil // one long line does not stay in memory
	}
	return err
}

// gap writes the line between events that are not neighbours.
func (p *linePrinter) gap() error {
	if p.object {
		return nil
	}
	_, err := p.out.Write(append(p.put(nil, "--", styleDim), '\n'))
	return err
}

func (p *linePrinter) printObject(e event) error {
	type object struct {
		event
		Time    string `json:"time"`
		Level   string `json:"level,omitempty"`
		Context bool   `json:"context,omitempty"`
	}
	o := object{event: e, Time: time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02T15:04:05.000Z"), Level: levelOf(e.Message).String(), Context: e.near}
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		return fmt.Errorf("write event %s: %w", e.ID, err)
	}
	return nil
}

// format returns the text of a message and its colours.
func (p *linePrinter) format(e event) (string, []span) {
	rest := styleNone
	if p.color {
		if rest = levelOf(e.Message).style(); e.near && rest == styleNone {
			rest = styleDim
		}
	}
	if len(p.fields) > 0 {
		if text, spans, ok := formatFields(e.Message, p.fields, rest); ok {
			return text, spans
		}
		return e.Message, []span{{len(e.Message), rest}}
	}
	if p.json == "raw" {
		return e.Message, []span{{len(e.Message), rest}}
	}
	return formatJSON(e.Message, p.json == "pretty", rest)
}

// marks returns the places of text to highlight, sorted, not overlapping.
func (p *linePrinter) marks(text string) []patterns.Span {
	var places []patterns.Span
	for _, re := range p.highlights {
		for _, at := range re.FindAllStringIndex(text, -1) {
			places = append(places, patterns.Span{Start: at[0], End: at[1]})
		}
	}
	if p.tester != nil {
		part := p.tester.Explain([]byte(text))
		places = append(places, part.Places()...)
	}
	slices.SortFunc(places, func(a, b patterns.Span) int { return a.Start - b.Start })
	merged := places[:0]
	for _, s := range places {
		switch n := len(merged); {
		case s.Start >= s.End || s.Start < 0 || s.End > len(text): // nothing to show
		case n > 0 && s.Start <= merged[n-1].End:
			merged[n-1].End = max(merged[n-1].End, s.End)
		default:
			merged = append(merged, s)
		}
	}
	return merged
}

// mark lays highlighted places over spans.
func mark(spans []span, places []patterns.Span) []span {
	if len(places) == 0 {
		return spans
	}
	var out []span
	start := 0
	for _, s := range spans {
		for start < s.end {
			for len(places) > 0 && places[0].End <= start {
				places = places[1:]
			}
			end, as := s.end, s.style
			if len(places) > 0 && places[0].Start < s.end {
				if places[0].Start > start {
					end = places[0].Start
				} else {
					end, as = min(s.end, places[0].End), styleMark
					if s.style != styleNone {
						as += ";" + s.style
					}
				}
			}
			out = append(out, span{end, as})
			start = end
		}
	}
	return out
}

// put appends text in a style. What is untrusted cannot reach a terminal as a command: control characters but tab and line feed are
// written in the way of `cat -v`, as are those of C1 and bidirectional overrides.
func (p *linePrinter) put(b []byte, text string, s style) []byte {
	if text == "" {
		return b
	}
	styled := p.color && s != styleNone
	if styled {
		b = append(append(append(b, "\x1b["...), s...), 'm')
	}
	if p.safe {
		b = appendSafe(b, text)
	} else {
		b = append(b, text...)
	}
	if styled {
		b = append(b, "\x1b[0m"...)
	}
	return b
}

func appendSafe(b []byte, text string) []byte {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c < 0x20 && c != '\t' && c != '\n':
			b = append(b, '^', c+'@')
			i++
			continue
		case c == 0x7f:
			b = append(b, '^', '?')
			i++
			continue
		case c < utf8.RuneSelf:
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1, r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			for _, c := range []byte(text[i : i+n]) {
				b = fmt.Appendf(b, `\x%02x`, c)
			}
		default:
			b = append(b, text[i:i+n]...)
		}
		i += n
	}
	return b
}
