package insightsql

import "strconv"

func (c *Fields) print(b *printer) {
	b.add(c.name(), " ")
	b.items(c.Items)
}

func (c *Filter) print(b *printer) {
	b.add("filter ")
	c.Cond.print(b)
}

func (c *FilterIndex) print(b *printer) {
	b.add("filterIndex ")
	c.Field.print(b)
	if len(c.Values) == 1 {
		b.add(" = ")
		c.Values[0].print(b)
		return
	}
	b.add(" in [")
	b.exprs(c.Values)
	b.add("]")
}

func (c *Extract) print(b *printer) {
	b.add("parse ")
	if c.X != nil {
		c.X.print(b)
		b.add(" ")
	}
	switch c.Mode {
	case ParseGlob:
		c.Glob.print(b)
	case ParseRegex:
		c.Regex.print(b)
		if c.Multi {
			b.add(" multi")
		}
	default:
		b.add(parseModes[c.Mode])
	}
	if len(c.As) > 0 {
		b.add(" as ")
		b.names(c.As)
	}
}

func (c *Stats) print(b *printer) {
	b.add("stats ")
	b.items(c.Items)
	if len(c.By) > 0 {
		b.add(" by ")
		b.items(c.By)
	}
	if c.Offset != nil {
		b.add(" offset ")
		c.Offset.print(b)
	}
}

func (c *Sort) print(b *printer) {
	b.add("sort ")
	for i, k := range c.Keys {
		if i > 0 {
			b.add(", ")
		}
		k.Expr.print(b)
		if k.Desc {
			b.add(" desc")
		} else {
			b.add(" asc")
		}
	}
}

func (c *Limit) print(b *printer) {
	b.add("limit ")
	if c.Any {
		b.add("any ")
	}
	b.add(strconv.Itoa(c.N))
}

func (c *Dedup) print(b *printer) {
	b.add("dedup ")
	b.fields(c.Fields)
}

func (c *Pattern) print(b *printer) {
	b.add("pattern ")
	c.X.print(b)
}

func (c *Diff) print(b *printer) {
	b.add("diff")
	if c.Before != "" {
		b.add(" ", c.Before)
	}
}

func (c *Anomaly) print(b *printer) { b.add("anomaly") }

func (c *Unnest) print(b *printer) {
	b.add("unnest ")
	c.X.print(b)
	b.add(" into ", quoteName(c.As.Text))
}

func (c *Expand) print(b *printer) {
	b.add("expand ")
	c.Field.print(b)
}
