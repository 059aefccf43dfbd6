package exec

import (
	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// batch is the number of rows that expressions are evaluated for at a time.
const batch = 1024

// frame is where expressions find their columns.
type frame interface {
	// load sets out[i] to the value of a column in rows[i]. The texts are valid
	// until the arena is cut back.
	load(f *fieldRef, rows []uint32, out []plan.Value, a *arena) error
}

// rowFrame is a frame of rows that are events, or parts of events.
type rowFrame interface {
	frame
	Group() logs.GroupID
	rowKeys() ([]logs.Key, error)      // of every row
	streams() ([]logs.StreamID, error) // of every row
	event(row uint32, keys []logs.Key, streams []logs.StreamID) event
	own() *blockFrame // the frame itself when its rows are those of a block, else nil
}

// arena holds the texts that expressions make. Values point into it; it is cut
// back to a mark when they are no longer needed.
type arena struct {
	plan.Arena
	q       *quota // nil: unlimited
	charged int
}

// charge counts the memory of the arena.
func (a *arena) charge() error {
	grown := cap(a.Bytes) - a.charged
	if grown <= 0 || a.q == nil {
		return nil
	}
	a.charged = cap(a.Bytes)
	return a.q.grow(grown)
}

// fieldRef names a column of a compiled expression.
type fieldRef struct {
	name    string
	sys     bool
	element int // of the element of an Unnest: the number of that
	slot    int // of a path: its number among the paths of a block frame; of a table: its column, -1 when there is none
}

// blockFrame is one block with the columns that were asked for so far. It is
// reused for the blocks of one worker.
type blockFrame struct {
	plan.Block
	pace   *pace
	number uint64 // of the block, from 1
	n      int
	paths  []string
	cols   []blockColumn
	keys   []logs.Key
	strs   []logs.StreamID
	ing    []int64
	msgs   column.Texts  // of the rows of the batch
	all    *column.Texts // of every row, once they were read

	others   []uint32      // rows whose fields Named does not know, once othersOf is its number
	othersOf uint64        // number of a block
	whole    column.Bitmap // rows that are JSON objects, once wholeOf is the block's number
	wholeOf  uint64
	hits     column.Bitmap // scratch
}

type blockColumn struct {
	v *column.Vector

	// Of a dictionary: its entries as values, those that were quoted first. When
	// rows of both kinds exist, the entries follow once more as unquoted ones.
	// The last one is Null.
	dict  []plan.Value
	mixed bool
	texts arena

	found column.Vector // its own, when it holds what was found in texts
}

func newBlockFrame(paths []string, p *pace) *blockFrame {
	return &blockFrame{pace: p, paths: paths, cols: make([]blockColumn, len(paths))}
}

func (f *blockFrame) open(b plan.Block) {
	f.Block, f.n = b, b.Len()
	f.number++
	f.keys, f.strs, f.ing, f.all = nil, nil, nil, nil
	for i := range f.cols {
		c := &f.cols[i]
		c.v, c.dict = nil, c.dict[:0]
	}
}

func (f *blockFrame) own() *blockFrame { return f }

func (f *blockFrame) event(row uint32, keys []logs.Key, streams []logs.StreamID) event {
	return event{place: place{keys[row], f.Group()}, stream: streams[row]}
}

func (f *blockFrame) rowKeys() ([]logs.Key, error) {
	if f.keys == nil {
		k, err := f.Keys()
		if err != nil {
			return nil, err
		}
		f.keys = k
	}
	return f.keys, nil
}

func (f *blockFrame) streams() ([]logs.StreamID, error) {
	if f.strs == nil {
		s, err := f.Streams()
		if err != nil {
			return nil, err
		}
		f.strs = s
	}
	return f.strs, nil
}

func (f *blockFrame) ingestions() ([]int64, error) {
	if f.ing == nil {
		s, err := f.Ingestions()
		if err != nil {
			return nil, err
		}
		f.ing = s
	}
	return f.ing, nil
}

func (f *blockFrame) messages() (*column.Texts, error) {
	if f.all == nil {
		t, err := f.Messages()
		if err != nil {
			return nil, err
		}
		f.all = t
	}
	return f.all, nil
}

// fetch reads columns, so that using them afterwards cannot fail.
func (f *blockFrame) fetch(refs []fieldRef) error {
	for i := range refs {
		var err error
		switch r := &refs[i]; {
		case !r.sys:
			_, err = f.column(r.slot)
		case r.name == plan.Timestamp:
			_, err = f.rowKeys()
		case r.name == plan.LogStream:
			_, err = f.streams()
		case r.name == plan.Ingestion:
			_, err = f.ingestions()
		case r.name == plan.Message:
			_, err = f.messages()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// column returns a column of a path, and makes the values of its dictionary.
func (f *blockFrame) column(slot int) (*blockColumn, error) {
	c := &f.cols[slot]
	if c.v != nil {
		return c, nil
	}
	v, err := f.field(c, f.paths[slot])
	if err != nil {
		return nil, err
	}
	c.v = v
	if v.Kind != column.Dict {
		return c, nil
	}
	c.mixed = !v.AllQuoted && v.Quoted != nil
	c.texts.Bytes = c.texts.Bytes[:0]
	c.dict = c.dict[:0]
	d := v.Dict.Len()
	if v.AllQuoted || c.mixed {
		for i := range d {
			c.dict = append(c.dict, textValue(v.Dict.At(i), true, v.Escaped, &c.texts))
		}
	}
	if !v.AllQuoted {
		for i := range d {
			c.dict = append(c.dict, textValue(v.Dict.At(i), false, v.Escaped, &c.texts))
		}
	}
	c.dict = append(c.dict, plan.Value{})
	return c, nil
}

// codes sets out[i] to the entry of dict that row rows[i] has.
func (c *blockColumn) codes(rows []uint32, out []uint32) {
	v := c.v
	null := uint32(len(c.dict) - 1)
	ids := v.IDs
	switch {
	case v.Valid == nil && !c.mixed:
		if len(rows) == len(ids) {
			for i, id := range ids {
				out[i] = uint32(id)
			}
			return
		}
		for i, r := range rows {
			out[i] = uint32(ids[r])
		}
	default:
		d := uint32(v.Dict.Len())
		for i, r := range rows {
			code := uint32(ids[r])
			if c.mixed && !v.Quoted.Has(int(r)) {
				code += d
			}
			if v.Valid != nil && !v.Valid.Has(int(r)) {
				code = null
			}
			out[i] = code
		}
	}
}

func (c *blockColumn) quoted(r uint32) bool {
	return c.v.AllQuoted || c.v.Quoted != nil && c.v.Quoted.Has(int(r))
}

func (f *blockFrame) load(ref *fieldRef, rows []uint32, out []plan.Value, a *arena) error {
	if ref.sys {
		return f.loadSystem(ref.name, rows, out, a)
	}
	c, err := f.column(ref.slot)
	if err != nil {
		return err
	}
	v := c.v
	switch v.Kind {
	case column.Null:
		clear(out[:len(rows)])
	case column.Dict:
		null := len(c.dict) - 1
		for i, r := range rows {
			code := int(v.IDs[r])
			if c.mixed && !v.Quoted.Has(int(r)) {
				code += v.Dict.Len()
			}
			if v.Valid != nil && !v.Valid.Has(int(r)) {
				code = null
			}
			out[i] = c.dict[code]
		}
	case column.Text:
		for i, r := range rows {
			if v.Valid != nil && !v.Valid.Has(int(r)) {
				out[i] = plan.Value{}
				continue
			}
			out[i] = textValue(v.Texts.At(int(r)), c.quoted(r), v.Escaped, a)
		}
	default:
		scale := v.Scale
		if v.Kind == column.Int {
			scale = 0
		}
		for i, r := range rows {
			if v.Valid != nil && !v.Valid.Has(int(r)) {
				out[i] = plan.Value{}
				continue
			}
			out[i] = intValue(v.Ints[r], scale, v.Trim, c.quoted(r), a)
		}
	}
	return nil
}

func (f *blockFrame) loadSystem(name string, rows []uint32, out []plan.Value, a *arena) error {
	switch name {
	case plan.Timestamp:
		keys, err := f.rowKeys()
		if err != nil {
			return err
		}
		for i, r := range rows {
			out[i] = plan.Value{Kind: plan.Time, Num: float64(keys[r].Timestamp)}
		}
	case plan.Ingestion:
		ing, err := f.ingestions()
		if err != nil {
			return err
		}
		for i, r := range rows {
			out[i] = plan.Value{Kind: plan.Time, Num: float64(ing[r])}
		}
	case plan.LogStream:
		s, err := f.streams()
		if err != nil {
			return err
		}
		for i, r := range rows {
			out[i] = plan.Value{Kind: plan.Number, Num: float64(s[r])}
		}
	case plan.LogGroup:
		for i := range rows {
			out[i] = plan.Value{Kind: plan.Number, Num: float64(f.Group())}
		}
	default: // plan.Message
		if f.all != nil || len(rows) > f.n/8 {
			t, err := f.messages()
			if err != nil {
				return err
			}
			for i, r := range rows {
				out[i] = plan.Value{Kind: plan.Text, Text: t.At(int(r))}
			}
			return nil
		}
		// The texts of this batch stay valid in the arena until it is cut back.
		f.msgs.Reset()
		if err := f.Rows(rows, &f.msgs); err != nil {
			return err
		}
		from := len(a.Bytes)
		a.Bytes = append(a.Bytes, f.msgs.Data...)
		t := column.Texts{Data: a.Bytes[from:], Ends: f.msgs.Ends}
		for i := range rows {
			out[i] = plan.Value{Kind: plan.Text, Text: t.At(i)}
		}
	}
	return nil
}
