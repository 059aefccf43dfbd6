package insightsql

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// lookup translates lookup and cidrlookup.
func (c *compiler) lookup(x *Lookup) error {
	var fields []plan.Expr
	for _, k := range x.Keys {
		e, err := c.expr(k.Field)
		if err != nil {
			return err
		}
		fields = append(fields, e)
	}
	table, find, err := c.table(x)
	if err != nil {
		return err
	}
	var seen []string
	for _, o := range x.Out {
		as := o.Column
		if o.As != nil {
			as = *o.As
		}
		if contains(seen, as.Text) || c.system(as.Text) || as.Text == ptr {
			return defined(as.Span, as.Text)
		}
		seen = append(seen, as.Text)
		column := -1
		if table != nil {
			if column = slices.Index(table.Fields, o.Column.Text); column < 0 {
				return refused(o.Column.Span, "the lookup table %s has no field %s", x.Table.Text, o.Column.Text)
			}
		}
		e := plan.Expr(plan.Call{Func: tableCell(x, table, find, column), Args: fields})
		if x.New {
			old, err := c.expr(&Field{as.Span, []string{as.Text}})
			if err != nil && !c.scope.closed {
				return err
			}
			if err == nil {
				e = plan.Call{Func: function.Insights("coalesce"), Args: []plan.Expr{old, e}}
			}
		}
		c.extend(as.Text, e)
		c.scope.made[as.Text] = nil
		c.scope.lists[as.Text], c.scope.scalars[as.Text] = false, !x.New
		c.scope.show(as.Text)
	}
	return nil
}

// table loads a lookup table, and makes what finds the row of it for some values.
func (c *compiler) table(x *Lookup) (*Table, func() finder, error) {
	if c.dry {
		return nil, nil, nil
	}
	if c.env.Lookup == nil {
		return nil, nil, refused(x.Table.Span, "there is no lookup table %s", x.Table.Text)
	}
	table, err := c.env.Lookup(c.ctx, x.Table.Text)
	if errors.Is(err, ErrNoTable) {
		return nil, nil, refused(x.Table.Span, "there is no lookup table %s", x.Table.Text)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the lookup table %s: %w", x.Table.Text, err)
	}
	columns := make([]int, len(x.Keys))
	for i, k := range x.Keys {
		if columns[i] = slices.Index(table.Fields, k.Column.Text); columns[i] < 0 {
			return nil, nil, refused(k.Column.Span, "the lookup table %s has no field %s", x.Table.Text, k.Column.Text)
		}
	}
	if x.CIDR {
		return table, byRange(table, columns[0]), nil
	}
	return table, byValue(table, columns), nil
}

// finder returns the number of the row for some values, -1 when there is none.
// It belongs to one goroutine.
type finder func(args []plan.Value) int

// byValue finds rows whose columns have the texts of the values. Of several rows
// the first counts.
func byValue(t *Table, columns []int) func() finder {
	rows := make(map[string]int, len(t.Rows))
	var key []byte
	vals := make([]plan.Value, len(columns))
	for r, row := range t.Rows {
		for i, col := range columns {
			vals[i] = plan.Value{Kind: plan.Text}
			if col < len(row) {
				vals[i].Text = []byte(row[col])
			}
		}
		key, _ = appendKey(key[:0], vals)
		if _, ok := rows[string(key)]; !ok {
			rows[string(key)] = r
		}
	}
	return func() finder {
		var key, text []byte
		vals := make([]plan.Value, len(columns))
		return func(args []plan.Value) int {
			text = text[:0]
			for i := range args {
				if !plan.HasText(&args[i]) {
					return -1
				}
				if vals[i] = args[i]; args[i].Kind != plan.Text {
					from := len(text)
					text = args[i].AppendText(text)
					vals[i] = plan.Value{Kind: plan.Text, Text: text[from:]}
				}
			}
			key, _ = appendKey(key[:0], vals)
			if r, ok := rows[string(key)]; ok {
				return r
			}
			return -1
		}
	}
}

// byRange finds the row with the smallest range that an address lies in. A cell
// with an address is a range of one; cells that are neither are left out (ours).
func byRange(t *Table, column int) func() finder {
	rows := map[netip.Prefix]int{}
	var lengths [2][]int // of the prefixes, for IPv4 and IPv6, longest first
	for r, row := range t.Rows {
		if column >= len(row) {
			continue
		}
		p, err := netip.ParsePrefix(row[column])
		if err != nil {
			a, err := netip.ParseAddr(row[column])
			if err != nil {
				continue
			}
			a = a.Unmap().WithZone("")
			p = netip.PrefixFrom(a, a.BitLen())
		}
		p = p.Masked()
		if _, ok := rows[p]; ok {
			continue
		}
		rows[p] = r
		family := &lengths[family(p.Addr())]
		if !slices.Contains(*family, p.Bits()) {
			*family = append(*family, p.Bits())
		}
	}
	for i := range lengths {
		slices.Sort(lengths[i])
		slices.Reverse(lengths[i])
	}
	return func() finder {
		return func(args []plan.Value) int {
			if args[0].Kind != plan.Text || len(args[0].Text) > 64 {
				return -1
			}
			a, err := netip.ParseAddr(string(args[0].Text))
			if err != nil {
				return -1
			}
			a = a.Unmap().WithZone("")
			for _, bits := range lengths[family(a)] {
				if p, err := a.Prefix(bits); err == nil {
					if r, ok := rows[p]; ok {
						return r
					}
				}
			}
			return -1
		}
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// tableCell is the function of the values of the keys to a column of a table.
func tableCell(x *Lookup, t *Table, find func() finder, column int) *plan.Function {
	f := &plan.Function{Min: len(x.Keys), Max: len(x.Keys), Name: x.name() + "[" + x.Table.Text}
	if t != nil {
		f.Name += "@" + t.Key
	}
	for _, k := range x.Keys {
		f.Name += " " + strconv.Quote(k.Column.Text)
	}
	f.Name += " " + strconv.Itoa(column) + "]"
	f.Bind = func([]*plan.Value) (plan.Eval, error) {
		if t == nil {
			return func([]plan.Value, *plan.Arena) plan.Value { return plan.Value{} }, nil
		}
		at := find()
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			r := at(args)
			if r < 0 || column >= len(t.Rows[r]) {
				return plan.Value{}
			}
			from := len(a.Bytes)
			a.Bytes = append(a.Bytes, t.Rows[r][column]...)
			return plan.Value{Kind: plan.Text, Text: a.Text(from)}
		}, nil
	}
	return f
}
