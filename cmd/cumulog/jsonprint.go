package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// span is a stretch of text in one style, from the end of the span before it.
type span struct {
	end   int
	style style
}

// isObject reports whether text is one JSON object.
func isObject(text string) bool {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	return strings.HasPrefix(trimmed, "{") && json.Valid([]byte(text))
}

// formatJSON writes a JSON object in one line, or indented, and says how its parts are coloured: names in one colour, values as rest says.
// Text that is no JSON object is returned as it is.
func formatJSON(text string, indent bool, rest style) (string, []span) {
	if !isObject(text) {
		return text, []span{{len(text), rest}}
	}
	var b bytes.Buffer
	var err error
	if indent {
		err = json.Indent(&b, []byte(text), "", "  ")
	} else {
		err = json.Compact(&b, []byte(text))
	}
	if err != nil {
		return text, []span{{len(text), rest}}
	}
	out := strings.TrimSpace(b.String())
	return out, jsonSpans(out, rest)
}

// jsonSpans finds the names of the members in valid JSON.
func jsonSpans(text string, rest style) []span {
	var spans []span
	for i := 0; i < len(text); {
		if text[i] != '"' {
			i++
			continue
		}
		start := i
		for i++; i < len(text) && text[i] != '"'; i++ {
			if text[i] == '\\' {
				i++
			}
		}
		i = min(i+1, len(text))
		if i < len(text) && text[i] == ':' {
			spans = append(spans, span{start, rest}, span{i, styleKey})
		}
	}
	return append(spans, span{len(text), rest})
}

// jsonMembers returns the members of a message that is a JSON object.
func jsonMembers(text string) (map[string]json.RawMessage, bool) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return nil, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil {
		return nil, false
	}
	return members, true
}

// lookup finds a.b: the member of that very name, or b in the object a.
func lookup(members map[string]json.RawMessage, path string) (json.RawMessage, bool) {
	if raw, ok := members[path]; ok {
		return raw, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if raw, ok := members[path[:i]]; ok {
			if inner, ok := jsonMembers(string(raw)); ok {
				if found, ok := lookup(inner, path[i+1:]); ok {
					return found, true
				}
			}
		}
	}
	return nil, false
}

// formatFields prints the chosen fields of a JSON object as name=value. ok is false when text is none.
func formatFields(text string, fields []string, rest style) (out string, spans []span, ok bool) {
	members, ok := jsonMembers(text)
	if !ok {
		return "", nil, false
	}
	var b strings.Builder
	for _, name := range fields {
		raw, found := lookup(members, name)
		if !found {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		spans = append(spans, span{b.Len(), rest})
		b.WriteString(name)
		spans = append(spans, span{b.Len(), styleKey})
		b.WriteByte('=')
		b.WriteString(fieldText(raw))
	}
	return b.String(), append(spans, span{b.Len(), rest}), true
}

// fieldText is a string without its quotes where it stays one word, and any other value in one line.
func fieldText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && raw[0] == '"' {
		if s != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || r == 0x7f }) < 0 {
			return s
		}
		return string(raw)
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}
