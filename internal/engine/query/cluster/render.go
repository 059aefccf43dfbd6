package cluster

import (
	"strconv"
	"strings"
)

var kindNames = [kinds]string{
	word: "Token", value: "Token", mixed: "ID", number: "Number", duration: "Duration", clock: "Time", address: "IPAddress", uuid: "UUID",
	ident: "ID", email: "Email", path: "Path", url: "URL", stack: "StackTrace",
}

// skeletal is a pattern whose tokens have no names yet.
type skeletal struct {
	text  []byte // with a 0 for each slot
	slots []slotted
}

// slotted is a token, or a value that is the same in all messages.
type slotted struct {
	kind  uint8
	value string
}

// skeletonOf returns the pattern of a template of a shape.
func skeletonOf(shape string, t template) skeletal {
	var s skeletal
	slot := func(x slotted) {
		s.text = append(s.text, 0)
		s.slots = append(s.slots, x)
	}
	words, values := t.words, t.values
	for i := range len(shape) {
		switch c := shape[i]; {
		case c == markWord:
			if words[0] == "" {
				slot(slotted{})
			} else {
				s.text = append(s.text, words[0]...)
			}
			words = words[1:]
		case c == markValue || c == markMixed:
			switch v := values[0]; {
			case v != varies:
				slot(slotted{value: v})
			case c == markMixed:
				slot(slotted{kind: ident})
			default:
				slot(slotted{})
			}
			values = values[1:]
		case c == markRest:
			slot(slotted{})
		case isMark(c):
			slot(slotted{kind: c - markKind})
		default:
			s.text = append(s.text, c)
		}
	}
	return s
}

// general makes slots what both have in common: of different numbers and
// identifiers an identifier, else just a token.
func general(slots, others []slotted) {
	for i, a := range slots {
		switch b := others[i]; {
		case a == b:
		case a.isName() && b.isName():
			slots[i] = slotted{kind: ident}
		default:
			slots[i] = slotted{}
		}
	}
}

// isName reports whether s is a number or identifier.
func (s slotted) isName() bool {
	switch s.kind {
	case number, duration, uuid, ident:
		return true
	}
	return strings.ContainsAny(s.value, "0123456789")
}

// render returns the text of a pattern.
func render(text string, slots []slotted) string {
	var b []byte
	tokens := 0
	for i := range len(text) {
		if text[i] != 0 {
			b = append(b, text[i])
			continue
		}
		s := slots[0]
		slots = slots[1:]
		if s.value != "" {
			b = append(b, s.value...)
			continue
		}
		tokens++
		b = append(append(b, '<'), kindNames[s.kind]...)
		b = append(b, '-')
		b = append(strconv.AppendInt(b, int64(tokens), 10), '>')
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// severity returns the label of a pattern.
func severity(text string) string {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "error"):
		return "ERROR"
	case strings.Contains(text, "warn"):
		return "WARN"
	}
	return "INFO"
}
