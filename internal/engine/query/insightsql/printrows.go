package insightsql

import "strconv"

func (c *Unmask) print(b *printer) {
	b.add("unmask")
	if len(c.Fields) > 0 {
		b.add(" ")
		b.fields(c.Fields)
	}
}

func (b *printer) as(n *Name) {
	if n != nil {
		b.add(" as ", quoteName(n.Text))
	}
}

func (c *Lookup) print(b *printer) {
	b.add(c.name(), " ", quoteName(c.Table.Text))
	for i, k := range c.Keys {
		if i > 0 {
			b.add(",")
		}
		b.add(" ")
		if c.CIDR {
			k.Field.print(b)
			b.as(&k.Column)
			continue
		}
		b.add(quoteName(k.Column.Text), " as ")
		k.Field.print(b)
	}
	if c.New {
		b.add(" OUTPUTNEW ")
	} else {
		b.add(" OUTPUT ")
	}
	for i, o := range c.Out {
		if i > 0 {
			b.add(", ")
		}
		b.add(quoteName(o.Column.Text))
		b.as(o.As)
	}
}

func (c *Join) print(b *printer) {
	kind := "inner"
	if c.Left {
		kind = "left"
	}
	b.add("join type=", kind, " left=", quoteName(c.LeftAlias.Text), " right=", quoteName(c.RightAlias.Text), " where ")
	for i, k := range c.On {
		if i > 0 {
			b.add(" and ")
		}
		k.Left.print(b)
		b.add(" = ")
		k.Right.print(b)
	}
	b.sub(c.Sub)
}

func (b *printer) sub(q *Query) {
	b.add(" (")
	b.query(q)
	b.add(")")
}

func (c *AddTotals) print(b *printer) {
	b.add("addtotals")
	if c.As != "" {
		b.add(" fieldname=", quoteText(c.As))
	}
	if c.NoRow {
		b.add(" row=false")
	}
	if c.Col {
		b.add(" col=true")
	}
	if len(c.Fields) > 0 {
		b.add(" ")
		b.fields(c.Fields)
	}
}

func (c *Accum) print(b *printer) {
	b.add("accum ")
	c.Field.print(b)
	b.as(c.As)
}

func (c *Autoregress) print(b *printer) {
	b.add("autoregress ")
	c.Field.print(b)
	b.as(c.As)
	b.add(" p=", strconv.Itoa(c.First))
	if c.Last != c.First {
		b.add("-", strconv.Itoa(c.Last))
	}
}

func (c *AppendCols) print(b *printer) {
	b.add("appendcols")
	if c.Override {
		b.add(" override=true")
	}
	if c.Max > 0 {
		b.add(" max=", strconv.Itoa(c.Max))
	}
	b.sub(c.Sub)
}

func (c *CountFrequent) print(b *printer) {
	b.add("countFrequent ")
	b.fields(c.Fields)
}

func (c *Estimate) print(b *printer) { b.add("estimate") }

func (c *FillDown) print(b *printer) {
	b.add("filldown")
	for i, n := range c.Names {
		if i > 0 {
			b.add(",")
		}
		b.add(" ", starred(n.Text))
	}
}

func (c *FillMissing) print(b *printer) {
	b.add("fillmissing")
	for _, w := range c.With {
		b.add(" with ")
		w.Value.print(b)
		if len(w.Fields) > 0 {
			b.add(" for ")
			b.fields(w.Fields)
		}
	}
}

func (c *LogCompare) print(b *printer) {
	b.add("logcompare timeshift ")
	c.Shift.print(b)
}

func (c *Outlier) print(b *printer) {
	b.add("outlier action=")
	if c.Remove {
		b.add("remove")
	} else {
		b.add("transform")
	}
	b.add(" param=", strconv.FormatFloat(c.Param, 'f', -1, 64))
	b.add(" uselower=", strconv.FormatBool(c.UseLower), " mark=", strconv.FormatBool(c.Mark), " ")
	b.fields(c.Fields)
}

func (c *RelevantFields) print(b *printer) {
	b.add("relevantfields ")
	if len(c.Fields) > 0 {
		b.fields(c.Fields)
		b.add(" ")
	}
	b.add("where ")
	c.Cond.print(b)
}

func (c *Sessionize) print(b *printer) {
	b.add("sessionize ")
	b.fields(c.Fields)
	if c.MaxSpan != nil {
		b.add(" maxspan ")
		c.MaxSpan.print(b)
	}
	b.as(c.As)
}

func (c *JSON) print(b *printer) {
	b.add("json field=")
	c.Field.print(b)
	for i, x := range c.Picks {
		if i > 0 {
			b.add(",")
		}
		b.add(" ", quoteText(x.Path.Value))
		b.as(&x.As)
	}
}
