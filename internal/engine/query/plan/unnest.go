package plan

import (
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// Unnested is an Unnest of a Query. Expressions after it read its elements as the
// field Name.
type Unnested struct {
	X     Expr
	Name  string
	Conds []Expr // must all hold for an element, cheapest first
}

// IsElement reports whether a field of a Query is the element of an Unnest.
func IsElement(name string) bool { return len(name) > 0 && name[0] == 0 }

// checkElements refuses plans that use the names that only a Query has.
func checkElements(p *Plan) error {
	for _, s := range p.Steps {
		for _, e := range s.exprs() {
			own := false
			Fields(e, func(name string) { own = own || IsElement(name) })
			if own {
				return invalid("the name of a field begins with a NUL byte")
			}
		}
	}
	return nil
}

func (q *Query) unnest(x Expr, as string) Expr {
	name := "\x00" + strconv.Itoa(len(q.Unnests)+1) + ":" + as
	q.Unnests = append(q.Unnests, Unnested{X: x, Name: name})
	if f, ok := x.(Field); ok && !IsElement(f.Name) {
		q.Conds = append(q.Conds, Present{x}) // where it is not, there is no row
	}
	return Field{name}
}

// filter adds a condition: of the events, or of the elements of the last Unnest.
func (q *Query) filter(cond Expr) {
	all := conjuncts(cond, nil)
	if len(all) > 1 {
		q.applied("split conditions")
	}
	for _, c := range all {
		if len(q.Unnests) > 0 && (isVolatile(c) || slices.ContainsFunc(elements(c), IsElement)) {
			u := &q.Unnests[len(q.Unnests)-1]
			u.Conds = append(u.Conds, c)
			continue
		}
		if len(q.Unnests) > 0 {
			q.applied("conditions before elements")
		}
		q.Conds = append(q.Conds, c)
	}
}

func elements(e Expr) (names []string) {
	Fields(e, func(name string) {
		if IsElement(name) {
			names = append(names, name)
		}
	})
	return names
}

func isVolatile(e Expr) bool {
	if c, ok := e.(Call); ok && c.Func.Volatile {
		return true
	}
	return slices.ContainsFunc(e.kids(), isVolatile)
}

// elementNeeds returns what messages need for conditions on elements to hold:
// the text of an element is part of the text of its list.
func (q *Query) elementNeeds(conds []Expr) (needs []hint.Need) {
	for _, c := range conds {
		known := true
		c = rewrite(c, func(x Expr) Expr {
			f, ok := x.(Field)
			if !ok || !IsElement(f.Name) {
				return x
			}
			for _, u := range q.Unnests {
				if of, isField := u.X.(Field); u.Name == f.Name && isField && !IsElement(of.Name) {
					return of
				}
			}
			known = false
			return x
		})
		if known {
			needs = append(needs, NeedOf(c))
		}
	}
	return needs
}

// follower returns the first of steps that does not just keep rows as they are.
func follower(steps []Step) Step {
	for _, s := range steps {
		switch s.(type) {
		case Extend, Project, Filter:
		default:
			return s
		}
	}
	return nil
}
