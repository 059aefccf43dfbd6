package sink

import (
	"errors"
	"strings"
)

// arnParts is how many parts an ARN has: arn, partition, service, region, account, resource.
const arnParts = 6

// pattern matches ARNs part by part. A "*" stands for any text within its part; the last part, the resource, may hold ":".
type pattern [arnParts]string

var errPattern = errors.New(`not a pattern of ARNs such as "arn:aws:lambda:*:*:function:alerts"`)

func parsePattern(text string) (pattern, error) {
	var p pattern
	parts := strings.SplitN(text, ":", arnParts)
	if len(parts) != arnParts || parts[0] != "arn" || parts[arnParts-1] == "" {
		return p, errPattern
	}
	copy(p[:], parts)
	return p, nil
}

func (p *pattern) match(arn string) bool {
	rest := arn
	for i, part := range p {
		text := rest
		if i < arnParts-1 {
			var ok bool
			if text, rest, ok = strings.Cut(rest, ":"); !ok {
				return false
			}
		}
		if !glob(part, text) {
			return false
		}
	}
	return true
}

// glob reports whether text is pattern, in which each "*" stands for any text.
func glob(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for {
		piece, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, piece)
		}
		at := strings.Index(text, piece)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(piece):], next
	}
}
