package segment

// Reuse returns the block that buf holds, with all that was read and decoded of
// it, when it is this block of r; otherwise nil. keys says that Read has read it,
// else only what Columns promises may be used until Read has.
func (r *Reader) Reuse(info BlockInfo, buf *Buffer) (b *Block, keys bool) {
	b = &buf.block
	if b.r != r || b.info != info {
		return nil, false
	}
	return b, b.read
}

// Trim gives the memory back that only reading needs, and reports whether a block
// is open in the Buffer that is worth a Reuse: one with a frame of its own whose
// messages were not decoded.
func (buf *Buffer) Trim() bool {
	b := &buf.block
	if b.r == nil || !b.read && b.shape == nil || b.loaded || b.info.Mode == ModeShared {
		return false
	}
	buf.stored, buf.keysRaw, buf.msgsRaw, buf.shaped, buf.shapeEnds, buf.shared = nil, nil, nil, nil, nil, nil
	b.encodedKeys = nil
	buf.sharedOf, buf.sharedLens, buf.order = nil, nil, [2][]uint32{}
	return true
}

// Memory returns about how many bytes the Buffer holds.
func (buf *Buffer) Memory() int64 {
	n := cap(buf.stored) + cap(buf.keysRaw) + cap(buf.msgsRaw) + cap(buf.headRaw) + cap(buf.shaped) + cap(buf.shared) +
		4*(cap(buf.shapeEnds)+cap(buf.batchOf)+cap(buf.ends)+cap(buf.order[0])+cap(buf.order[1])+cap(buf.sharedLens)) +
		16*cap(buf.keys) + 24*cap(buf.runs) + 24*cap(buf.batches)
	return int64(n) + buf.shape.Memory()
}
