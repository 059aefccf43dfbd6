package alarms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of the rule of a composite alarm.
const (
	MaxRule         = 10_240 // bytes
	MaxChildren     = 100    // alarms that a rule names
	MaxRuleElements = 500    // alarms, TRUE, FALSE and pairs of parentheses
	MaxParents      = 150    // composite alarms that name one alarm
)

// A RuleError says what is wrong with a rule and where: Offset is in bytes.
type RuleError struct {
	Offset  int
	Message string
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("invalid alarm rule at character %d: %s", e.Offset+1, e.Message)
}

// Rule is the parsed rule of a composite alarm. It is immutable.
type Rule struct {
	root     node
	children []string
}

// Children returns the alarms that the rule names, as it names them, each once, in the order of
// the rule. The caller must not change the result.
func (r *Rule) Children() []string { return r.children }

// Holds evaluates the rule: state gives the state of a child, by its name in the
// rule; "" for an alarm that does not exist.
func (r *Rule) Holds(state func(name string) string) bool { return r.root.holds(state) }

// String returns the rule in a canonical form that parses to the same rule.
func (r *Rule) String() string {
	var b strings.Builder
	r.root.print(&b, 0)
	return b.String()
}

// node is a part of a rule. Precedence when printed: 0 OR, 1 AND, 2 NOT.
type node interface {
	holds(state func(string) string) bool
	print(b *strings.Builder, precedence int)
}

type (
	constant  bool
	condition struct{ state, name string }
	negation  struct{ of node }
	operation struct {
		and         bool
		left, right node
	}
	atLeast struct {
		n       int
		percent bool
		not     bool
		state   string
		names   []string
	}
)

func (n constant) holds(func(string) string) bool        { return bool(n) }
func (n condition) holds(state func(string) string) bool { return state(n.name) == n.state }
func (n negation) holds(state func(string) string) bool  { return !n.of.holds(state) }
func (n operation) holds(state func(name string) string) bool {
	if n.and {
		return n.left.holds(state) && n.right.holds(state)
	}
	return n.left.holds(state) || n.right.holds(state)
}

func (n atLeast) holds(state func(name string) string) bool {
	met := 0
	for _, name := range n.names {
		if s := state(name); s != "" && (s == n.state) != n.not {
			met++
		}
	}
	if n.percent {
		return met*100 >= n.n*len(n.names)
	}
	return met >= n.n
}

func (n constant) print(b *strings.Builder, _ int) {
	b.WriteString(strings.ToUpper(strconv.FormatBool(bool(n))))
}

func printName(b *strings.Builder, name string) {
	b.WriteByte('"')
	b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name))
	b.WriteByte('"')
}

func (n condition) print(b *strings.Builder, _ int) {
	b.WriteString(n.state)
	b.WriteByte('(')
	printName(b, n.name)
	b.WriteByte(')')
}

func (n negation) print(b *strings.Builder, _ int) {
	b.WriteString("NOT ")
	n.of.print(b, 2)
}

func (n operation) print(b *strings.Builder, outer int) {
	own, word := 0, " OR "
	if n.and {
		own, word = 1, " AND "
	}
	if own < outer {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	n.left.print(b, own)
	b.WriteString(word)
	n.right.print(b, own+1)
}

func (n atLeast) print(b *strings.Builder, _ int) {
	b.WriteString("AT_LEAST(" + strconv.Itoa(n.n))
	if n.percent {
		b.WriteByte('%')
	}
	b.WriteString(", ")
	if n.not {
		b.WriteString("NOT ")
	}
	b.WriteString(n.state + ", (")
	for i, name := range n.names {
		if i > 0 {
			b.WriteString(", ")
		}
		printName(b, name)
	}
	b.WriteString("))")
}

// ParseRule parses the rule of a composite alarm: ALARM(name), OK(name),
// INSUFFICIENT_DATA(name), AT_LEAST(n, state, (name, …)), TRUE, FALSE, AND, OR, NOT and parentheses. NOT
// binds closer than AND, AND closer than OR. Words are read in any case (ours). A name is in double
// quotes, where a backslash takes the next character as it is, or ends before the
// next space, comma, quote or parenthesis. An error is a *RuleError.
func ParseRule(text string) (*Rule, error) {
	if len(text) > MaxRule {
		return nil, &RuleError{MaxRule, fmt.Sprintf("the rule has more than %d characters", MaxRule)}
	}
	p := ruleParser{text: text}
	root, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.at < len(text) {
		return nil, p.errorf("unexpected %s", p.next())
	}
	return &Rule{root: root, children: p.children}, nil
}

// maxRuleDepth bounds the recursion; elements bound it too, but NOT is none.
const maxRuleDepth = MaxRuleElements

type ruleParser struct {
	text     string
	at       int
	elements int
	children []string
}

func (p *ruleParser) errorf(format string, args ...any) error {
	return &RuleError{p.at, fmt.Sprintf(format, args...)}
}

func (p *ruleParser) skip() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// next describes what comes next, for errors.
func (p *ruleParser) next() string {
	if p.at >= len(p.text) {
		return "end of the rule"
	}
	rest := p.text[p.at:]
	if i := strings.IndexAny(rest, " \t\r\n(),\""); i > 0 {
		rest = rest[:i]
	} else if i == 0 {
		rest = rest[:1]
	}
	if len(rest) > 40 {
		rest = rest[:40]
	}
	return strconv.Quote(rest)
}

// word returns the letters, digits and underscores that come next, in upper case, without taking
// them.
func (p *ruleParser) word() string {
	p.skip()
	end := p.at
	for end < len(p.text) {
		c := p.text[end]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		end++
	}
	return strings.ToUpper(p.text[p.at:end])
}

func (p *ruleParser) take(word string) bool {
	if p.word() != word {
		return false
	}
	p.at += len(word)
	return true
}

func (p *ruleParser) expect(c byte) error {
	if p.skip(); p.at >= len(p.text) || p.text[p.at] != c {
		return p.errorf("expected %q, found %s", string(c), p.next())
	}
	p.at++
	return nil
}

// count counts an element.
func (p *ruleParser) count() error {
	if p.elements++; p.elements > MaxRuleElements {
		return p.errorf("the rule has more than %d elements", MaxRuleElements)
	}
	return nil
}

func (p *ruleParser) or(depth int) (node, error) {
	left, err := p.and(depth)
	for err == nil && p.take("OR") {
		var right node
		right, err = p.and(depth)
		left = operation{false, left, right}
	}
	return left, err
}

func (p *ruleParser) and(depth int) (node, error) {
	left, err := p.not(depth)
	for err == nil && p.take("AND") {
		var right node
		right, err = p.not(depth)
		left = operation{true, left, right}
	}
	return left, err
}

func (p *ruleParser) not(depth int) (node, error) {
	if depth > maxRuleDepth {
		return nil, p.errorf("the rule is nested too deeply")
	}
	if p.take("NOT") {
		of, err := p.not(depth + 1)
		return negation{of}, err
	}
	p.skip()
	if p.at < len(p.text) && p.text[p.at] == '(' {
		p.at++
		if err := p.count(); err != nil {
			return nil, err
		}
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		return n, p.expect(')')
	}
	return p.element()
}

func (p *ruleParser) element() (node, error) {
	switch w := p.word(); w {
	case "TRUE", "FALSE":
		p.at += len(w)
		return constant(w == "TRUE"), p.count()
	case Alarming, OK, Insufficient:
		p.at += len(w)
		if err := p.expect('('); err != nil {
			return nil, err
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		return condition{w, name}, p.expect(')')
	case "AT_LEAST":
		p.at += len(w)
		return p.atLeast()
	}
	return nil, p.errorf("expected ALARM, OK, INSUFFICIENT_DATA, AT_LEAST, TRUE, FALSE, NOT or a parenthesis, found %s", p.next())
}

// atLeast parses (n, state, (name, …)): n may be a percentage, and the state may follow
// NOT.
func (p *ruleParser) atLeast() (node, error) {
	var n atLeast
	if err := p.expect('('); err != nil {
		return nil, err
	}
	digits := p.word()
	number, err := strconv.Atoi(digits)
	if err != nil || number < 1 {
		return nil, p.errorf("expected a number of alarms or a percentage, found %s", p.next())
	}
	at := p.at
	p.at += len(digits)
	n.n = number
	if p.at < len(p.text) && p.text[p.at] == '%' {
		p.at++
		if n.percent = true; number > 100 {
			return nil, &RuleError{at, "a percentage is at most 100"}
		}
	}
	if err := p.expect(','); err != nil {
		return nil, err
	}
	n.not = p.take("NOT")
	n.state = p.word()
	if n.state != Alarming && n.state != OK && n.state != Insufficient {
		return nil, p.errorf("expected ALARM, OK or INSUFFICIENT_DATA, found %s", p.next())
	}
	p.at += len(n.state)
	if err := p.expect(','); err != nil {
		return nil, err
	}
	if n.names, err = p.names(); err != nil {
		return nil, err
	}
	if !n.percent && n.n > len(n.names) {
		return nil, &RuleError{at, fmt.Sprintf("at least %d of %d alarms", n.n, len(n.names))}
	}
	return n, p.expect(')')
}

func (p *ruleParser) names() ([]string, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var names []string
	for {
		at := p.at
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, name) {
			return nil, &RuleError{at, "the alarm " + strconv.Quote(name) + " is named twice in a list"}
		}
		names = append(names, name)
		if p.skip(); p.at < len(p.text) && p.text[p.at] == ',' {
			p.at++
			continue
		}
		return names, p.expect(')')
	}
}

// name parses a name and notes it as a child.
func (p *ruleParser) name() (string, error) {
	p.skip()
	start := p.at
	var name string
	if p.at < len(p.text) && p.text[p.at] == '"' {
		var b strings.Builder
		for p.at++; ; p.at++ {
			if p.at < len(p.text) && p.text[p.at] == '"' {
				p.at++
				break
			}
			if p.at < len(p.text) && p.text[p.at] == '\\' {
				p.at++
			}
			if p.at >= len(p.text) {
				return "", &RuleError{start, "the quote does not end"}
			}
			b.WriteByte(p.text[p.at])
		}
		name = b.String()
	} else {
		end := strings.IndexAny(p.text[p.at:], " \t\r\n(),\"")
		if end < 0 {
			end = len(p.text) - p.at
		}
		name = p.text[p.at : p.at+end]
		p.at += end
	}
	if name == "" {
		return "", &RuleError{start, "expected the name of an alarm"}
	}
	if err := p.count(); err != nil {
		return "", err
	}
	if !slices.Contains(p.children, name) {
		if len(p.children) == MaxChildren {
			return "", &RuleError{start, fmt.Sprintf("the rule names more than %d alarms", MaxChildren)}
		}
		p.children = append(p.children, name)
	}
	return name, nil
}
