package function

import (
	"bytes"
	"regexp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var regexps = []*plan.Function{
	binding("regexreplace", 3, 3, regexReplace),
	binding("regex_replace", 3, 3, regexReplace),
}

// regexReplace replaces every match. $1 or \1 in the replacement is what the group
// matched, ${name} that of a group with a name, $$ a dollar (ours).
func regexReplace(consts []*plan.Value) (plan.Eval, error) {
	find, err := finderOf(consts[1])
	if err != nil {
		return nil, err
	}
	var r replacer
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		by, ok1 := textOf(&args[2], a)
		f := find(&args[1], a)
		if !ok || !ok1 || f == nil {
			return plan.Value{}
		}
		if !f.fast.Match(t) {
			return text(t)
		}
		return r.replace(f, t, by, a)
	}, nil
}

// replacer keeps the last replacement taken apart.
type replacer struct {
	re     *regexp.Regexp
	source []byte
	parts  []replacement
}

// replacement is a literal text or a group.
type replacement struct {
	text  []byte
	group int // -1: text
}

func (r *replacer) replace(re *finder, t, by []byte, a *plan.Arena) plan.Value {
	if r.re != re.Regexp || !bytes.Equal(r.source, by) {
		r.re, r.source = re.Regexp, append(r.source[:0], by...)
		r.parts = template(re.Regexp, r.source, r.parts[:0])
	}
	from, last := len(a.Bytes), 0
	for all := re.matches(t); ; {
		m := all.next()
		if m == nil {
			break
		}
		a.Bytes = append(a.Bytes, t[last:m[0]]...)
		last = m[1]
		for _, p := range r.parts {
			switch {
			case p.group < 0:
				a.Bytes = append(a.Bytes, p.text...)
			case m[2*p.group] >= 0:
				a.Bytes = append(a.Bytes, t[m[2*p.group]:m[2*p.group+1]]...)
			}
			if full(a, from) {
				return made(a, from)
			}
		}
	}
	a.Bytes = append(a.Bytes, t[last:]...)
	return made(a, from)
}

// template takes a replacement apart. A group that the expression does not have
// is nothing.
func template(re *regexp.Regexp, s []byte, parts []replacement) []replacement {
	lit := func(b []byte) {
		if len(b) > 0 {
			parts = append(parts, replacement{b, -1})
		}
	}
	from := 0
	for i := 0; i+1 < len(s); {
		c, next := s[i], s[i+1]
		switch {
		case (c == '$' || c == '\\') && next-'0' <= 9:
			lit(s[from:i])
			n, end := groupNumber(s, i+1, re.NumSubexp())
			if n <= re.NumSubexp() {
				parts = append(parts, replacement{nil, n})
			}
			i, from = end, end
		case c == '$' && next == '{':
			end := bytes.IndexByte(s[i:], '}')
			if end < 0 {
				i++
				continue
			}
			lit(s[from:i])
			name := s[i+2 : i+end]
			n := re.SubexpIndex(string(name))
			if len(name) > 0 && name[0]-'0' <= 9 {
				if n, _ = groupNumber(name, 0, re.NumSubexp()); n > re.NumSubexp() {
					n = -1
				}
			}
			if n >= 0 {
				parts = append(parts, replacement{nil, n})
			}
			i += end + 1
			from = i
		case c == '$' && next == '$', c == '\\' && (next == '\\' || next == '$'):
			lit(s[from:i])
			from = i + 1
			i += 2
		default:
			i++
		}
	}
	lit(s[from:])
	return parts
}

// groupNumber reads the number at i, as many digits as give a group that exists,
// at least one.
func groupNumber(s []byte, i, most int) (n, end int) {
	n = int(s[i] - '0')
	for i++; i < len(s) && s[i]-'0' <= 9 && n*10+int(s[i]-'0') <= most; i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n, i
}
