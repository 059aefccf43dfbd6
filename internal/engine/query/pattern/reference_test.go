package pattern

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// reference is the rule book written down plainly, with trees and copies.
func reference(p *Pattern, m string) bool {
	switch p.Kind {
	case Regex:
		return regexp.MustCompile(p.Regexp.Go).MatchString(m)
	case JSON:
		dec := json.NewDecoder(strings.NewReader(m))
		dec.UseNumber()
		root, ok := readTree(dec)
		if !ok || !json.Valid([]byte(m)) {
			return false
		}
		object, ok := root.(members)
		return ok && condOf(p.Cond, object)
	case Delimited:
		return fieldsOf(p, wordsOf(m))
	}
	if p.All() {
		return true
	}
	var others, optional, hit int
	for _, it := range p.Items {
		has := strings.Contains(m, it.Text)
		switch {
		case it.Op == Optional:
			optional++
			if has {
				hit++
			}
			continue
		case has != (it.Op == Require):
			return false
		}
		others++
	}
	return others > 0 || optional == 0 || hit > 0
}

// members is an object with all its members, repeated ones too.
type members []member

type member struct {
	name  string
	value any // members, []any, string, json.Number, bool or nil
}

func readTree(d *json.Decoder) (any, bool) {
	t, err := d.Token()
	if err != nil {
		return nil, false
	}
	switch t {
	case json.Delim('{'):
		out := members{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, false
			}
			v, ok := readTree(d)
			if !ok {
				return nil, false
			}
			out = append(out, member{name.(string), v})
		}
		_, err := d.Token()
		return out, err == nil
	case json.Delim('['):
		out := []any{}
		for d.More() {
			v, ok := readTree(d)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		_, err := d.Token()
		return out, err == nil
	}
	return t, true
}

// reachAll returns everything that steps lead to, in the order of the message.
func reachAll(v any, steps Selector) []any {
	if len(steps) == 0 {
		return []any{v}
	}
	s := steps[0]
	var out []any
	switch v := v.(type) {
	case members:
		for _, m := range v {
			if !s.Elem && (s.Any || m.name == s.Name) {
				out = append(out, reachAll(m.value, steps[1:])...)
			}
		}
	case []any:
		for i, e := range v {
			if s.Elem && (s.Any || i == s.Index) {
				out = append(out, reachAll(e, steps[1:])...)
			}
		}
	}
	return out
}

// lastOf keeps the last value that is no object.
func lastOf(all []any) []any {
	for i := len(all) - 1; i >= 0; i-- {
		if _, object := all[i].(members); !object {
			return all[i : i+1]
		}
	}
	return nil
}

// selected returns the values that a condition is about: with a wildcard several.
func selected(sel Selector, root members) (values []any, exists bool) {
	wild, firstAny := false, -1
	for i, s := range sel {
		if s.Any && firstAny < 0 {
			firstAny = i
		}
		wild = wild || s.Any
	}
	keys := 0
	for keys < len(sel) && !sel[keys].Elem && !sel[keys].Any {
		keys++
	}
	if keys < len(sel) && !sel[keys].Elem { // a wildcard of members
		all := reachAll(root, sel)
		return all, len(all) > 0
	}
	all := reachAll(root, sel[:keys])
	exists = len(all) > 0
	all = lastOf(all)
	if keys == len(sel) {
		return all, exists
	}
	if len(all) > 0 {
		all = reachAll(all[0], sel[keys:])
	}
	exists = len(all) > 0
	if !wild {
		all = lastOf(all)
	}
	return all, exists
}

func condOf(c Cond, root members) bool {
	switch c := c.(type) {
	case *And:
		for _, k := range c.X {
			if !condOf(k, root) {
				return false
			}
		}
		return true
	case *Or:
		for _, k := range c.X {
			if condOf(k, root) {
				return true
			}
		}
		return false
	case *NotExists:
		_, exists := selected(c.Sel, root)
		return !exists
	case *Is:
		values, _ := selected(c.Sel, root)
		for _, v := range values {
			if c.What == Null && v == nil || c.What == True && v == true || c.What == False && v == false {
				return true
			}
		}
		return false
	case *Compare:
		values, _ := selected(c.Sel, root)
		for _, v := range values {
			switch v := v.(type) {
			case string:
				if compareText(c, v, true) {
					return true
				}
			case json.Number:
				if compareText(c, v.String(), false) {
					return true
				}
			case bool:
				if compareText(c, strconv.FormatBool(v), true) {
					return true
				}
			}
		}
		return false
	}
	return false
}

// compareText compares a value; one that is a string is no number for < and >.
func compareText(c *Compare, text string, isString bool) bool {
	v := &c.Operand
	switch v.Kind {
	case RegexOperand:
		return regexp.MustCompile(v.Regexp.Go).MatchString(text) == (c.Op == Eq)
	case NumberOperand:
		ok := regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`).MatchString(text)
		n, err := strconv.ParseFloat(text, 64)
		ok = ok && (err == nil || n > 1e300 || n < -1e300)
		if !ok || isString && c.Op > Ne {
			return c.Op == Ne
		}
		return map[CompareOp]bool{Eq: n == v.Number, Ne: n != v.Number, Lt: n < v.Number, Le: n <= v.Number, Gt: n > v.Number, Ge: n >= v.Number}[c.Op]
	}
	equal := text == v.Text
	switch {
	case v.Before && v.After:
		equal = strings.Contains(text, v.Text)
	case v.Before:
		equal = strings.HasSuffix(text, v.Text)
	case v.After:
		equal = strings.HasPrefix(text, v.Text)
	}
	return equal == (c.Op == Eq)
}

func wordsOf(line string) (out []string) {
	for {
		line = strings.TrimLeftFunc(line, func(r rune) bool { return r < 0x80 && unicode.IsSpace(r) })
		if line == "" {
			return out
		}
		re := regexp.MustCompile(`(?s)^(?:\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|([\["])(.*)$|([^ \t\n\v\f\r]+))`)
		g := re.FindStringSubmatchIndex(line)
		switch {
		case g[2] >= 0:
			out = append(out, line[g[2]:g[3]])
		case g[4] >= 0:
			out = append(out, line[g[4]:g[5]])
		case g[6] >= 0:
			out = append(out, line[g[8]:g[9]])
		default:
			out = append(out, line[g[10]:g[11]])
		}
		line = line[g[1]:]
	}
}

func fieldsOf(p *Pattern, words []string) bool {
	need := len(p.Fields)
	for _, f := range p.Fields {
		if f.Kind == Ellipsis {
			need--
		}
	}
	if len(words) < need {
		return false
	}
	at, behind := 0, false
	for i, f := range p.Fields {
		if f.Kind == Ellipsis {
			at, behind = len(words)-(len(p.Fields)-i-1), true
			continue
		}
		_ = behind
		if f.Cond != nil && !wordHolds(f.Cond, words[at]) {
			return false
		}
		at++
	}
	return true
}

func wordHolds(c Cond, word string) bool {
	switch c := c.(type) {
	case *And:
		for _, k := range c.X {
			if !wordHolds(k, word) {
				return false
			}
		}
		return true
	case *Or:
		for _, k := range c.X {
			if wordHolds(k, word) {
				return true
			}
		}
		return false
	case *Compare:
		return compareText(c, word, false)
	}
	return false
}

// maker makes patterns and messages that have much in common.
type maker struct{ *rand.Rand }

func (g maker) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g maker) word() string {
	return g.pick("a", "b", "ab", "1", "1.0", "10", "-5", "x y", "é", "true", "", "/p", `q"r`, "1e1")
}

func (g maker) selector() string {
	s := "$"
	wild := false
	for range 1 + g.IntN(3) {
		switch n := g.IntN(8); {
		case n == 0 && !wild:
			s, wild = s+"[*]", true
		case n == 1 && !wild:
			s, wild = s+".*", true
		case n == 2:
			s += "[" + strconv.Itoa(g.IntN(2)) + "]"
		default:
			s += g.pick(".a", ".b", ".['x y']", ".c")
		}
	}
	return s
}

func (g maker) operand() string {
	switch g.IntN(4) {
	case 0:
		return g.pick("1", "10", "-5", "1e1", "0.5")
	case 1:
		return g.pick("a*", "*b", "*", "1*", "true", "ab")
	case 2:
		return g.pick("%a%", "%^1%", `%\d$%`)
	}
	return strconv.Quote(g.pick("*", "") + g.pick("a", "x y", "1", "") + g.pick("*", ""))
}

func (g maker) cond(left func() string, depth int) string {
	if depth > 0 && g.IntN(2) == 0 {
		return "(" + g.cond(left, depth-1) + g.pick(" && ", " || ") + g.cond(left, depth-1) + ")"
	}
	s := left()
	if strings.HasPrefix(s, "$") {
		switch g.IntN(6) {
		case 0:
			return s + " NOT EXISTS"
		case 1:
			return s + " IS " + g.pick("NULL", "TRUE", "FALSE")
		}
	}
	if g.IntN(3) == 0 {
		return s + g.pick("<", "<=", ">", ">=") + g.pick("1", "5", "-1", "1e1")
	}
	return s + g.pick("=", "!=") + g.operand()
}

func (g maker) pattern() string {
	switch g.IntN(4) {
	case 0:
		s := ""
		for range 1 + g.IntN(3) {
			s += g.pick("", "-", "?") + strconv.Quote(g.pick("a", "b", "x y", "1", "é")) + " "
		}
		return s
	case 1:
		return g.pick("%a%", "%^a|b$%", `%\d+%`, "%x.y%", "%[^a]b{0,2}1%")
	case 2:
		return "{" + g.cond(g.selector, 2) + "}"
	}
	s, dots := "[", false
	for i := range 1 + g.IntN(4) {
		if i > 0 {
			s += ","
		}
		switch n := g.IntN(5); {
		case n == 0 && !dots:
			s, dots = s+"...", true
		case n == 1:
			s += fmt.Sprint("f", i)
		case n > 1:
			name := fmt.Sprint("f", i)
			s += g.cond(func() string { return name }, 1)
		}
	}
	return s + "]"
}

func (g maker) json(depth int) string {
	if depth > 0 && g.IntN(3) > 0 {
		var parts []string
		if g.IntN(2) == 0 {
			for range g.IntN(4) {
				parts = append(parts, g.json(depth-1))
			}
			return "[" + strings.Join(parts, ",") + "]"
		}
		for range g.IntN(5) {
			parts = append(parts, g.pick(`"a"`, `"b"`, `"x y"`, `"c"`, `"\u0061"`)+g.pick(":", " : ")+g.json(depth-1))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	switch g.IntN(4) {
	case 0:
		return g.pick("1", "10", "-5", "1.0", "0.5", "1e1", "true", "false", "null")
	case 1:
		return g.pick(`"\u0061b"`, `"x\ty"`, `"\""`, `"\\"`, `"\/p"`)
	}
	return strconv.Quote(g.word())
}

func (g maker) message() string {
	switch g.IntN(5) {
	case 0, 1:
		m := g.json(3)
		for !strings.HasPrefix(m, "{") {
			m = g.json(3)
		}
		return g.pick("", "", "", " ", "x ") + m + g.pick("", "", "", " ", ",")
	case 2:
		return g.json(2)
	}
	m := ""
	for range g.IntN(6) {
		m += g.pick("", "[", `"`, "[") + g.word() + g.pick("", "]", `"`, "]") + g.pick(" ", "\t", "  ")
	}
	return m
}

func TestMatcherAgreesWithReference(t *testing.T) {
	g := maker{rand.New(rand.NewPCG(7, 8))}
	patterns, hits := 4000, 0
	if testing.Short() {
		patterns = 800
	}
	for range patterns {
		text := g.pattern()
		p, err := Parse(text)
		if err != nil {
			continue
		}
		checkPrint(t, p)
		m, need := p.Compile(), p.Need()
		for range 25 {
			message := g.message()
			got := m.Match([]byte(message))
			if want := reference(p, message); got != want {
				t.Fatalf("pattern %s on %q: got %v, want %v", text, message, got, want)
			}
			if got {
				hits++
			}
			if got && !need.Meets(message) {
				t.Fatalf("pattern %s matches %q, which does not meet %+v", text, message, need)
			}
			if _, ok := m.Values([]byte(message)); ok != got {
				t.Fatalf("pattern %s on %q: values %v, match %v", text, message, ok, got)
			}
		}
	}
	if hits < patterns {
		t.Errorf("%d messages matched: the test shows little", hits)
	}
}

func FuzzMatch(f *testing.F) {
	g := maker{rand.New(rand.NewPCG(9, 10))}
	for range 40 {
		f.Add(g.pattern(), g.message())
	}
	f.Fuzz(func(t *testing.T, text, message string) {
		p, err := Parse(text)
		if err != nil || len(text) > 200 {
			return
		}
		got := p.Compile().Match([]byte(message))
		if got && !p.Need().Meets(message) {
			t.Fatalf("pattern %q matches %q, which does not meet %+v", text, message, p.Need())
		}
		// encoding/json is stricter about strings and mends their UTF-8, so only plain ASCII messages are compared.
		if strings.IndexFunc(message, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 || p.Kind == JSON && strings.Contains(message, `\`) {
			return
		}
		if want := reference(p, message); got != want {
			t.Fatalf("pattern %q on %q: got %v, want %v", text, message, got, want)
		}
	})
}
