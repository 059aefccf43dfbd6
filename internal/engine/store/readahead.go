package store

import (
	"context"
	"fmt"
)

// openNext opens the first of what is unopened.
func (sc *scan) openNext() error {
	if len(sc.ahead) == 0 {
		item := sc.pending.pop(sc.reverse)
		if item.read == nil {
			return sc.expand(item.part)
		}
		sc.cut(item.read)
		sc.ahead = append(sc.ahead, item.read)
	}
	read := sc.ahead[0]
	if read.done == nil {
		if err := sc.reserve(read); err != nil {
			return err
		}
		sc.read(read)
	} else {
		select {
		case <-read.done:
		case <-sc.ctx.Done():
			return context.Cause(sc.ctx)
		}
	}
	sc.ahead = sc.ahead[1:]
	sc.count(read)
	sc.settle(read)
	if read.err != nil {
		return sc.blockError(read)
	}
	sc.take(read)
	return sc.readAhead()
}

// take puts what a read has found in its place: a cursor on the frontier, and the
// rest of a block of which only a slice was kept among what is unopened. Both come
// before reading ahead, which must know the rest and may fail.
func (sc *scan) take(read *blockRead) {
	if m := read.mem; m != nil {
		if len(m.out) > 0 {
			c := memCursor(m.out, m.src.chunks, sc.reverse)
			c.searched = true
			sc.push(c)
		}
		return
	}
	if read.from == nil {
		sc.stats.Blocks++
	}
	if read.open == nil {
		return
	}
	sc.push(blockCursor(read.open, sc.reverse))
	if read.next != nil {
		rest := &blockRead{part: read.part, info: read.info, from: read.next}
		sc.pending.push(sc.reverse, pendingItem{bound: *read.next, part: read.part, read: rest})
	}
}

// reserve reserves memory for a read. When the scan holds much already, because
// very many blocks overlap, only a slice of the block is kept.
func (sc *scan) reserve(read *blockRead) error {
	if read.mem != nil {
		return nil
	}
	read.cost = readCost(&read.info)
	read.narrow = !sc.account.roomy(read.cost)
	if err := sc.account.reserve(sc.ctx, read.cost); err != nil {
		read.cost = 0
		return fmt.Errorf("scan: %w", err)
	}
	return nil
}

// tryReserve reserves memory for a read ahead, which may well wait.
func (sc *scan) tryReserve(read *blockRead) bool {
	if read.mem != nil {
		return true
	}
	cost := readCost(&read.info)
	if !sc.account.roomy(cost) || !sc.account.try(cost) {
		return false
	}
	read.cost = cost
	return true
}

// settle gives back what a read does not need any more.
func (sc *scan) settle(read *blockRead) {
	cost := read.cost
	read.cost = 0
	if o := read.open; o != nil && o.kept != nil {
		o.held = min(o.held, cost)
		cost -= o.held
	}
	sc.account.release(cost)
}

// count adds the work of a read that has ended.
func (sc *scan) count(read *blockRead) {
	if read.from == nil {
		sc.stats.Rows += read.rows
		sc.stats.Bytes += read.bytes
	}
	sc.stats.DecodedBytes += read.decoded
	if read.mem != nil {
		sc.stats.MemoryRows += read.rows
		sc.stats.MemoryBytes += read.bytes
	}
	if read.keys {
		sc.stats.KeyBlocks++
	}
}

// readAhead starts the next reads. The first block of a scan is read alone, so
// that a small answer costs one block.
func (sc *scan) readAhead() error {
	most := 2
	if sc.match != nil {
		most = 2 * sc.workers
	}
	if sc.workers < 2 {
		most = 0
	}
	for len(sc.ahead) < sc.depth && len(sc.pending) > 0 {
		item := sc.pending.pop(sc.reverse)
		if item.read == nil {
			if err := sc.expand(item.part); err != nil {
				return err
			}
			continue
		}
		read := item.read
		if !sc.tryReserve(read) {
			sc.pending.push(sc.reverse, item)
			break
		}
		sc.cut(read)
		read.done = make(chan struct{})
		sc.ahead = append(sc.ahead, read)
		go func() {
			defer close(read.done)
			sc.read(read)
		}()
	}
	sc.depth = min(max(1, 2*sc.depth), most)
	return nil
}

// blockError decides what a failed read means: a damaged block is left out and
// counted, everything else ends the scan.
func (sc *scan) blockError(read *blockRead) error {
	if !isDamage(read.err) {
		if sc.ctx.Err() != nil {
			return context.Cause(sc.ctx)
		}
		return fmt.Errorf("scan: %w", read.err)
	}
	if read.part.quarantine(idOf(&read.info), read.err) {
		sc.log.Error("a block is damaged; its events are left out of every answer",
			"part", read.part.seg.ID, "group", sc.group, "events", read.info.Rows, "error", read.err)
	}
	sc.stats.DamagedBlocks++
	return nil
}
