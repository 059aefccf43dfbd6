package shred

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
