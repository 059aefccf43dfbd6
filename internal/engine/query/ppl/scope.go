package ppl

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// scope is what a command can see.
type scope struct {
	open   bool            // the fields of events, besides the columns
	cols   []string        // columns that commands made, in their order
	times  map[string]bool // those that are times
	hidden map[string]bool // fields of events that are gone
	nested []string        // objects whose members flatten made columns
	joined *joined         // set after a join, until the columns are named
}

func newScope() *scope {
	return &scope{open: true, times: map[string]bool{}, hidden: map[string]bool{}}
}

// add adds a column.
func (s *scope) add(name string) {
	if !slices.Contains(s.cols, name) {
		s.cols = append(s.cols, name)
	}
	delete(s.hidden, name)
}

// drop removes a column or field.
func (s *scope) drop(name string) {
	s.cols = slices.DeleteFunc(s.cols, func(n string) bool { return n == name })
	if s.open {
		s.hidden[name] = true
	}
}

// columns are those of the result.
func (s *scope) columns() []string {
	if !s.open {
		return s.cols
	}
	var all []string
	for _, n := range []string{plan.Timestamp, plan.Message, plan.LogStream, plan.LogGroup} {
		// @message has the fields that a result shows, also when it is not shown itself.
		if (!s.hidden[n] || n == plan.Message) && !slices.Contains(s.cols, n) {
			all = append(all, n)
		}
	}
	return append(all, s.cols...)
}

// column translates a name: a column, a part of one, or a field of an event.
func (c *compiler) column(n *sqlexpr.Name) (plan.Expr, error) {
	s := c.scope
	if s.joined != nil {
		if x, err := c.sided(n); x != nil || err != nil {
			return x, err
		}
	}
	name := strings.Join(n.Parts, ".")
	if slices.Contains(s.cols, name) {
		return plan.Field{Name: name}, nil
	}
	for i := len(n.Parts) - 1; i > 0; i-- {
		if made := strings.Join(n.Parts[:i], "."); slices.Contains(s.cols, made) {
			return sqlexpr.ElementOf(plan.Field{Name: made}, n.Parts[i:]...), nil
		}
	}
	if !s.open || s.hidden[name] {
		return nil, c.errorf(n.Span, "there is no column %s here", name)
	}
	if plan.IsSystem(name) || len(s.nested) == 0 {
		return plan.Field{Name: name}, nil
	}
	var all []plan.Expr
	for _, object := range s.nested {
		all = append(all, plan.Field{Name: object + "." + name})
	}
	return sqlexpr.FirstPresent(append(all, plan.Field{Name: name})...), nil
}
