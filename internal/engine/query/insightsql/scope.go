package insightsql

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// scope is what a command can see: the columns that commands before it made,
// and, until a command replaces the rows by others, the fields of events.
type scope struct {
	made    map[string]Expr   // columns; what they were made of, where that is an expression without alias
	same    map[string]string // columns after stats, by the expression that made them
	read    map[string]bool   // fields of events that were mentioned
	truths  map[string]bool   // columns that are shown as true or false
	lists   map[string]bool   // columns that are lists or maps
	scalars map[string]bool   // columns that are never lists or maps
	closed  bool              // there are only columns
	left    string            // how a join calls the rows before it

	base    []string // columns shown without fields and display
	shown   []string // columns of fields, and those made since
	chosen  bool     // there was a fields
	display []string // columns of the last display
}

func newScope() *scope {
	return &scope{made: map[string]Expr{}, read: map[string]bool{}, truths: map[string]bool{}, lists: map[string]bool{}, scalars: map[string]bool{}, base: []string{plan.Timestamp, plan.Message}}
}

// replace starts over with columns that replace all others.
func (s *scope) replace(columns []string) {
	*s = scope{made: map[string]Expr{}, read: map[string]bool{}, truths: map[string]bool{}, lists: map[string]bool{}, scalars: map[string]bool{}, closed: true, base: columns}
	for _, c := range columns {
		s.made[c] = nil
	}
}

// show adds a column to those of the result.
func (s *scope) show(name string) {
	if !slices.Contains(s.shown, name) {
		s.shown = append(s.shown, name)
	}
}

// columns are those of the result.
func (s *scope) columns() []string {
	if s.display != nil {
		return s.display
	}
	if s.chosen {
		return s.shown
	}
	list := slices.Clone(s.base)
	for _, n := range s.shown {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// taken reports whether a name cannot be given to a new column.
func (s *scope) taken(name string) bool {
	_, made := s.made[name]
	return made || s.read[name] || !s.closed && (plan.IsSystem(name) || name == ptr)
}

// ptr is the column that rows of events end with.
const ptr = "@ptr"

// find resolves the path of a field: to a column or field, and a path into it.
// A column that has no parts does not hide fields whose names begin with its.
func (s *scope) find(path []string) (name string, rest []string, ok bool) {
	full := strings.Join(path, ".")
	if _, ok := s.made[full]; ok {
		return full, nil, true
	}
	if s.left != "" && path[0] == s.left && len(path) > 1 {
		return s.find(path[1:])
	}
	for n := len(path) - 1; n > 0; n-- {
		name = strings.Join(path[:n], ".")
		if _, ok := s.made[name]; ok && !s.scalars[name] {
			return name, path[n:], true
		}
	}
	if s.closed {
		return full, nil, false
	}
	s.read[full] = true
	return full, nil, true
}
