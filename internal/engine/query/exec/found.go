package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/discover"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// isWhole reports whether all messages of a block are JSON objects whose fields
// Named knows, so that its bounds hold.
func (f *blockFrame) isWhole(b plan.Block) bool {
	f.whole, f.wholeOf = f.whole.Fit(b.Len()), 0
	return b.Whole(f.whole) == nil && f.whole.Count() == b.Len()
}

// field returns the values of a field: those in JSON, and those that are found in
// other messages.
func (f *blockFrame) field(c *blockColumn, name string) (*column.Vector, error) {
	v := &column.Vector{Rows: f.n}
	if json, ok := plan.JSONName(name); ok {
		var err error
		if v, err = f.Named(json); err != nil {
			return nil, err
		}
	}
	if may, err := f.mayFind(name); !may || err != nil {
		return v, err
	}
	if err := f.findOthers(); err != nil || len(f.others) == 0 {
		return v, err
	}
	b := foundTexts{of: f, name: name, in: v}
	for _, r := range f.others {
		if v.Has(int(r)) {
			continue
		}
		m := f.all.At(int(r))
		b.find(int(r), m, &c.texts)
		if err := f.pace.work(len(m) + 64); err != nil {
			return nil, err
		}
	}
	return b.merge(&c.found), nil
}

// mayFind reports whether a field may be found in messages that are no JSON objects,
// before they are read. It fills whole.
func (f *blockFrame) mayFind(name string) (bool, error) {
	if f.wholeOf != f.number {
		f.whole = f.whole.Fit(f.n)
		if err := f.Whole(f.whole); err != nil {
			return false, err
		}
		f.wholeOf = f.number
	}
	if f.whole.Count() == f.n {
		return false, nil
	}
	if name[0]-'0' <= 9 { // an index of an array
		return true, nil
	}
	text, ok := discover.Needs(name)
	if !ok || text == "" {
		return ok, nil
	}
	f.hits = f.hits.Fit(f.n)
	err := f.Find([]byte(text), f.hits)
	return !f.hits.None(), err
}

// findOthers fills others with the rows that fields may be found in beside those
// that Named knows.
func (f *blockFrame) findOthers() error {
	if f.othersOf == f.number {
		return nil
	}
	f.others = f.others[:0]
	t, err := f.messages()
	if err != nil {
		return err
	}
	for r := range f.n {
		if !f.whole.Has(r) && hasFields(t.At(r)) {
			f.others = append(f.others, uint32(r))
		}
		if err := f.pace.work(64); err != nil {
			return err
		}
	}
	f.othersOf = f.number
	return nil
}

// hasFields reports whether fields may be found in a message that is no JSON object.
func hasFields(message []byte) bool {
	m := bytes.TrimLeft(message, " \t\r\n")
	return len(m) > 0 && (m[0] == '[' || discover.Of(message) != discover.Plain)
}

// find adds a field of a message that is no JSON object.
func (b *foundTexts) find(row int, message []byte, a *arena) {
	if name, ok := plan.JSONName(b.name); ok && len(message) > 0 && message[0] <= '[' {
		if t, ok := column.Find(message, name); ok {
			if t[0] == '"' {
				b.add(row, t[1:len(t)-1], true)
			} else {
				b.add(row, t, false)
			}
			return
		}
	}
	mark := len(a.Bytes)
	switch v := discover.Field(message, b.name, &a.Arena); v.Kind {
	case plan.Null:
	case plan.Text:
		b.buf = b.buf[:0]
		for _, c := range v.Text {
			if c == '\\' { // as it would be written in JSON
				b.buf = append(b.buf, c)
			}
			b.buf = append(b.buf, c)
		}
		b.add(row, b.buf, true)
	default:
		b.buf = v.AppendText(b.buf[:0])
		b.add(row, b.buf, false)
	}
	a.Bytes = a.Bytes[:mark]
}

// foundTexts are the values of a field that were found in texts.
type foundTexts struct {
	of   *blockFrame
	name string
	in   *column.Vector

	texts  column.Texts
	rows   []uint32
	quoted []bool
	buf    []byte
}

func (b *foundTexts) add(row int, text []byte, quoted bool) {
	b.rows, b.quoted = append(b.rows, uint32(row)), append(b.quoted, quoted)
	b.texts.Append(text)
}

// merge returns in with the values that were added, in the memory of v.
func (b *foundTexts) merge(v *column.Vector) *column.Vector {
	if len(b.rows) == 0 {
		return b.in
	}
	n := b.in.Rows
	*v = column.Vector{Kind: column.Text, Rows: n, Texts: v.Texts, Valid: v.Valid.Fit(n), Quoted: v.Quoted.Fit(n), Escaped: b.in.Escaped}
	v.Texts.Reset()
	next := 0
	var buf []byte
	for row := range n {
		if next < len(b.rows) && b.rows[next] == uint32(row) {
			t := b.texts.At(next)
			v.Texts.Append(t)
			v.Valid.Set(row)
			if b.quoted[next] {
				v.Quoted.Set(row)
				v.Escaped = v.Escaped || bytes.IndexByte(t, '\\') >= 0
			}
			next++
			continue
		}
		if !b.in.Has(row) {
			v.Texts.Append(nil)
			continue
		}
		v.Valid.Set(row)
		if b.in.AllQuoted || b.in.Quoted != nil && b.in.Quoted.Has(row) {
			v.Quoted.Set(row)
		}
		switch b.in.Kind {
		case column.Text:
			v.Texts.Append(b.in.Texts.At(row))
		case column.Dict:
			v.Texts.Append(b.in.Dict.At(int(b.in.IDs[row])))
		case column.Int:
			buf = plan.AppendDecimal(buf[:0], b.in.Ints[row], 0)
			v.Texts.Append(buf)
		case column.Fixed:
			buf = appendFixed(buf[:0], b.in.Ints[row], b.in.Scale, b.in.Trim)
			v.Texts.Append(buf)
		}
	}
	return v
}
