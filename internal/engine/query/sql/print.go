package sql

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// String prints the query in its canonical form. Parsing that gives the same
// query, but for spans and the names of columns without alias.
func (q *Query) String() string {
	s := bodyText(q.Body)
	if len(q.Order) > 0 {
		s += " ORDER BY " + sqlexpr.JoinOrder(q.Order)
	}
	if q.Limit >= 0 {
		s += " LIMIT " + strconv.Itoa(q.Limit)
	}
	if q.Offset > 0 {
		s += " OFFSET " + strconv.Itoa(q.Offset)
	}
	return s
}

func bodyText(b Body) string {
	if q, ok := b.(*Query); ok {
		return "(" + q.String() + ")"
	}
	return b.String()
}

// String prints both queries and what combines them.
func (s *Set) String() string {
	op := strings.ToUpper(s.Op)
	if s.All {
		op += " ALL"
	}
	side := func(b Body, right bool) string {
		if k, ok := b.(*Set); ok && (right || s.Op == "intersect" && k.Op != "intersect") {
			return "(" + k.String() + ")"
		}
		return bodyText(b)
	}
	right := true
	if k, ok := s.B.(*Set); ok && s.Op != "intersect" && k.Op == "intersect" {
		right = false // it binds stronger
	}
	return side(s.A, false) + " " + op + " " + side(s.B, right)
}

// String prints the select.
func (s *Select) String() string {
	var b strings.Builder
	b.WriteString("SELECT ")
	if s.Distinct {
		b.WriteString("DISTINCT ")
	}
	for i, k := range s.Items {
		if i > 0 {
			b.WriteString(", ")
		}
		switch {
		case k.X != nil:
			b.WriteString(k.X.String() + as(k.As))
		case k.Table != "":
			b.WriteString(sqlexpr.QuoteName(k.Table) + ".*")
		default:
			b.WriteByte('*')
		}
	}
	b.WriteString(" FROM " + s.From.text())
	if j := s.Join; j != nil {
		if j.Outer {
			b.WriteString(" LEFT")
		} else {
			b.WriteString(" INNER")
		}
		b.WriteString(" JOIN " + j.Right.text())
		if j.On != nil {
			b.WriteString(" ON " + j.On.String())
		} else {
			names := make([]string, len(j.Using))
			for i, n := range j.Using {
				names[i] = quoteWhole(n)
			}
			b.WriteString(" USING (" + strings.Join(names, ", ") + ")")
		}
	}
	if s.Where != nil {
		b.WriteString(" WHERE " + s.Where.String())
	}
	if len(s.Group) > 0 {
		b.WriteString(" GROUP BY " + sqlexpr.Join(s.Group))
	}
	if s.Having != nil {
		b.WriteString(" HAVING " + s.Having.String())
	}
	return b.String()
}

func (t *Table) text() string {
	if t.Query != nil {
		return "(" + t.Query.String() + ")" + as(t.Alias)
	}
	return quoteWhole(t.Name) + as(t.Alias)
}

// quoteWhole writes a name in back-ticks, dots and all.
func quoteWhole(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

func as(name string) string {
	if name == "" {
		return ""
	}
	return " AS " + sqlexpr.QuoteName(name)
}
