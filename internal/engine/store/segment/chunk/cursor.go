package chunk

import (
	"encoding/binary"
	"fmt"
)

// cursor reads a chunk from front to back. After an error it gives zeros.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	c.b = nil
}

func (c *cursor) u8() uint8 {
	if len(c.b) == 0 {
		c.fail("it ends early")
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail("a number is cut or too long")
		return 0
	}
	c.b = c.b[n:]
	return v
}

// count reads a number of at most most.
func (c *cursor) count(most int, what string) int {
	v := c.uvarint()
	if v > uint64(most) {
		c.fail(what + " is out of bounds")
		return 0
	}
	return int(v)
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.fail("it ends early")
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// fit returns a slice of n elements, in the memory of s when it is large enough.
func fit[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
