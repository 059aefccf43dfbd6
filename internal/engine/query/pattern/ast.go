package pattern

import (
	"strings"
	"unicode"
)

// Kind says which of the languages a pattern is written in.
type Kind uint8

// The kinds.
const (
	Terms     Kind = iota // terms, phrases, ?optional and -excluded ones; none: everything matches
	Regex                 // one %regular expression%
	JSON                  // { conditions on the fields of a JSON object }
	Delimited             // [ the fields of a line, separated by blanks ]
)

// Span is a half-open range of byte offsets in the text of a pattern or in a
// message.
type Span struct{ Start, End int }

// Pattern is a parsed filter pattern. It is immutable and safe for concurrent
// use.
type Pattern struct {
	Kind   Kind
	Items  []Item  // of Terms
	Regexp *Regexp // of Regex
	Cond   Cond    // of JSON
	Fields []Field // of Delimited
}

// Op says what an item asks of a message.
type Op uint8

// The kinds of items.
const (
	Require  Op = iota // term: the text must occur
	Optional           // ?term: one of the optional texts must occur, see Pattern
	Exclude            // -term: the text must not occur
)

// Item is one term or phrase of an unstructured pattern.
type Item struct {
	Op   Op
	Text string // what is searched for, unescaped
	Span Span   // where the item stands in the parsed text, prefix included
}

// Regexp is a regular expression of the subset that filter patterns allow.
type Regexp struct {
	Source string // between the % signs, as written
	Go     string // the same for package regexp
	Span   Span   // % signs included
}

// Cond is a condition of a JSON pattern, or of one field of a delimited
// pattern: *And, *Or, *Compare, *Is or *NotExists.
type Cond interface {
	Where() Span
}

// And holds when all of X do; there are at least two.
type And struct {
	X    []Cond
	Span Span
}

// Or holds when one of X does; there are at least two.
type Or struct {
	X    []Cond
	Span Span
}

// Compare compares a value with an operand.
type Compare struct {
	Sel     Selector // of a JSON pattern; nil in a delimited one, where it is the token of the field
	Op      CompareOp
	Operand Operand
	Span    Span
}

// Is holds when a selector leads to JSON null, true or false.
type Is struct {
	Sel  Selector
	What Literal
	Span Span
}

// NotExists holds when a selector leads nowhere.
type NotExists struct {
	Sel  Selector
	Span Span
}

// Where returns the place of the condition in the pattern.
func (c *And) Where() Span { return c.Span }

// Where returns the place of the condition in the pattern.
func (c *Or) Where() Span { return c.Span }

// Where returns the place of the condition in the pattern.
func (c *Compare) Where() Span { return c.Span }

// Where returns the place of the condition in the pattern.
func (c *Is) Where() Span { return c.Span }

// Where returns the place of the condition in the pattern.
func (c *NotExists) Where() Span { return c.Span }

// CompareOp is a comparison.
type CompareOp uint8

// The comparisons. All but Eq and Ne take a number.
const (
	Eq CompareOp = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

var compareOps = [...]string{"=", "!=", "<", "<=", ">", ">="}

// String returns the operator as it is written.
func (o CompareOp) String() string { return compareOps[o] }

// Literal is what IS tests for.
type Literal uint8

// The literals.
const (
	Null Literal = iota
	True
	False
)

var literals = [...]string{"NULL", "TRUE", "FALSE"}

// String returns the literal as it is written.
func (l Literal) String() string { return literals[l] }

// OperandKind is the kind of an Operand.
type OperandKind uint8

// The kinds.
const (
	TextOperand   OperandKind = iota // exact text, or with wildcards at its ends
	NumberOperand                    // compared as a number
	RegexOperand                     // searched in the text of the value
)

// Operand is the right-hand side of a comparison.
type Operand struct {
	Kind   OperandKind
	Text   string  // of text: unescaped, without the wildcards at its ends; of a number: as written
	Quoted bool    // text that was written in quotes
	Before bool    // "*" before the text: anything may precede it
	After  bool    // "*" after it; a lone "*" is an empty Text with both
	Number float64 // of a number
	Regexp *Regexp // of a regular expression
	Span   Span
}

// Selector leads from a JSON object to values in it.
type Selector []Step

// Step is one step of a selector.
type Step struct {
	Name  string // of a member
	Index int    // of an element, when Elem
	Elem  bool   // an element of an array instead of a member of an object
	Any   bool   // every member, or every element
}

// FieldKind is the kind of a Field.
type FieldKind uint8

// The kinds.
const (
	Unnamed  FieldKind = iota // any token
	Named                     // a token with a name, maybe with a condition
	Ellipsis                  // any number of tokens, also none; at most one in a pattern
)

// Field is one field of a delimited pattern.
type Field struct {
	Kind FieldKind
	Name string
	Cond Cond // nil: any token
	Span Span
}

// All reports whether the pattern matches every message.
func (p *Pattern) All() bool {
	return p.Kind == Terms && (len(p.Items) == 0 ||
		len(p.Items) == 1 && p.Items[0].Op == Require && isBlank(p.Items[0].Text))
}

func isBlank(s string) bool { return strings.TrimFunc(s, unicode.IsSpace) == "" }

// isWord reports whether s can stand in a pattern without quotes.
func isWord(s string) bool { return s != "" && strings.IndexFunc(s, notWordRune) < 0 }

func notWordRune(r rune) bool {
	return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}
