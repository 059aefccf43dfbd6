package insightsql

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
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
	x.New = func() func(text []byte, out [][]byte) bool {
		return func(text []byte, out [][]byte) bool { return glob1(literals, text, out) }
	}
	return x
}

func glob1(literals [][]byte, text []byte, out [][]byte) bool {
	at := bytes.Index(text, literals[0])
	if at < 0 {
		return false
	}
	at += len(literals[0])
	last := len(literals) - 1
	for i, lit := range literals[1:] {
		if i+1 == last && len(lit) == 0 {
			out[i] = text[at:len(text):len(text)]
			return true
		}
		n := bytes.Index(text[at:], lit)
		if n < 0 {
			return false
		}
		out[i] = text[at : at+n : at+n]
		at += n + len(lit)
	}
	return true
}

// regexExtractor takes out the groups of a regular expression. Its parts are
// the groups that have a name, and the others, which x.As names in their order.
func regexExtractor(x *Extract) (*plan.Extractor, []Name, error) {
	re := x.Regex.Re
	var names []Name
	var groups []int
	as := x.As
	for i, n := range re.SubexpNames() {
		switch {
		case i == 0:
		case n != "":
			names = append(names, Name{x.Regex.Span, n})
			groups = append(groups, i)
		case len(as) > 0:
			names = append(names, as[0])
			groups = append(groups, i)
			as = as[1:]
		case len(x.As) > 0:
			return nil, nil, refused(x.Regex.Span, "the regular expression has more groups without a name than there are aliases")
		}
	}
	if len(as) > 0 {
		return nil, nil, refused(as[0].Span, "there are more aliases than groups of the regular expression")
	}
	if len(names) == 0 {
		return nil, nil, refused(x.Regex.Span, "the regular expression has no group with a name or an alias")
	}
	e := &plan.Extractor{Name: fmt.Sprintf("regex[/%s/ %v]", re, groups), Parts: len(groups)}
	e.New = func() func(text []byte, out [][]byte) bool {
		return func(text []byte, out [][]byte) bool {
			m := re.FindSubmatchIndex(text)
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
	return e, names, nil
}
