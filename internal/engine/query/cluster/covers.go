package cluster

import "strings"

// Covers reports whether pattern is text, or becomes it when some of its tokens
// are replaced by what they stand for: words, or other tokens. Two ranges of time
// can show the same messages as patterns of which one covers the other.
func Covers(pattern, text string) bool {
	if pattern == text {
		return true
	}
	first := true
	for {
		literal, token, rest := cutToken(pattern)
		if token == "" {
			if first {
				return false
			}
			at := len(text) - len(literal)
			return at > 0 && text[at:] == literal && stands(token, text[:at])
		}
		if first {
			if !strings.HasPrefix(text, literal) {
				return false
			}
			text = text[len(literal):]
		}
		first = false
		// What the token stands for ends where the next literal begins.
		next, more, _ := cutToken(rest)
		at := len(text) - len(next)
		if more != "" {
			if at = strings.Index(text[min(1, len(text)):], next) + 1; at == 0 {
				return false
			}
			if next == "" {
				at = min(len(text), max(1, strings.IndexByte(text, '>')+1))
			}
		}
		if at < 1 || !strings.HasPrefix(text[at:], next) || !stands(token, text[:at]) {
			return false
		}
		text, pattern = text[at+len(next):], rest[len(next):]
		if more == "" {
			return text == ""
		}
	}
}

// stands reports whether a token can stand for part: something without blanks,
// unless it is a time or a stack trace.
func stands(token, part string) bool {
	return part != "" && (token == "Time" || token == "StackTrace" || !strings.ContainsAny(part, " \n"))
}

// cutToken cuts a pattern at its first token, of which it returns the name.
func cutToken(pattern string) (literal, token, rest string) {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '<' {
			continue
		}
		name, after, ok := strings.Cut(pattern[i+1:], "-")
		if !ok || !isKindName(name) {
			continue
		}
		digits := 0
		for digits < len(after) && after[digits]-'0' <= 9 {
			digits++
		}
		if digits > 0 && digits < len(after) && after[digits] == '>' {
			return pattern[:i], name, after[digits+1:]
		}
	}
	return pattern, "", ""
}

func isKindName(name string) bool {
	for _, k := range kindNames {
		if k == name {
			return true
		}
	}
	return false
}
