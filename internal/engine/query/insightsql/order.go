package insightsql

// rules are what the commands so far demand of those that follow.
type rules struct {
	dedup    bool    // only limit may follow
	sorted   Command // the last sort or limit
	patterns bool    // the rows are patterns
	estimate bool    // nothing may follow
	periods  bool    // the rows are those of a stats by bin()
}

// inOrder refuses a command that cannot stand where it stands.
func (c *compiler) inOrder(i int, x Command) error {
	r := &c.rules
	if r.estimate {
		return refused(x.where(), "estimate has to be the last command")
	}
	if f, ok := x.(*Fields); ok && f.implied {
		return nil
	}
	if _, ok := x.(*Limit); r.dedup && !ok {
		return refused(x.where(), "only limit can follow dedup")
	}
	switch x.(type) {
	case *Sort, *Limit:
		r.sorted = x
	case *Dedup:
		r.dedup = true
	case *Estimate:
		r.estimate = true
	case *Stats, *CountFrequent:
		if r.sorted != nil {
			return refused(r.sorted.where(), "%s can only follow the last %s", r.sorted.name(), x.name())
		}
		r.patterns, r.periods = false, false
	case *FilterIndex:
		if c.scope.closed {
			return refused(x.where(), "filterIndex has to stand before stats and pattern")
		}
	case *Pattern, *LogCompare:
		if _, ok := r.sorted.(*Sort); ok {
			return refused(x.where(), "%s cannot follow sort", x.name())
		}
		if _, ok := x.(*Pattern); ok {
			r.patterns = true
		}
	case *Diff:
		if _, ok := c.before(i).(*Pattern); !ok {
			return refused(x.where(), "Diff compilation Failed : Diff operation has to be used after Pattern")
		}
	case *Anomaly:
		if !r.patterns {
			return refused(x.where(), "anomaly has to be used after pattern")
		}
	case *FillMissing:
		if !r.periods {
			return refused(x.where(), "fillmissing has to be used after stats by bin()")
		}
	}
	return nil
}

// before returns the command before another; nil when that is the first.
func (c *compiler) before(i int) Command {
	if i == 0 {
		return nil
	}
	return c.tree.Commands[i-1]
}

// exprsOf returns the expressions of a command.
func exprsOf(c Command) []Expr {
	var list []Expr
	items := func(items []Item) {
		for i := range items {
			list = append(list, items[i].Expr)
		}
	}
	fields := func(fields []*Field) {
		for _, f := range fields {
			list = append(list, f)
		}
	}
	switch c := c.(type) {
	case *Fields:
		items(c.Items)
	case *Filter:
		list = append(list, c.Cond)
	case *FilterIndex:
		list = append(list, c.Field)
	case *Extract:
		if c.X != nil {
			list = append(list, c.X)
		}
	case *JSON:
		list = append(list, c.Field)
	case *Stats:
		items(c.Items)
		items(c.By)
	case *Sort:
		for _, k := range c.Keys {
			list = append(list, k.Expr)
		}
	case *Dedup:
		fields(c.Fields)
	case *CountFrequent:
		fields(c.Fields)
	case *Unmask:
		fields(c.Fields)
	case *AddTotals:
		fields(c.Fields)
	case *Outlier:
		fields(c.Fields)
	case *Sessionize:
		fields(c.Fields)
	case *RelevantFields:
		fields(c.Fields)
		list = append(list, c.Cond)
	case *Pattern:
		list = append(list, c.X)
	case *Unnest:
		list = append(list, c.X)
	case *Expand:
		list = append(list, c.Field)
	case *Accum:
		list = append(list, c.Field)
	case *Autoregress:
		list = append(list, c.Field)
	case *Lookup:
		for _, k := range c.Keys {
			list = append(list, k.Field)
		}
	case *FillMissing:
		for _, w := range c.With {
			fields(w.Fields)
		}
	}
	return list
}

// StandardOnly names the first command of a query that groups of the class
// Infrequent Access do not have, "" when there is none: pattern and what goes
// with it, filterIndex, unmask (the function as well), and the third stats.
func (q *Query) StandardOnly() string {
	stats := 0
	for _, c := range q.Commands {
		switch c.(type) {
		case *Pattern, *Diff, *Anomaly, *LogCompare, *Unmask, *FilterIndex:
			return c.name()
		case *Stats:
			if stats++; stats > 2 {
				return "third stats"
			}
		}
		for _, e := range exprsOf(c) {
			unmask := false
			walk(e, func(e Expr) bool {
				call, ok := e.(*Call)
				unmask = unmask || ok && call.Func == "unmask"
				return true
			})
			if unmask {
				return "unmask"
			}
		}
	}
	return ""
}
