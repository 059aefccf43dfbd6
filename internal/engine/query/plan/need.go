package plan

import "github.com/cumulog/cumulog/internal/engine/hint"

// NeedOf returns what a message must contain for the predicate e, over system
// fields and JSON paths, to hold.
func NeedOf(e Expr) hint.Need {
	switch e := e.(type) {
	case Const:
		if !e.V.True() {
			return hint.Or()
		}
	case And:
		return each(e.X, hint.And)
	case Or:
		return each(e.X, hint.Or)
	case Cmp:
		f, ok := e.A.(Field)
		c, isConst := e.B.(Const)
		if ok && isConst && e.Op == Eq {
			return needOfEqual(f, &c.V)
		}
	case In:
		if f, ok := e.X.(Field); ok {
			needs := make([]hint.Need, len(e.List))
			for i := range e.List {
				needs[i] = needOfEqual(f, &e.List[i])
			}
			return hint.Or(needs...)
		}
	case Test:
		return e.Need
	case Contains:
		if f, ok := e.X.(Field); ok {
			return needOfText(f, e.Sub)
		}
	case Match:
		if f, ok := e.X.(Field); ok {
			return hint.Regexp(e.Re.String(), func(literal string) hint.Need { return needOfText(f, literal) })
		}
	}
	return needOfExtracts(e)
}

// needOfExtracts returns the literals of extractors that must have found something
// for e to hold.
func needOfExtracts(e Expr) hint.Need {
	var needs []hint.Need
	seen := map[string]bool{}
	var walk func(x Expr)
	walk = func(x Expr) {
		if p, ok := x.(Extract); ok && !seen[p.String()] {
			seen[p.String()] = true
			if f, ok := p.X.(Field); ok && len(p.By.Literals) > 0 && !holdsWithout(e, p.String()) {
				for _, t := range p.By.Literals {
					needs = append(needs, needOfText(f, t))
				}
			}
		}
		for _, k := range x.kids() {
			walk(k)
		}
	}
	walk(e)
	return hint.And(needs...)
}

// holdsWithout reports whether e may hold where a part of it is Null.
func holdsWithout(e Expr, part string) bool {
	c, ok := fold(rewrite(e, func(x Expr) Expr {
		if x.String() == part {
			return Const{}
		}
		return x
	})).(Const)
	return !ok || c.V.True()
}

func each(x []Expr, join func(...hint.Need) hint.Need) hint.Need {
	needs := make([]hint.Need, len(x))
	for i, k := range x {
		needs[i] = NeedOf(k)
	}
	return join(needs...)
}

// needOfEqual knows nothing about numbers, which can be written in many ways.
func needOfEqual(f Field, v *Value) hint.Need {
	if v.Kind != Text {
		return hint.Need{}
	}
	if _, ok := ParseNumber(v.Text); ok {
		return hint.Need{}
	}
	return needOfText(f, string(v.Text))
}

// needOfText is about a field whose text contains text. In the message itself
// the bytes are the same.
func needOfText(f Field, text string) hint.Need {
	if f.Name == Message {
		return hint.Text(text)
	}
	if _, json := JSONName(f.Name); IsSystem(f.Name) || !json && !verbatim(f.Name) {
		return hint.Need{}
	}
	return hint.JSONText(text)
}

// verbatim reports whether the text of a field that is found in lines stands there.
// Numbers with a unit do not.
func verbatim(name string) bool {
	switch name {
	case "@requestId", "@type", "@xrayTraceId", "@xraySegmentId":
		return true
	}
	return false
}
