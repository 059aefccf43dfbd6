// Package segment reads and writes part files: immutable files of log rows,
// the same bytes on disk and in an object store. The format is described byte
// by byte in docs/formats/segment.md and decided in
// docs/adr/0003-segment-format.md and docs/adr/0007-columns-and-indexes.md.
//
// A part holds blocks. A block holds rows of one group, sorted by (stream,
// timestamp, seq), at most MaxBlockRows rows and MaxBlockBytes bytes of
// messages. The row keys of a block (streams, positions, ingestion times,
// message lengths) lie in one small frame and the messages elsewhere, so that
// a scan by key does not touch messages. How messages lie is the block's mode:
//
//   - ModeRaw: concatenated, in one compressed frame;
//   - ModeJSON, ModeTemplate: taken apart into templates and columns (package
//     shred), which can be read one by one;
//   - ModeShared: with the messages of other small blocks in one frame.
//
// A BlockEncoder chooses the mode, rebuilds what it has taken apart and compares
// it; a block that would not come back byte for byte is stored raw and counted in
// Summary.NotRebuilt.
//
// A part may have a skip index (package skip). Its units are blocks with frames
// of their own, and shared frames; Reader.Index and BlockInfo.Unit connect the
// two. It only ever says where not to look.
//
// How to write:
//
//	w := segment.NewWriter(f, segment.WriterOptions{})
//	err := w.Add(group, rows)          // one block; groups ascend; rows is free for reuse afterwards
//	err = w.AddRaw(ctx, src, info)     // a block of another part, moved without decoding
//	sum, err := w.Finish()             // footer, sync
//
// Encoding is separate from writing, so that several goroutines can encode for
// one file:
//
//	enc := segment.NewBlockEncoder(opts)  // one per goroutine; opts as for the Writer
//	b, err := enc.Encode(group, rows)     // owns its memory; rows is free for reuse
//	err = w.AddEncoded(b)                 // one goroutine; its calls are the order in the file
//	b.Release()                           // the memory goes back to enc
//
// How to read:
//
//	r, err := segment.Open(f, name)    // one tail read; safe for concurrent use
//	blocks = r.Blocks(group, blocks[:0])
//	b, err := r.Read(ctx, blocks[0], &buf) // keys only
//	for _, run := range b.Streams() { ... b.Key(i) ... }
//	err = b.Load(ctx)                  // messages, checked against their hash
//	b.Message(i)
//	shape, err := b.Shape(ctx)         // instead of Load: columns of a block that is taken apart
//	x, err := r.Index()                // which units can hold what a query needs
//
// The input of Add and Encode is one slice of Row that the caller sorts and reuses; they
// copy what they need and allocate nothing per row.
//
// The package owns the bytes of one part. It does not know the catalog, names
// of groups or streams, retention, or which parts exist. It starts no
// goroutine. Files are reached through the narrow interfaces Source and Sink,
// which vfs.File satisfies.
package segment
