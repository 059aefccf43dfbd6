package pattern

import "github.com/cumulog/cumulog/internal/engine/hint"

// maxGateTexts bounds the texts that a gate searches for. Looking for more of
// them costs about as much as reading the message.
const maxGateTexts = 12

// gate is a compiled Need. It turns away most messages that cannot match before
// they are taken apart. The zero gate is open to all.
type gate struct {
	op   hint.Op
	text finder // of hint.Contains
	kids []gate // of hint.All and hint.OneOf
}

func newGate(n hint.Need) gate {
	if countTexts(n) > maxGateTexts {
		return gate{}
	}
	return compileGate(n)
}

func countTexts(n hint.Need) int {
	if n.Op == hint.Contains {
		return 1
	}
	sum := 0
	for _, k := range n.Kids {
		sum += countTexts(k)
	}
	return sum
}

func compileGate(n hint.Need) gate {
	g := gate{op: n.Op}
	if n.Op == hint.Contains {
		g.text = newFinder(n.Text)
	}
	for _, k := range n.Kids {
		g.kids = append(g.kids, compileGate(k))
	}
	return g
}

// open reports whether a message meets the need.
func (g *gate) open(m []byte) bool {
	switch g.op {
	case hint.Never:
		return false
	case hint.Contains:
		return g.text.in(m)
	case hint.All:
		for i := range g.kids {
			if !g.kids[i].open(m) {
				return false
			}
		}
	case hint.OneOf:
		for i := range g.kids {
			if g.kids[i].open(m) {
				return true
			}
		}
		return false
	}
	return true
}
