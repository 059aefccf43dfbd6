package segment

// Sizes says where the bytes of a part are. Frame headers count to what the
// frame holds; the sums of all fields but the counts is the size of the file.
type Sizes struct {
	Keys     int64 // frames of row keys
	Heads    int64 // templates and column directories of blocks that are taken apart
	Bodies   int64 // their columns
	Messages int64 // frames of concatenated messages
	Shared   int64 // frames that small blocks share, keys and messages
	Tokens   int64 // skip index of tokens
	Trigrams int64 // skip index of trigrams
	Index    int64 // block index and directory of groups
	Other    int64 // header, meta, footer, trailer, sections not known

	Blocks    [modes]int   // by Mode
	BlocksRaw [modes]int64 // bytes of messages by Mode
	Units     int          // units of the skip index: own frames, and shared frames
}

// Add adds those of another part.
func (s *Sizes) Add(o *Sizes) {
	s.Keys += o.Keys
	s.Heads += o.Heads
	s.Bodies += o.Bodies
	s.Messages += o.Messages
	s.Shared += o.Shared
	s.Tokens += o.Tokens
	s.Trigrams += o.Trigrams
	s.Index += o.Index
	s.Other += o.Other
	for m := range s.Blocks {
		s.Blocks[m] += o.Blocks[m]
		s.BlocksRaw[m] += o.BlocksRaw[m]
	}
	s.Units += o.Units
}

// Total returns the bytes of the file.
func (s *Sizes) Total() int64 {
	return s.Keys + s.Heads + s.Bodies + s.Messages + s.Shared + s.Tokens + s.Trigrams + s.Index + s.Other
}

func (s *Sizes) block(b *BlockInfo) {
	s.Blocks[b.Mode]++
	s.BlocksRaw[b.Mode] += b.RawBytes
	switch {
	case b.Mode == ModeShared:
		return
	case b.Mode.shaped():
		s.Heads += b.headLen
		s.Bodies += b.messageLen - b.headLen
	default:
		s.Messages += b.messageLen
	}
	s.Keys += b.keysLen
	s.Units++
}

func (s *Sizes) shared(f *sharedFrame) {
	s.Shared += f.stored
	s.Units++
}

func (s *Sizes) section(t *section) {
	switch t.kind {
	case kindTokens:
		s.Tokens += t.len
	case kindTrigrams:
		s.Trigrams += t.len
	case kindIndex, kindGroups:
		s.Index += t.len
	}
}

// sizes adds up a whole part.
func sizes(x *index, table []section, file int64) Sizes {
	var s Sizes
	for i := range x.shared {
		s.shared(&x.shared[i])
	}
	x.walk(0, x.blocks, func(b *BlockInfo) bool {
		s.block(b)
		return true
	})
	for i := range table {
		s.section(&table[i])
	}
	s.Other = file - s.Total()
	return s
}

// Sizes says where the bytes of the part are. It does no I/O but decodes the
// whole index.
func (r *Reader) Sizes() Sizes { return sizes(r.index, r.table, r.size) }
