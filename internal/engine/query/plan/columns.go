package plan

import "slices"

// columns makes the last columns of a plan explicit: events show their time,
// their message and what was added. It names the columns that each Transform gets.
func (q *Query) columns(steps []Step) []Step {
	names := []string{Timestamp, Message}
	open := true
	q.Events = true
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i, s := range steps {
		switch s := s.(type) {
		case Extend:
			for _, c := range s.Cols {
				add(c.As)
			}
		case Unnest:
			add(s.As)
		case Project:
			open, names = false, nil
			for _, c := range s.Cols {
				add(c.As)
			}
		case Stats:
			open, names, q.Events = false, nil, false
			for _, c := range s.By {
				add(c.As)
			}
			for _, a := range s.Aggs {
				add(a.As)
			}
		case Cluster:
			open, names, q.Events = false, s.Columns(), false
		case Transform:
			s = s.gets(names)
			steps[i] = s
			q.Events = q.Events && s.Events
			if open = open && s.Events; !s.Events || s.All {
				names = nil
			}
			for _, n := range s.Columns(slices.Clone(s.Reads)) {
				add(n)
			}
		}
	}
	if open {
		cols := make([]Named, len(names))
		for i, n := range names {
			cols[i] = Named{Field{n}, n}
		}
		steps = append(steps, Project{cols})
	}
	q.Columns = names
	return steps
}

// gets returns the step with all columns that it gets as Reads, given those shown
// before it.
func (s Transform) gets(shown []string) Transform {
	var in []string
	if s.All {
		in = append(in, shown...)
	}
	for _, n := range s.Reads {
		if !slices.Contains(in, n) {
			in = append(in, n)
		}
	}
	s.Reads = in
	return s
}

// rowColumns decides which columns the rows of a Sort or Limit need.
func (q *Query) rowColumns(n names, rest []Step) error {
	var need []string
	made := map[string]bool{}
	want := func(name string) {
		if !made[name] && !slices.Contains(need, name) {
			need = append(need, name)
		}
	}
	closed := false
	for _, s := range rest {
		serial, _ := s.(Extend)
		for j, e := range s.exprs() {
			Fields(e, want)
			if serial.Cols != nil {
				made[serial.Cols[j].As] = true
			}
		}
		switch s := s.(type) {
		case Project, Stats, Cluster:
			closed = true
		case Unnest:
			made[s.As] = true
		case Transform:
			closed = !s.Events
			for _, name := range s.Columns(slices.Clone(s.Reads)) {
				made[name] = true
			}
			if s.All { // it made what is left of them
				for _, name := range s.Reads {
					made[name] = true
				}
			}
		}
		if closed {
			break
		}
	}
	if !closed {
		for _, name := range q.Columns {
			want(name)
		}
	}
	for _, name := range need {
		e, err := n.resolve(Field{name})
		if err != nil {
			return err
		}
		q.Cols = append(q.Cols, Named{e, name})
	}
	q.applied("columns needed")
	return nil
}
