package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Recovery is what Open found.
type Recovery struct {
	Files     int    // log files
	Bytes     int64  // used in them
	Records   int64  // replayed
	Skipped   int64  // records at or below the checkpoint that were met
	Begins    uint64 // records up to it were released before the oldest file was made; 0 when that is not readable
	TornBytes int64  // of a group at the very end that was being written and was not acknowledged
	LastLSN   uint64 // highest LSN known to be acknowledged
	NextLSN   uint64 // LSN of the next record, or less than it
	Lost      []Loss // damage, in order of LSN
}

// Loss is a range of records that were acknowledged and cannot be read. Numbers
// that were never used may be among them.
type Loss struct {
	File   string // where the damage begins
	Offset int64
	From   uint64
	To     uint64 // MaxLSN when the end is not known
}

// CorruptionError reports that acknowledged records are damaged: the first Loss of a
// Recovery.
type CorruptionError struct {
	Loss
	Hint string
}

func (e *CorruptionError) Error() string {
	to := fmt.Sprint(e.To)
	if e.To == MaxLSN {
		to = "an unknown end"
	}
	return fmt.Sprintf("log file %s is damaged at offset %d: records %d to %s are lost; %s", e.File, e.Offset, e.From, to, e.Hint)
}

const salvageHint = "restore the file from a copy, or start with salvage to keep all that can be read"

// Inspect reads a log that no one is writing, as Open does, without changing or
// replaying anything. Damage is reported in Recovery.Lost and is no error.
func Inspect(ctx context.Context, fsys vfs.FS, dir string, checkpoint uint64) (Recovery, error) {
	return Read(ctx, fsys, dir, checkpoint, nil)
}

// Read is Inspect that hands every record above checkpoint that can be read to
// replay, as Open does.
func Read(ctx context.Context, fsys vfs.FS, dir string, checkpoint uint64, replay func(lsn uint64, typ byte, payload []byte) error) (Recovery, error) {
	o := Options{FS: fsys, Dir: dir, Checkpoint: checkpoint, Replay: replay, Salvage: true}
	if err := o.ensureDefaults(); err != nil {
		return Recovery{}, err
	}
	s, err := scan(ctx, &o)
	return s.Recovery, err
}

// scanned is Recovery with what Open needs besides.
type scanned struct {
	Recovery
	files      []walFile
	free       []walFile
	temps      []string
	reserve    int64
	accepted   uint64 // losses up to here were accepted by an earlier salvage
	unusedTail bool   // the last file has nothing but zeros after its last group
}

// scanner reads all files in order. Records up to last are accounted for: replayed,
// below the checkpoint, or in Lost.
type scanner struct {
	scanned
	o     *Options
	ctx   context.Context // of the one call of scan
	last  uint64
	seen  uint64 // highest LSN met, acknowledged or not
	quiet bool   // damage was found and will be the result: replay no more

	// of the file at hand
	r     *reader
	name  string
	seed  uint32
	at    int64 // offset of the group at hand
	stop  int64 // where damage began, -1 when there is none
	isBad bool
}

// scan reads the log and replays it.
func scan(ctx context.Context, o *Options) (scanned, error) {
	s := &scanner{o: o, ctx: ctx, last: o.Checkpoint}
	logFiles, err := s.list()
	if err != nil {
		return s.scanned, err
	}
	defer func() {
		for _, f := range logFiles {
			f.file.Close()
		}
	}()
	for i := range logFiles {
		// What earlier files hold above the base of the next one was not
		// acknowledged.
		bound := uint64(math.MaxUint64)
		for _, later := range logFiles[i+1:] {
			if later.good {
				bound = later.header.base
				break
			}
		}
		if err := s.readFile(&logFiles[i], bound, i == len(logFiles)-1); err != nil {
			return s.scanned, fmt.Errorf("%s: %w", logFiles[i].name, err)
		}
	}
	s.LastLSN = s.last
	s.NextLSN = max(o.NextLSN, s.last+1, s.seen+1)
	for _, loss := range s.Lost {
		if !o.Salvage && !s.known(loss) {
			return s.scanned, &CorruptionError{Loss: loss, Hint: salvageHint}
		}
	}
	return s.scanned, nil
}

// known reports whether an earlier salvage accepted a loss.
func (s *scanner) known(l Loss) bool {
	return l.From <= s.accepted && (l.To <= s.accepted || l.To == MaxLSN)
}

// logFile is a file of the log with its header.
type logFile struct {
	name   string
	first  uint64 // by its name
	file   vfs.File
	size   int64
	header fileHeader
	good   bool
}

// list opens the log files, oldest first, and notes the others.
func (s *scanner) list() (found []logFile, err error) {
	names, err := s.o.FS.List(s.o.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		first, isLog := parseFileName(name)
		path := filepath.Join(s.o.Dir, name)
		switch {
		case isLog:
			f, err := s.openFile(name, first)
			if f.file != nil {
				found = append(found, f)
			}
			if err != nil {
				return found, fmt.Errorf("%s: %w", name, err)
			}
		case strings.HasSuffix(name, freeSuffix), name == reserveName:
			info, err := s.o.FS.Stat(path)
			if err != nil {
				return found, err
			}
			if name == reserveName {
				s.reserve = info.Size
			} else {
				s.free = append(s.free, walFile{name: name, size: info.Size})
			}
		case name == tempName, name == salvagedName+".tmp":
			s.temps = append(s.temps, name)
		case name == salvagedName:
			text, err := vfs.ReadFile(s.o.FS, path, 64)
			if err != nil {
				return found, err
			}
			s.accepted = parseAccepted(text)
		}
	}
	return found, nil
}

func (s *scanner) openFile(name string, first uint64) (logFile, error) {
	f := logFile{name: name, first: first}
	file, err := s.o.FS.Open(filepath.Join(s.o.Dir, name))
	if err != nil {
		return f, err
	}
	f.file = file
	if f.size, err = file.Size(); err != nil {
		return f, err
	}
	r := newReader(file, f.size, dataStart, s.o.Salvage)
	head, err := r.at(0, dataStart)
	if err != nil {
		return f, err
	}
	f.header, err = parseFileHeader(head)
	if errors.Is(err, ErrVersion) {
		return f, err
	}
	f.good = err == nil && f.header.first == first
	return f, nil
}

// readFile replays one file. bound is the last LSN in it that was acknowledged, as
// far as later files tell.
func (s *scanner) readFile(f *logFile, bound uint64, isLast bool) error {
	s.Files++
	s.seen = max(s.seen, f.first)
	s.name, s.isBad, s.stop, s.at = f.name, !f.good, -1, dataStart
	used := int64(0)
	if f.good {
		if len(s.files) == 0 {
			s.Begins = f.header.base
		}
		s.r, s.seed = newReader(f.file, f.size, readWindow, s.o.Salvage), f.header.salt.seed()
		if f.header.base > s.last && len(s.files) > 0 {
			// The chain says so at the end of the file before, if that
			// is there; here it begins with a gap after damage there.
			s.lose(s.files[len(s.files)-1].name, s.files[len(s.files)-1].used, f.header.base)
			s.files[len(s.files)-1].damaged = true
		} else if f.header.base > s.last {
			s.lose(f.name, 0, f.header.base)
		}
		if err := s.groups(bound, isLast); err != nil {
			return err
		}
		used = s.at
	} else {
		s.seen = max(s.seen, f.first+uint64(f.size/recordHeaderSize))
		s.o.Logger.Error("log file has no readable header", "file", f.name)
		if isLast || bound == math.MaxUint64 {
			s.lose(f.name, 0, MaxLSN)
		}
	}
	s.Bytes += used
	s.files = append(s.files, walFile{name: f.name, last: min(s.last, bound), size: f.size, used: used, damaged: s.isBad})
	return nil
}

// groups replays the groups of the file at hand and leaves at at their end.
func (s *scanner) groups(bound uint64, isLast bool) error {
	for {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		head, err := s.r.at(s.at, pageSize)
		if err != nil {
			return err
		}
		g, ok := parseGroupHeader(head, s.seed)
		if ok && g.first > bound {
			break // written, not acknowledged, and then voided by the next file
		}
		if ok {
			s.seen = max(s.seen, g.last())
			s.chain(g.prev)
			ok, err = s.replayGroup(g)
			if err != nil {
				return err
			}
		}
		if ok {
			s.at += int64(align(int(g.length), pageSize))
			s.stop = -1
			continue
		}
		// A group is written only after the one before it was
		// acknowledged, so a later one proves damage here.
		next, err := s.search(s.at+pageSize, bound)
		if err != nil {
			return err
		}
		if next < 0 {
			if isLast {
				s.tail(g, head)
			}
			break
		}
		s.isBad = true
		s.stop = s.at
		if err := s.salvage(s.at, next, bound); err != nil {
			return err
		}
		s.at = next
	}
	if !isLast && bound != math.MaxUint64 && bound > s.last {
		// The next file knows of records that should be here.
		s.isBad = true
		return s.salvage(s.at, s.r.size, bound)
	}
	return nil
}

// tail describes the end of the last file.
func (s *scanner) tail(g groupHeader, head []byte) {
	if g.length > 0 {
		s.TornBytes = min(int64(align(int(g.length), pageSize)), s.r.size-s.at)
	}
	s.unusedTail = !s.isBad && len(bytes.Trim(head, "\x00")) == 0
}

// chain checks that nothing is missing before a group.
func (s *scanner) chain(prev uint64) {
	if prev > s.last {
		at := s.at
		if s.stop >= 0 {
			at = s.stop
		}
		s.isBad = true
		s.lose(s.name, at, prev)
	}
}

// lose records that everything after last up to and including to is lost.
func (s *scanner) lose(file string, offset int64, to uint64) {
	loss := Loss{File: file, Offset: offset, From: s.last + 1, To: to}
	s.Lost = append(s.Lost, loss)
	s.quiet = s.quiet || !s.o.Salvage && !s.known(loss)
	if to != MaxLSN {
		s.last = to
	}
	s.o.Logger.Error("acknowledged records are lost", "file", file, "offset", offset, "from", loss.From, "to", to)
}

// replayGroup verifies a group and replays its records; false when it is damaged.
func (s *scanner) replayGroup(g groupHeader) (bool, error) {
	if g.last() <= s.last {
		s.Skipped += int64(g.count)
		return s.at+int64(g.length) <= s.r.size, nil
	}
	b, err := s.r.at(s.at, int(g.length))
	if err != nil || !checkGroup(b, g, s.seed) {
		return false, err
	}
	for at := groupHeaderSize; at < len(b); {
		r, stored, _ := recordAt(b, at, s.seed)
		if err := s.replay(r, stored); err != nil {
			return false, err
		}
		at += r.size()
	}
	return true, nil
}

// replay hands a verified record on.
func (s *scanner) replay(r recordHeader, stored []byte) error {
	if r.lsn <= s.last {
		s.Skipped++
		return nil
	}
	payload, err := unpack(r, stored)
	if err != nil {
		// Its checksum is right: it was damaged before it was written.
		s.last = r.lsn - 1
		s.isBad = true
		s.lose(s.name, s.at, r.lsn)
		return nil
	}
	s.last = r.lsn
	if s.quiet {
		return nil
	}
	s.Records++
	if s.o.Replay == nil {
		return nil
	}
	if err := s.o.Replay(r.lsn, r.typ, payload); err != nil {
		return fmt.Errorf("replay record %d: %w", r.lsn, err)
	}
	return nil
}

// search returns the offset of the next group from an offset on, or -1.
func (s *scanner) search(from int64, bound uint64) (int64, error) {
	for at := from; at < s.r.size; at += pageSize {
		head, err := s.r.at(at, groupHeaderSize)
		if err != nil {
			return 0, err
		}
		if g, ok := parseGroupHeader(head, s.seed); ok && g.first <= bound {
			return at, nil
		}
	}
	return -1, nil
}

// salvage replays the records between two offsets, which are not a sound group,
// as far as each is sound in itself. When all are, nothing was lost after all.
func (s *scanner) salvage(from, to int64, bound uint64) error {
	s.o.Logger.Warn("log file is damaged", "file", s.name, "offset", from)
	for at := from; at+recordHeaderSize <= to; {
		head, err := s.r.at(at, recordHeaderSize)
		if err != nil {
			return err
		}
		r, ok := parseRecordHeader(head, s.seed)
		if !ok || r.lsn <= s.last || r.lsn > bound || at+int64(r.size()) > to {
			at += 8
			continue
		}
		b, err := s.r.at(at, r.size())
		if err != nil {
			return err
		}
		r, stored, ok := recordAt(b, 0, s.seed)
		if !ok || !checkPayload(r, stored) {
			at += 8
			continue
		}
		if r.lsn > s.last+1 {
			s.lose(s.name, from, r.lsn-1)
		}
		if err := s.replay(r, stored); err != nil {
			return err
		}
		at += int64(r.size())
	}
	return nil
}
