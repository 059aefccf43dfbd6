package catalog

import (
	"errors"
	"unicode/utf8"
)

// errStop ends a read early without an error.
var errStop = errors.New("stop")

// nameBounds is a range of names in byte order.
type nameBounds struct {
	lower          string // "" = none
	lowerExclusive bool
	upper          string // exclusive; "" = none
}

// nameRange returns the bounds for names that begin with prefix and lie beyond
// the position after: greater, or smaller when descending. There is one bound
// on each side, so that an index range scan reads nothing it does not return.
func nameRange(prefix, after string, descending bool) nameBounds {
	r := nameBounds{lower: prefix, upper: prefixEnd(prefix)}
	switch {
	case after == "":
	case descending:
		if r.upper == "" || after < r.upper {
			r.upper = after
		}
	case after >= r.lower:
		r.lower, r.lowerExclusive = after, true
	}
	return r
}

// where appends the bounds to a query on the column name.
func (r nameBounds) where(query string, args []any) (string, []any) {
	if r.lower != "" {
		if r.lowerExclusive {
			query += ` AND name > ?`
		} else {
			query += ` AND name >= ?`
		}
		args = append(args, r.lower)
	}
	if r.upper != "" {
		query += ` AND name < ?`
		args = append(args, r.upper)
	}
	return query, args
}

// prefixEnd returns the smallest text greater than every text that begins with
// prefix, or "" when there is none. It increments code points, so the result
// of valid UTF-8 is valid UTF-8, whose byte order is code point order.
func prefixEnd(prefix string) string {
	for len(prefix) > 0 {
		r, n := utf8.DecodeLastRuneInString(prefix)
		head := prefix[:len(prefix)-n]
		if r == utf8.RuneError && n == 1 { // a byte that is no UTF-8
			if b := prefix[len(prefix)-1]; b < 0xff {
				return head + string([]byte{b + 1})
			}
		} else if r < utf8.MaxRune {
			r++
			if r == 0xd800 {
				r = 0xe000 // no surrogates
			}
			return head + string(r)
		}
		prefix = head
	}
	return ""
}
