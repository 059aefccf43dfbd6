package store

import (
	"encoding/binary"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// streamDir is which streams a block holds: the differences of their ids as
// uvarints, ascending. It takes one to two bytes for each, so that a small cache
// remembers very many blocks, and a stream of few events in a huge group is found
// without the keys of the blocks it is not in.
type streamDir []byte

// makeStreamDir describes the streams of a block.
func makeStreamDir(runs []segment.StreamRun) streamDir {
	d := make(streamDir, 0, 2*len(runs)+8)
	last := logs.StreamID(0)
	for _, r := range runs {
		d = binary.AppendUvarint(d, uint64(r.Stream-last))
		last = r.Stream
	}
	return d
}

// hasAny reports whether the block has one of the streams, which are sorted.
func (d streamDir) hasAny(streams []logs.StreamID) bool {
	id := logs.StreamID(0)
	for len(d) > 0 && len(streams) > 0 {
		v, n := binary.Uvarint(d)
		if n <= 0 {
			return true
		}
		d = d[n:]
		id += logs.StreamID(v)
		for len(streams) > 0 && streams[0] < id {
			streams = streams[1:]
		}
		if len(streams) > 0 && streams[0] == id {
			return true
		}
	}
	return false
}

// lacks reports whether it is known that a block has none of the wanted streams.
func (s *Store) lacks(k cacheKey, streams []logs.StreamID) bool {
	if streams == nil {
		return false
	}
	d := s.dirs.get(k)
	return d != nil && !d.streams.hasAny(streams)
}

// remember keeps which streams a block holds.
func (s *Store) remember(k cacheKey, runs []segment.StreamRun) {
	s.dirs.putNew(k, func() *blockData { return &blockData{streams: makeStreamDir(runs)} })
}
