package pattern

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Columns returns what a JSON pattern says about the columns of blocks; nil for
// patterns of other kinds, and for those that columns say nothing about.
func (m *Matcher) Columns() column.Filter {
	if m.json == nil {
		return nil
	}
	f := &columnFilter{paths: map[string]bool{}}
	f.cond = f.compile(m.json.cond, m.pattern.Cond)
	if len(f.paths) == 0 {
		return nil
	}
	return f
}

// columnFilter evaluates a JSON pattern on columns. A condition either decides a
// row or leaves it to the matcher; rows are left out only by what is decided.
type columnFilter struct {
	cond  columnCond
	paths map[string]bool
}

type columnCond struct {
	op   jsonOp
	kids []columnCond
	test *test
	path string   // "": columns cannot say
	rest Selector // behind the path
	wild bool
}

func (f *columnFilter) compile(c jsonCond, from Cond) columnCond {
	out := columnCond{op: c.op, test: c.test, rest: c.rest, wild: c.wild}
	kids := func(x []Cond) {
		for i, k := range x {
			out.kids = append(out.kids, f.compile(c.kids[i], k))
		}
	}
	var sel Selector
	switch from := from.(type) {
	case *And:
		kids(from.X)
		return out
	case *Or:
		kids(from.X)
		return out
	case *Compare:
		sel = from.Sel
	case *Is:
		sel = from.Sel
	case *NotExists:
		sel = from.Sel
	}
	if keys := sel.keys(); c.start == nil && len(keys) > 0 {
		out.path = keys.path()
		f.paths[out.path] = true
	}
	return out
}

// path returns keys as columns name them.
func (s Selector) path() string {
	var b strings.Builder
	for i, k := range s {
		if i > 0 {
			b.WriteByte('.')
		}
		for j := range len(k.Name) {
			if c := k.Name[j]; c == '.' || c == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(k.Name[j])
		}
	}
	return b.String()
}

// Paths returns the JSON paths that the filter reads.
func (f *columnFilter) Paths() []string {
	out := make([]string, 0, len(f.paths))
	for p := range f.paths {
		out = append(out, p)
	}
	return out
}

// Keep removes rows that cannot match; see column.Filter.
func (f *columnFilter) Keep(b column.Fields, rows []uint32, x *column.FilterScratch) ([]uint32, bool, error) {
	n := b.Len()
	whole := x.Take(n)
	defer x.Give(whole)
	if err := b.Whole(whole); err != nil {
		return nil, false, err
	}
	known := 0
	for _, r := range rows {
		if whole.Has(int(r)) {
			known++
		}
	}
	if known == 0 {
		return rows, false, nil
	}
	e := columnScan{b: b, x: x, n: n}
	if known == len(rows) {
		return e.keep(&f.cond, rows)
	}
	mine := make([]uint32, 0, known)
	for _, r := range rows {
		if whole.Has(int(r)) {
			mine = append(mine, r)
		}
	}
	mine, _, err := e.keep(&f.cond, mine)
	if err != nil {
		return nil, false, err
	}
	left := x.Take(n)
	defer x.Give(left)
	set(left, mine)
	kept := rows[:0]
	for _, r := range rows {
		if left.Has(int(r)) || !whole.Has(int(r)) {
			kept = append(kept, r)
		}
	}
	return kept, false, nil
}

func set(b column.Bitmap, rows []uint32) {
	for _, r := range rows {
		b.Set(int(r))
	}
}

// columnScan evaluates conditions on one block.
type columnScan struct {
	b   column.Fields
	x   *column.FilterScratch
	n   int
	obj object
}

// keep removes from rows those for which the condition does not hold, in place.
// sure says that it holds for all of the others.
func (e *columnScan) keep(c *columnCond, rows []uint32) (left []uint32, sure bool, err error) {
	switch c.op {
	case opAnd:
		for i := range c.kids {
			if e.excluded(&c.kids[i]) {
				return rows[:0], true, nil
			}
		}
		sure = true
		for i := range c.kids {
			exact := false
			if rows, exact, err = e.keep(&c.kids[i], rows); err != nil || len(rows) == 0 {
				return rows, true, err
			}
			sure = sure && exact
		}
		return rows, sure, nil
	case opOr:
		hits := e.x.Take(e.n)
		defer e.x.Give(hits)
		sure = true
		rest := append([]uint32(nil), rows...)
		mine := make([]uint32, 0, len(rows))
		for i := range c.kids {
			kept, exact, err := e.keep(&c.kids[i], append(mine[:0], rest...))
			if err != nil {
				return nil, false, err
			}
			sure = sure && (exact || len(kept) == 0)
			set(hits, kept)
			more := rest[:0]
			for _, r := range rest {
				if !hits.Has(int(r)) {
					more = append(more, r)
				}
			}
			rest = more
		}
		left = rows[:0]
		for _, r := range rows {
			if hits.Has(int(r)) {
				left = append(left, r)
			}
		}
		return left, sure, nil
	}
	if c.path == "" {
		return rows, false, nil
	}
	if e.excluded(c) {
		return rows[:0], true, nil
	}
	v, err := e.b.Field(c.path)
	if err != nil {
		return nil, false, err
	}
	return e.leaf(c, v, rows)
}

// excluded reports whether no row of the block can pass a comparison, by what is
// known of the path without reading it.
func (e *columnScan) excluded(c *columnCond) bool {
	if c.op != opTest || c.path == "" {
		return false
	}
	b, known := e.b.Bounds(c.path)
	if !known {
		return false
	}
	if b.Rows == 0 {
		return true
	}
	if !b.Numeric || len(c.rest) > 0 || c.test.is || c.test.kind != NumberOperand || int(b.Scale) >= len(pow10) {
		return false
	}
	const exact = 1 << 53
	if b.Min < -exact || b.Max > exact {
		return false
	}
	low, high, n := float64(b.Min)/pow10[b.Scale], float64(b.Max)/pow10[b.Scale], c.test.num
	switch c.test.op {
	case Eq:
		return n < low || n > high
	case Lt:
		return low >= n
	case Le:
		return low > n
	case Gt:
		return high <= n
	case Ge:
		return high < n
	}
	return false
}

var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// leaf keeps the rows for which a test holds, or that lack a field.
func (e *columnScan) leaf(c *columnCond, v *column.Vector, rows []uint32) (left []uint32, sure bool, err error) {
	if c.op == opMissing && len(c.rest) == 0 {
		// What is no value may still be an object.
		left = rows[:0]
		for _, r := range rows {
			if !v.Has(int(r)) {
				left = append(left, r)
			}
		}
		return left, len(left) == 0, nil
	}
	left = rows[:0]
	switch v.Kind {
	case column.Null:
		if c.op == opMissing {
			return rows, true, nil
		}
	case column.Int, column.Fixed:
		return e.numbers(c, v, rows)
	case column.Dict:
		// By entry, those that were quoted behind the others: 0 not known yet.
		verdicts := make([]uint8, 2*v.Dict.Len())
		for _, r := range rows {
			if !v.Has(int(r)) {
				if c.op == opMissing {
					left = append(left, r)
				}
				continue
			}
			quoted := isQuoted(v, int(r))
			at := int(v.IDs[r])
			if quoted {
				at += v.Dict.Len()
			}
			if verdicts[at] == 0 {
				verdicts[at] = 1
				if e.holds(c, valueOf(v.Dict.At(int(v.IDs[r])), quoted)) {
					verdicts[at] = 2
				}
			}
			if verdicts[at] == 2 {
				left = append(left, r)
			}
		}
	case column.Text:
		for _, r := range rows {
			val := value{}
			if v.Has(int(r)) {
				val = valueOf(v.Texts.At(int(r)), isQuoted(v, int(r)))
			}
			if e.holds(c, val) {
				left = append(left, r)
			}
		}
	default:
		return rows, false, nil
	}
	return left, true, nil
}

func isQuoted(v *column.Vector, row int) bool {
	if v.Quoted != nil {
		return v.Quoted.Has(row)
	}
	return v.AllQuoted
}

// valueOf is a value as a column has it.
func valueOf(text []byte, quoted bool) value {
	if quoted {
		return value{stringValue, text}
	}
	if len(text) > 0 {
		switch text[0] {
		case '[':
			return value{arrayValue, text}
		case 't', 'f':
			return value{boolValue, text}
		case 'n':
			return value{nullValue, text}
		}
	}
	return value{numberValue, text}
}

// holds decides a condition for the value at its path.
func (e *columnScan) holds(c *columnCond, v value) bool {
	if len(c.rest) == 0 {
		return c.test.holds(v, &e.x.Buf)
	}
	j := jsonCond{op: c.op, test: c.test, wild: c.wild}
	s := jsonScan{object: e.obj, buf: e.x.Buf}
	ok := s.reach(v, c.rest, &j)
	e.obj, e.x.Buf = s.object, s.buf
	return ok
}

// numbers is leaf for columns of numbers.
func (e *columnScan) numbers(c *columnCond, v *column.Vector, rows []uint32) (left []uint32, sure bool, err error) {
	const exact = 1 << 53
	scale := 1.0
	if v.Kind == column.Fixed {
		if int(v.Scale) >= len(pow10) {
			return rows, false, nil
		}
		scale = pow10[v.Scale]
	}
	left, sure = rows[:0], true
	compare := c.op == opTest && len(c.rest) == 0 && !c.test.is && c.test.kind == NumberOperand
	for _, r := range rows {
		if !v.Has(int(r)) {
			if c.op == opMissing {
				left = append(left, r)
			}
			continue
		}
		n, quoted := v.Ints[r], isQuoted(v, int(r))
		switch {
		case compare && n <= exact && n >= -exact:
			if quoted && c.test.op > Ne || !compareNumbers(c.test.op, float64(n)/scale, c.test.num) {
				continue
			}
		case v.Kind == column.Int:
			e.obj.key = strconv.AppendInt(e.obj.key[:0], n, 10)
			if !e.holds(c, valueOf(e.obj.key, quoted)) {
				continue
			}
		default:
			sure = false
		}
		left = append(left, r)
	}
	return left, sure, nil
}
