package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// InspectOptions say how much Inspect shows.
type InspectOptions struct {
	Blocks bool // the blocks of every part
}

// offline is the data directory of a stopped server, opened for reading.
type offline struct {
	fs      vfs.FS
	dir     string
	catalog *catalog.DB
	unlock  func() error
}

// openOffline locks dir and opens its catalog. The error wraps ErrBusy or ErrNoData where those are the reason.
func openOffline(ctx context.Context, dir string) (*offline, error) {
	unlock, err := acquireExisting(dir)
	if err != nil {
		return nil, err
	}
	events, err := holdsEvents(vfs.OS(), dir)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	if _, err := vfs.OS().Stat(filepath.Join(dir, catalogName)); !events && errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("%w: %s is empty", ErrNoData, dir), unlock())
	}
	db, err := openCatalog(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return &offline{fs: vfs.OS(), dir: dir, catalog: db, unlock: unlock}, nil
}

func (o *offline) close() error { return errors.Join(o.catalog.Close(), o.unlock()) }

// openPart opens the file of a segment.
func (o *offline) openPart(id string) (vfs.File, string, error) {
	name := filepath.Join(partsName, id+".part")
	f, err := o.fs.Open(filepath.Join(o.dir, name))
	return f, name, err
}

// Inspect prints what the data directory of a stopped server holds.
func Inspect(ctx context.Context, dir string, w io.Writer, options InspectOptions) (err error) {
	o, err := openOffline(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	segments, err := o.catalog.Segments(ctx)
	if err != nil {
		return err
	}
	checkpoint, err := o.catalog.Checkpoint(ctx)
	if err != nil {
		return err
	}
	tombstones, err := o.catalog.Tombstones(ctx)
	if err != nil {
		return err
	}
	keys, err := o.catalog.Keys(ctx)
	if err != nil {
		return err
	}
	log, err := wal.Inspect(ctx, o.fs, filepath.Join(dir, walName), checkpoint)
	if err != nil {
		return fmt.Errorf("reading the write-ahead log: %w", err)
	}
	fmt.Fprintf(out, "catalog\t%d parts, %d tombstones, %d access keys, checkpoint %d\n", len(segments), len(tombstones), len(keys), checkpoint)
	fmt.Fprintf(out, "log\t%d files, %s, records up to %d\n", log.Files, config.Size(log.Bytes), log.LastLSN)
	for _, l := range log.Lost {
		fmt.Fprintf(out, "\tDAMAGED %s at %d: records %d to %d\n", l.File, l.Offset, l.From, l.To)
	}
	fmt.Fprintln(out, "\nPART\tLEVEL\tGROUPS\tROWS\tRAW\tFILE\tFROM\tTO")
	for _, s := range segments {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", s.ID, s.Level, s.Groups, s.Rows, config.Size(s.RawBytes), config.Size(s.FileBytes), stamp(s.MinTime), stamp(s.MaxTime))
		if options.Blocks {
			if err := o.blocks(out, s.ID); err != nil {
				fmt.Fprintf(out, "  DAMAGED: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
		}
	}
	if len(segments) > 0 {
		o.sizes(out, segments)
	}
	return out.Flush()
}

// sizes prints where the bytes of each part are, and of all together.
func (o *offline) sizes(w io.Writer, segments []catalog.Segment) {
	fmt.Fprintln(w, "\nBYTES OF PART\tKEYS\tHEADS\tCOLUMNS\tMESSAGES\tSHARED\tTOKENS\tTRIGRAMS\tINDEX\tOTHER\tBLOCKS")
	var total segment.Sizes
	raw := int64(0)
	for _, s := range segments {
		z, err := o.partSizes(s.ID)
		if err != nil {
			fmt.Fprintf(w, "%s\tDAMAGED: %s\n", s.ID, strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		printSizes(w, s.ID, &z)
		total.Add(&z)
		raw += s.RawBytes
	}
	printSizes(w, "total", &total)
	if raw == 0 {
		return
	}
	fmt.Fprint(w, "of the messages")
	for _, n := range sizeColumns(&total) {
		fmt.Fprintf(w, "\t%.2f%%", 100*float64(n)/float64(raw))
	}
	fmt.Fprintf(w, "\t%.2f%% in all\n", 100*float64(total.Total())/float64(raw))
}

func (o *offline) partSizes(id string) (segment.Sizes, error) {
	f, name, err := o.openPart(id)
	if err != nil {
		return segment.Sizes{}, err
	}
	defer f.Close()
	r, err := segment.Open(f, name)
	if err != nil {
		return segment.Sizes{}, err
	}
	return r.Sizes(), nil
}

// sizeColumns are the columns of the table of sizes.
func sizeColumns(z *segment.Sizes) []int64 {
	return []int64{z.Keys, z.Heads, z.Bodies, z.Messages, z.Shared, z.Tokens, z.Trigrams, z.Index, z.Other}
}

func printSizes(w io.Writer, name string, z *segment.Sizes) {
	fmt.Fprint(w, name)
	for _, n := range sizeColumns(z) {
		fmt.Fprintf(w, "\t%s", config.Size(n))
	}
	var blocks []string
	for m, n := range z.Blocks {
		if n > 0 {
			blocks = append(blocks, fmt.Sprintf("%d %s", n, segment.Mode(m)))
		}
	}
	fmt.Fprintf(w, "\t%s\n", strings.Join(blocks, ", "))
}

// blocks prints the blocks of one part.
func (o *offline) blocks(w io.Writer, id string) error {
	f, name, err := o.openPart(id)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := segment.Open(f, name)
	if err != nil {
		return err
	}
	for _, g := range r.Groups() {
		for _, b := range r.Blocks(g.Group, nil) {
			fmt.Fprintf(w, "  group %d\t%d streams\t%s\t%d\t%s\t%s\t%s\t%s\n", g.Group, b.Streams, b.Mode, b.Rows, config.Size(b.RawBytes), config.Size(b.StoredBytes), stamp(b.Min.Timestamp), stamp(b.Max.Timestamp))
		}
	}
	return nil
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }
