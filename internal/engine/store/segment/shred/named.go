package shred

import (
	"bytes"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// named says which columns can have the values of a field that users name.
type named struct {
	path  []byte // of the only one
	paths int    // different paths
	rest  string // what is left of the name, when path is that of an array
	look  bool   // messages have to be looked at
}

// named finds the columns of a name; see column.Find.
func (b *Block) named(name string) (n named) {
	for i := range b.templates {
		t := &b.templates[i]
		if b.rows[i] > 0 && (!b.fields && b.mayHoldObject(t) || b.fields && b.isWhole(t)) {
			n.look = true
			return n
		}
	}
	if !b.fields {
		return n
	}
	for i := range b.columns {
		c := &b.columns[i]
		if c.kind > Array {
			continue
		}
		rest, leads := cutPath(name, c.path)
		if !leads || rest != "" && c.kind != Array || n.paths > 0 && bytes.Equal(n.path, c.path) {
			continue
		}
		n.path, n.rest = c.path, strings.TrimPrefix(rest, ".")
		n.paths++
	}
	return n
}

// cutPath returns what is left of a name after the keys of a path; false when they
// do not lead to it.
func cutPath(name string, path []byte) (rest string, leads bool) {
	if len(path) > 2*len(name) || len(path) == 0 {
		return "", false
	}
	at := 0
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '\\' && i+1 < len(path) {
			i++
			c = path[i]
		}
		if at == len(name) || name[at] != c {
			return "", false
		}
		at++
	}
	rest = name[at:]
	return rest, rest == "" || rest[0] == '.'
}

// Named is Field for a field by the name that users write; see column.Find.
func (b *Block) Named(name string, v *column.Vector) error {
	n := b.named(name)
	switch {
	case n.look || n.paths > 1:
		return b.lookNamed(name, v)
	case n.paths == 0:
		resetVector(v, len(b.of))
		return nil
	case n.rest == "":
		return b.Field(string(n.path), v)
	}
	return b.elements(string(n.path), n.rest, v)
}

// NamedBounds is Bounds for a field by the name that users write.
func (b *Block) NamedBounds(name string) (sum chunk.Summary, ok bool) {
	n := b.named(name)
	switch {
	case n.look || n.paths > 1 || n.rest != "":
		return sum, false
	case n.paths == 0:
		return sum, true
	}
	return b.Bounds(string(n.path))
}

// Exact returns in how many rows a path, or a name that users write, has a value,
// when the numbers of its bounds are those of these values alone; else 0.
func (b *Block) Exact(path string, isName bool) int {
	if isName {
		n := b.named(path)
		if n.look || n.paths != 1 || n.rest != "" {
			return 0
		}
		path = string(n.path)
	}
	single, look := b.winners(path)
	if look || single < 0 {
		return 0
	}
	c := &b.columns[single]
	if k := &b.chunks[c.chunk]; k.inMemory || k.columns != 1 || k.rows != c.texts {
		return 0
	}
	rows := 0
	for i := range b.templates {
		if b.win[i].column == int16(single) {
			rows += b.rows[i]
		}
	}
	if rows != c.texts { // some of them count in other rows only, or not at all
		return 0
	}
	return rows
}

// lookNamed fills v with what the messages have.
func (b *Block) lookNamed(name string, v *column.Vector) error {
	at, err := b.eachMessage()
	if err != nil {
		return err
	}
	n := namedValues{v: v}
	n.begin(len(b.of))
	for row := range b.of {
		text, _ := b.lookup.Named(at(row), name)
		n.add(row, text)
	}
	n.end()
	return nil
}

// eachMessage returns what gives the message of a row.
func (b *Block) eachMessage() (func(row int) []byte, error) {
	if len(b.templates) == 1 && b.isWhole(&b.templates[0]) {
		c := &b.columns[b.templates[0].Columns[0]]
		k, err := b.decode(int(c.chunk))
		return func(row int) []byte { return k.at(c.first + row) }, err
	}
	if !b.rebuilt {
		var err error
		if b.arena, b.ends, err = b.Messages(b.arena[:0], b.ends[:0]); err != nil {
			return nil, err
		}
		b.rebuilt = true
	}
	messages := column.Texts{Data: b.arena, Ends: b.ends}
	return messages.At, nil
}

// elements fills v with a part of the arrays at a path.
func (b *Block) elements(path, rest string, v *column.Vector) error {
	if err := b.Field(path, &b.arrays); err != nil {
		return err
	}
	a := &b.arrays
	n := namedValues{v: v}
	n.begin(len(b.of))
	var parts [][]byte // of a dictionary
	if a.Kind == column.Dict {
		for i := range a.Dict.Len() {
			t, _ := column.Find(a.Dict.At(i), rest)
			parts = append(parts, t)
		}
	}
	for row := range b.of {
		var t []byte
		switch {
		case !a.Has(row) || a.AllQuoted || a.Quoted != nil && a.Quoted.Has(row):
		case a.Kind == column.Text:
			t, _ = column.Find(a.Texts.At(row), rest)
		case a.Kind == column.Dict:
			t = parts[a.IDs[row]]
		}
		n.add(row, t)
	}
	n.end()
	return nil
}

// namedValues makes a vector from values as they are written.
type namedValues struct {
	v              *column.Vector
	values, quoted int
}

func (n *namedValues) begin(rows int) {
	resetVector(n.v, rows)
	n.v.Kind = column.Text
	n.v.Valid, n.v.Quoted = column.NewBitmap(rows), column.NewBitmap(rows)
}

func (n *namedValues) add(row int, t []byte) {
	if len(t) == 0 {
		n.v.Texts.Append(nil)
		return
	}
	n.v.Valid.Set(row)
	n.values++
	if t[0] == '"' {
		t = t[1 : len(t)-1]
		n.v.Quoted.Set(row)
		n.quoted++
		n.v.Escaped = n.v.Escaped || bytes.IndexByte(t, '\\') >= 0
	}
	n.v.Texts.Append(t)
}

func (n *namedValues) end() {
	if n.values == 0 {
		rows := n.v.Rows
		resetVector(n.v, rows)
		return
	}
	finishVector(n.v, n.values, n.quoted)
}

// Named returns the value of a field of a message by the name that users write,
// as it is written; see column.Find. It shares the memory of the message.
func (l *Lookup) Named(message []byte, name string) (value []byte, ok bool) {
	if !l.scan(message) {
		return nil, false
	}
	if len(l.holes) > 0 && l.holes[0].key < 0 {
		message = message[l.holes[0].to:]
	}
	return column.Find(message, name)
}
