package sqlexpr

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// wildcards is a pattern of LIKE: literal texts, with "%" and "_" between them.
type wildcards struct {
	regex    string
	contains string // the pattern is %contains%
	simple   bool   // contains is all there is
}

func parseLike(pattern, escape string) wildcards {
	esc := '\\'
	if escape != "" {
		esc, _ = utf8.DecodeRuneInString(escape)
	}
	var re, lit strings.Builder
	var parts []string // literals between the '%'
	simple := true
	escaped := false
	for _, c := range pattern {
		switch {
		case escaped:
			escaped = false
			if c != '%' && c != '_' && c != esc {
				re.WriteString(regexp.QuoteMeta(string(esc)))
				lit.WriteRune(esc)
			}
			re.WriteString(regexp.QuoteMeta(string(c)))
			lit.WriteRune(c)
		case c == esc:
			escaped = true
		case c == '%':
			re.WriteString(".*")
			parts = append(parts, lit.String())
			lit.Reset()
		case c == '_':
			re.WriteByte('.')
			simple = false
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
			lit.WriteRune(c)
		}
	}
	if escaped {
		re.WriteString(regexp.QuoteMeta(string(esc)))
		lit.WriteRune(esc)
	}
	parts = append(parts, lit.String())
	w := wildcards{regex: `(?s)\A` + re.String() + `\z`}
	if simple && len(parts) == 3 && parts[0] == "" && parts[2] == "" && parts[1] != "" {
		w.contains, w.simple = parts[1], true
	}
	return w
}

// compileLike makes the regular expression of a LIKE.
func compileLike(l *Like, pattern string) (*regexp.Regexp, error) {
	switch l.Op {
	case "rlike":
		return regexp.Compile(pattern)
	case "ilike":
		return regexp.Compile("(?i)" + parseLike(pattern, l.Escape).regex)
	}
	return regexp.Compile(parseLike(pattern, l.Escape).regex)
}

// textOf returns the text of a value, made in the arena if need be; false for Null
// and lists.
func textOf(v *plan.Value, a *plan.Arena) ([]byte, bool) {
	switch v.Kind {
	case plan.Null, plan.List:
		return nil, false
	case plan.Number, plan.Time:
		from := len(a.Bytes)
		a.Bytes = v.AppendText(a.Bytes)
		return a.Text(from), true
	}
	return v.Text, true
}

// match3 is a LIKE with a constant pattern.
func match3(re *regexp.Regexp) *plan.Function {
	return fixed("like3 /"+re.String()+"/", 1, func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		return Truth(re.Match(t))
	})
}

// dynamicLike is a LIKE whose pattern differs from row to row. The last pattern is
// remembered; one that is no regular expression makes Null.
func dynamicLike(l *Like) *plan.Function {
	like := *l
	return &plan.Function{Name: l.Op + "3" + l.Escape, Min: 2, Max: 2, Absent: true, Bind: func([]*plan.Value) (plan.Eval, error) {
		var last string
		var re *regexp.Regexp
		known := false
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			t, ok := textOf(&args[0], a)
			pattern, ok2 := textOf(&args[1], a)
			if !ok || !ok2 {
				return plan.Value{}
			}
			if !known || string(pattern) != last {
				last, known = string(pattern), true
				re, _ = compileLike(&like, last)
			}
			if re == nil {
				return plan.Value{}
			}
			return Truth(re.Match(t))
		}, nil
	}}
}
