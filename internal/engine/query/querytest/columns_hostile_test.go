package querytest_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// hostile makes messages that are nearly, or in unusual ways, JSON objects. Each
// skeleton is a template of the store; its holes are filled anew for every row.
type hostile struct{ *rand.Rand }

func (g hostile) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g hostile) key() string {
	return g.pick("a", "a", "b", "b", "c", `\u0061`, "a.b", `a\\b`, "", "d-1", "é")
}

func (g hostile) space() string { return g.pick("", "", "", "", " ", "\t", "\n", " \r\n") }

// value returns a value in which ? stands for what every row fills with
// something of its own.
func (g hostile) value(depth int) string {
	switch k := g.IntN(14); {
	case k < 2:
		return `"?s"`
	case k < 5:
		return "?i"
	case k == 5:
		return "?n"
	case k == 6:
		return g.pick("true", "false", "null")
	case k == 7:
		return "?v"
	case k == 8:
		return `"?i"`
	case k == 9:
		return `"?n"`
	case k < 12 && depth > 0:
		return g.object(depth - 1)
	case depth > 0:
		var b strings.Builder
		b.WriteByte('[')
		for i := range g.IntN(4) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(g.space() + g.value(depth-1))
		}
		return b.String() + "]"
	}
	return "?i"
}

func (g hostile) object(depth int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range g.IntN(4) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(g.space() + `"` + g.key() + `"` + g.space() + ":" + g.space() + g.value(depth))
	}
	return b.String() + g.space() + "}"
}

func (g hostile) skeleton() string {
	s := g.space() + g.object(3) + g.space()
	switch g.IntN(16) {
	case 0:
		return "INFO " + s
	case 1:
		return s + " tail"
	case 2:
		return "[" + s + "]"
	case 3:
		return strings.Replace(s, "}", ",}", 1)
	case 4:
		return `{"a":` + strings.Repeat("[", 70) + "1" + strings.Repeat("]", 70) + `,"b":?i}`
	case 5:
		return strings.Repeat(`{"a":`, 66) + "?i" + strings.Repeat("}", 66)
	case 6:
		return "?w" + s
	case 7:
		return "\ufeff" + s
	case 8:
		return s + "\x00"
	case 9:
		return "\v" + s
	}
	return s
}

func (g hostile) fill(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "?")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		kind := after[0]
		s = after[1:]
		switch kind {
		case 's':
			b.WriteString(g.pick("", "x", "xy", "true", "null", "1", "1.0", "007", "-0", "1e1", "10", `\u0031`, `\n`, `\"`, `\x`, `\ud83d\ude00`, `\ud800`, "a\x01b", "\xff", "é", "[1]", "{", `x\\`, "+5", " 5", "5 ", "9007199254740993"))
		case 'i':
			b.WriteString(g.pick("0", "1", "5", "10", "-1", "200", "404", "500", "503"))
		case 'n':
			b.WriteString(g.pick("0", "-0", "1.0", "1.5", "1.50", "10", "1e1", "1E+1", "1e400", "-1e400", "0.1", "0.10", "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808", "100000000000000000000", "1e-400", "123456789.123456789", "01", "1.", "-", "+1", ".5"))
		case 'v':
			b.WriteString(g.pick("true", "false", "null", "1", `"x"`, "[]", "[1]", "{}", `{"a":1}`, `{"b":"x"}`, "nul", "True", `"`, ""))
		case 'w':
			b.WriteString(g.pick("", " ", "x", "{"))
		}
	}
}

func (g hostile) selector() string {
	s := "$"
	for i := range 1 + g.IntN(3) {
		switch g.IntN(12) {
		case 0:
			s += g.pick("[0]", "[1]", "[*]")
		case 1:
			s += g.pick(".['a.b']", `.['a\b']`, ".['é']", ".['']")
		case 2:
			s += ".*"
		default:
			s += "." + g.pick("a", "a", "b", "b", "c", "d-1")
		}
		if i == 0 && strings.HasPrefix(s, "$[") {
			s = "$.a" + s[1:]
		}
	}
	return s
}

func (g hostile) cond(depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		x := make([]string, 2+g.IntN(2))
		for i := range x {
			x[i] = g.cond(depth - 1)
		}
		return "(" + strings.Join(x, g.pick(" && ", " || ")) + ")"
	}
	s := g.selector()
	num := func() string {
		return g.pick("0", "0", "1", "2", "-1", "1.5", "10", "1e1", "0.1", "200", "404", "503", "9007199254740992", "9007199254740993", "9007199254740994", "9223372036854775807", "1e400", "5", "7")
	}
	switch g.IntN(9) {
	case 0, 1:
		return s + " NOT EXISTS"
	case 2:
		return s + " IS " + g.pick("NULL", "TRUE", "FALSE")
	case 3, 4:
		return s + g.pick(" < ", " <= ", " > ", " >= ", " = ", " != ") + num()
	}
	op := g.pick(" = ", " != ")
	switch g.IntN(5) {
	case 0:
		return s + op + g.pick("1*", "*0", "*", "true", "null", "*5*")
	case 1:
		return s + op + g.pick("%^1%", "%x$%", "%^-?[0-9]+$%", "%.%", "%^$%")
	case 2:
		return s + op + g.pick(`""`, `"x"`, `"1.0"`, `"007"`, `"-0"`, `"😀"`, `"é"`, `"[1]"`, `"1*"`, `"*"`, `"x\\"`)
	}
	return s + op + num()
}

// numbers fills the holes so that columns hold numbers of one form.
func (g hostile) numbers(s string, form int) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "?")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		s = after[1:]
		switch form {
		case 0:
			b.WriteString(strconv.Itoa(g.IntN(100_000) - 1000))
		case 1:
			b.WriteString(strconv.Itoa(g.IntN(100_000)) + "." + strconv.Itoa(g.IntN(10)) + "5")
		case 2:
			b.WriteString(strconv.Itoa(1<<53 - 12 + g.IntN(30)))
		case 3:
			b.WriteString(strconv.Itoa(g.IntN(3)))
		case 4:
			b.WriteString(strconv.FormatFloat(float64(g.IntN(200_000))/100, 'f', -1, 64))
		}
	}
}

// messages returns the messages of a block, most of them of few templates.
func (g hostile) messages() (m column.Texts) {
	skeletons := make([]string, 1+g.IntN(12))
	for i := range skeletons {
		if skeletons[i] = g.object(3); g.IntN(3) == 0 {
			skeletons[i] = g.skeleton()
		}
	}
	form := g.IntN(7)
	for range 20 + g.IntN(600) {
		s := g.pick(skeletons...)
		if form < 5 && g.IntN(300) > 0 {
			s = g.numbers(s, form)
		} else {
			s = g.fill(s)
		}
		m.Append([]byte(s))
	}
	return m
}

// blockFields shows a block of columns to a filter.
type blockFields struct {
	*shred.Block
	vectors map[string]*column.Vector
}

func (f *blockFields) Field(path string) (*column.Vector, error) {
	if f.vectors[path] == nil {
		f.vectors[path] = new(column.Vector)
		if err := f.Block.Field(path, f.vectors[path]); err != nil {
			return nil, err
		}
	}
	return f.vectors[path], nil
}

func (f *blockFields) Bounds(path string) (column.Bounds, bool) {
	sum, ok := f.Block.Bounds(path)
	b := column.Bounds{Rows: f.Len(), Numeric: sum.Ints, Min: sum.MinInt, Max: sum.MaxInt, Scale: sum.Scale}
	if sum.Distinct == 0 {
		b.Rows = 0
	}
	return b, ok
}

func (f *blockFields) Whole(rows column.Bitmap) error {
	f.Block.Whole(rows)
	return nil
}

// TestColumnsAgreeOnHostileMessages: what columns say of messages that look like
// objects, or are some in unusual ways, is what the messages say.
func TestColumnsAgreeOnHostileMessages(t *testing.T) {
	blocks := uint64(400)
	if testing.Short() {
		blocks = 60
	}
	var (
		split shred.JSON
		shape shred.Shape
		enc   shred.Encoder
		x     column.FilterScratch
		sure  int
		kinds = map[column.Kind]int{}
	)
	for seed := range blocks {
		g := hostile{rand.New(rand.NewPCG(seed, 78))}
		m := g.messages()
		if !split.Split(m.Data, m.Ends, &shape) {
			continue
		}
		f := blockFields{Block: new(shred.Block), vectors: map[string]*column.Vector{}}
		var err error
		if seed%3 == 0 {
			err = f.FromShape(&shape)
		} else {
			head, body := enc.Encode(&shape)
			body = bytes.Clone(body)
			err = f.Open(head, m.Len(), len(m.Data), func(off, n int, _ []byte) ([]byte, error) { return body[off : off+n], nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 120 {
			text := "{ " + g.cond(g.IntN(3)) + " }"
			p, err := pattern.Parse(text)
			if err != nil {
				continue
			}
			if checkColumns(t, g, text, p.Compile(), &f, &m, &x) {
				sure++
			}
		}
		for _, v := range f.vectors {
			kinds[v.Kind]++
		}
	}
	if sure == 0 || len(kinds) < 5 {
		t.Errorf("%d answers were sure, the columns were of kinds %v: the test shows little", sure, kinds)
	}
}

// checkColumns compares what columns and messages say about some rows.
func checkColumns(t *testing.T, g hostile, text string, m *pattern.Matcher, f *blockFields, messages *column.Texts, x *column.FilterScratch) (sure bool) {
	t.Helper()
	filter := m.Columns()
	if filter == nil {
		return false
	}
	var rows []uint32
	for i := range messages.Len() {
		if g.IntN(5) > 0 {
			rows = append(rows, uint32(i))
		}
	}
	all := slices.Clone(rows)
	left, sure, err := filter.Keep(f, rows, x)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		kept := len(left) > 0 && left[0] == r
		if kept {
			left = left[1:]
		}
		switch want := m.Match(messages.At(int(r))); {
		case want && !kept:
			t.Fatalf("%s: the columns leave out %q", text, messages.At(int(r)))
		case kept && sure && !want:
			t.Fatalf("%s: the columns are sure of %q", text, messages.At(int(r)))
		}
	}
	if len(left) > 0 {
		t.Fatalf("%s: %d rows that were not asked for, or out of order", text, len(left))
	}
	return sure
}
