// Package segment reads and writes part files: immutable files of log rows,
// the same bytes on disk and in an object store. The format is described byte
// by byte in docs/formats/segment.md and decided in
// docs/adr/0003-segment-format.md.
//
// A part holds blocks. A block holds rows of one group, sorted by (stream,
// timestamp, seq), at most MaxBlockRows rows and MaxBlockBytes bytes of
// messages. The row keys of a block (streams, positions, ingestion times,
// message lengths) lie in one small frame and the messages in another, so that
// a scan by key does not touch messages. Small blocks of neighbouring groups
// share one frame.
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
//
// The input of Add and Encode is one slice of Row that the caller sorts and reuses; they
// copy what they need and allocate nothing per row.
//
// The package owns the bytes of one part. It does not know the catalog, names
// of groups or streams, retention, or which parts exist. It starts no
// goroutine. Files are reached through the narrow interfaces Source and Sink,
// which vfs.File satisfies.
package segment
