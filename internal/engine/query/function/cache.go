package function

// maxCached bounds the compiled constants that one call keeps.
const maxCached = 16

// maxPattern bounds a pattern or format that is no constant, in bytes; a longer
// one is as good as an invalid one.
const maxPattern = 4096

// cache keeps what was compiled from texts that are no constants. It belongs to
// one goroutine. Of texts that do not compile it keeps that they do not.
type cache[T any] struct {
	compile func(text string) (T, error)
	seen    map[string]cached[T]
}

type cached[T any] struct {
	v  T
	ok bool
}

func newCache[T any](compile func(text string) (T, error)) *cache[T] {
	return &cache[T]{compile: compile, seen: map[string]cached[T]{}}
}

func (c *cache[T]) get(text []byte) (T, bool) {
	if got, ok := c.seen[string(text)]; ok {
		return got.v, got.ok
	}
	var got cached[T]
	if len(text) <= maxPattern {
		v, err := c.compile(string(text))
		got = cached[T]{v, err == nil}
	}
	if len(text) > maxPattern {
		return got.v, false
	}
	if len(c.seen) >= maxCached {
		clear(c.seen)
	}
	c.seen[string(text)] = got
	return got.v, got.ok
}
