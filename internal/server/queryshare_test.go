package server

import "testing"

func TestQueryShare(t *testing.T) {
	const MiB = 1 << 20
	for _, c := range []struct {
		memory      int64
		concurrency int
		n           int
		each        int64
	}{
		{64 * MiB, 4, 4, 8 * MiB},
		{64 * MiB, 16, 4, 8 * MiB},
		{256 * MiB, 4, 4, 32 * MiB},
		{1024 * MiB, 4, 4, 64 * MiB},
		{1024 * MiB, 16, 8, 64 * MiB},
		{8192 * MiB, 16, 16, 128 * MiB},
		{64 * MiB, 1, 1, 16 * MiB},
	} {
		if n, each := queryShare(c.memory, c.concurrency); n != c.n || each != c.each {
			t.Errorf("%d MiB, %d: got %d of %d MiB", c.memory>>20, c.concurrency, n, each>>20)
		}
	}
}
