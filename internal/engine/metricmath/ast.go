package metricmath

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// node is a part of an expression.
type node interface {
	pos() int
	write(b *strings.Builder)
}

type (
	numberNode struct {
		at    int
		value float64
	}
	stringNode struct {
		at   int
		text string
	}
	idNode struct {
		at   int
		name string
	}
	// wordNode is an upper case word that is no call: REPEAT, ASC, SUM …
	wordNode struct {
		at   int
		word string
	}
	unaryNode struct {
		at int
		x  node
	}
	binaryNode struct {
		at   int // of the operator
		op   string
		x, y node
	}
	arrayNode struct {
		at    int
		items []node
	}
	callNode struct {
		at   int
		name string
		args []node
	}
)

func (n *numberNode) pos() int { return n.at }
func (n *stringNode) pos() int { return n.at }
func (n *idNode) pos() int     { return n.at }
func (n *wordNode) pos() int   { return n.at }
func (n *unaryNode) pos() int  { return n.at }
func (n *binaryNode) pos() int { return n.at }
func (n *arrayNode) pos() int  { return n.at }
func (n *callNode) pos() int   { return n.at }

func (n *numberNode) write(b *strings.Builder) {
	b.WriteString(strconv.FormatFloat(n.value, 'g', -1, 64))
}

func (n *stringNode) write(b *strings.Builder) {
	quote := "'"
	if strings.Contains(n.text, quote) {
		quote = `"`
	}
	b.WriteString(quote + n.text + quote)
}

func (n *idNode) write(b *strings.Builder)   { b.WriteString(n.name) }
func (n *wordNode) write(b *strings.Builder) { b.WriteString(n.word) }

func (n *unaryNode) write(b *strings.Builder) {
	b.WriteString("(-")
	n.x.write(b)
	b.WriteByte(')')
}

func (n *binaryNode) write(b *strings.Builder) {
	b.WriteByte('(')
	n.x.write(b)
	b.WriteString(" " + n.op + " ")
	n.y.write(b)
	b.WriteByte(')')
}

func (n *arrayNode) write(b *strings.Builder) {
	b.WriteByte('[')
	writeList(b, n.items)
	b.WriteByte(']')
}

func (n *callNode) write(b *strings.Builder) {
	b.WriteString(n.name + "(")
	writeList(b, n.args)
	b.WriteByte(')')
}

func writeList(b *strings.Builder, list []node) {
	for i, x := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		x.write(b)
	}
}

// Expr is a parsed expression. It does not change.
type Expr struct {
	root node
	text string
}

// String returns the expression with all parentheses; it parses to the same expression.
func (e *Expr) String() string {
	var b strings.Builder
	e.root.write(&b)
	return b.String()
}

// Text returns the expression as it was written.
func (e *Expr) Text() string { return e.text }

// IDs returns the ids that the expression refers to, each once, in the order of
// their first place.
func (e *Expr) IDs() []string {
	var ids []string
	walk(e.root, func(n node) {
		if id, ok := n.(*idNode); ok && !slices.Contains(ids, id.name) {
			ids = append(ids, id.name)
		}
	})
	return ids
}

// Calls returns how many times the expression calls a function.
func (e *Expr) Calls(function string) int {
	n := 0
	walk(e.root, func(x node) {
		if c, ok := x.(*callNode); ok && c.name == function {
			n++
		}
	})
	return n
}

func walk(n node, see func(node)) {
	see(n)
	var below []node
	switch n := n.(type) {
	case *unaryNode:
		below = []node{n.x}
	case *binaryNode:
		below = []node{n.x, n.y}
	case *arrayNode:
		below = n.items
	case *callNode:
		below = n.args
	}
	for _, x := range below {
		walk(x, see)
	}
}

func errorAt(n node, format string, args ...any) error {
	return &Error{n.pos(), fmt.Sprintf(format, args...)}
}
