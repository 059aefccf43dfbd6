package insightsql

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/submatch"
)

// globExtractor takes out what the stars of a pattern stand for: as little as
// can be, the last one everything that is left when the pattern ends with it.
// The text before the first star may be anywhere.
func globExtractor(glob string) *plan.Extractor {
	parts := strings.Split(glob, "*")
	literals := make([][]byte, len(parts))
	x := &plan.Extractor{Name: "glob[" + quoteText(glob) + "]", Parts: len(parts) - 1}
	for i, p := range parts {
		if literals[i] = []byte(p); p != "" {
			x.Literals = append(x.Literals, p)
		}
	}
	x.Glob = &column.Glob{Literals: literals}
	x.New = func() func(text []byte, out [][]byte) bool { return x.Glob.Cut }
	return x
}

// groupsOf returns the groups of a regular expression that become columns: those
// that have a name, and the others when x.As names them, in their order.
func groupsOf(x *Extract) (groups []int, names []Name, err error) {
	if x.Multi && len(x.As) > 0 {
		return nil, nil, refused(x.As[0].Span, "multi takes named groups, no aliases")
	}
	as := x.As
	for i, n := range x.Regex.Re.SubexpNames() {
		switch {
		case i == 0:
			continue
		case n != "":
			names = append(names, Name{x.Regex.Span, n})
		case len(as) > 0:
			names = append(names, as[0])
			as = as[1:]
		case len(x.As) > 0:
			return nil, nil, refused(x.Regex.Span, "the regular expression has more groups without a name than there are aliases")
		default:
			continue
		}
		groups = append(groups, i)
	}
	if len(as) > 0 {
		return nil, nil, refused(as[0].Span, "there are more aliases than groups of the regular expression")
	}
	if len(names) == 0 {
		return nil, nil, refused(x.Regex.Span, "the regular expression has no group with a name or an alias")
	}
	return groups, names, nil
}

// regexExtractor takes groups out of the first match of a regular expression.
func regexExtractor(x *Regex, groups []int) *plan.Extractor {
	re := x.Re
	e := &plan.Extractor{Name: fmt.Sprintf("regex[/%s/ %v]", re, groups), Parts: len(groups), Literals: literalsOf(x.Source)}
	var rarest []byte // most texts that do not match can be told by it
	for _, l := range e.Literals {
		if len(l) > len(rarest) {
			rarest = []byte(l)
		}
	}
	pattern := submatch.New(re)
	e.New = func() func(text []byte, out [][]byte) bool {
		finder := pattern.Finder()
		return func(text []byte, out [][]byte) bool {
			if len(rarest) > 0 && !bytes.Contains(text, rarest) {
				return false
			}
			m := finder.Find(text)
			if m == nil {
				return false
			}
			for i, g := range groups {
				if out[i] = nil; m[2*g] >= 0 {
					out[i] = text[m[2*g]:m[2*g+1]:m[2*g+1]]
				}
			}
			return true
		}
	}
	return e
}

// literalsOf returns texts without which a regular expression matches nothing.
func literalsOf(source string) []string {
	var list []string
	need := hint.Regexp(source, func(literal string) hint.Need { return hint.Need{Op: hint.Contains, Text: literal} })
	var collect func(n hint.Need)
	collect = func(n hint.Need) {
		switch n.Op {
		case hint.Contains:
			list = append(list, n.Text)
		case hint.All:
			for _, k := range n.Kids {
				collect(k)
			}
		}
	}
	collect(need)
	return list
}
