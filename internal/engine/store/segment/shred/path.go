package shred

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// appendKey appends one key, already unescaped, to a path: '.' and '\' within
// the key are escaped with a backslash.
func appendKey(path []byte, key []byte, first bool) []byte {
	if !first {
		path = append(path, '.')
	}
	for _, b := range key {
		if b == '.' || b == '\\' {
			path = append(path, '\\')
		}
		path = append(path, b)
	}
	return path
}

// JoinPath returns the path of a value from its keys, outermost first: they
// are joined by '.', and '.' and '\' within a key get a backslash before them.
func JoinPath(keys ...string) string {
	var path []byte
	for i, key := range keys {
		path = appendKey(path, []byte(key), i == 0)
	}
	return string(path)
}

// unescape returns the content of a JSON string that was written as raw: raw
// itself when it has no escapes. An escape that JSON does not know stays as it
// is; half a surrogate pair is U+FFFD.
func unescape(raw []byte) []byte {
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	return column.AppendUnescaped(append(make([]byte, 0, len(raw)), raw[:i]...), raw[i:])
}
