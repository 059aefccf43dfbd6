package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Verify reads every byte of the catalog, the parts and the write-ahead log of a stopped server and checks it. Findings go to w,
// progress to progress; the number of problems is returned. It changes nothing.
func Verify(ctx context.Context, dir string, w, progress io.Writer) (problems int, err error) {
	o, err := openOffline(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	v := &verifier{offline: o, w: w}
	if err := v.checkCatalog(ctx); err != nil {
		return v.problems, err
	}
	segments, err := o.catalog.Segments(ctx)
	if err != nil {
		return v.problems, err
	}
	var total, done int64
	for _, s := range segments {
		total += s.FileBytes
	}
	for i, s := range segments {
		if err := v.checkPart(ctx, s); err != nil {
			return v.problems, err
		}
		done += s.FileBytes
		fmt.Fprintf(progress, "%d of %d parts, %s of %s\n", i+1, len(segments), config.Size(done), config.Size(total))
	}
	if err := v.checkStrays(segments); err != nil {
		return v.problems, err
	}
	if err := v.checkLog(ctx); err != nil {
		return v.problems, err
	}
	fmt.Fprintf(w, "%d parts with %d events, %d problems\n", len(segments), v.rows, v.problems)
	return v.problems, nil
}

type verifier struct {
	*offline
	w        io.Writer
	rows     int64
	problems int
}

func (v *verifier) problem(format string, args ...any) {
	v.problems++
	fmt.Fprintf(v.w, "PROBLEM "+format+"\n", args...)
}

func (v *verifier) checkCatalog(ctx context.Context) error {
	found, err := v.catalog.Check(ctx)
	if err != nil {
		return err
	}
	for _, f := range found {
		v.problem("%s: %s", catalogName, f)
	}
	return nil
}

func (v *verifier) checkPart(ctx context.Context, s catalog.Segment) error {
	f, name, err := v.openPart(s.ID)
	if errors.Is(err, fs.ErrNotExist) {
		v.problem("%s: missing, with %d events", name, s.Rows)
		return nil
	}
	if err != nil {
		v.problem("%s: %v", name, err)
		return nil
	}
	defer f.Close()
	report, err := segment.Verify(ctx, f, name)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		v.problem("%s: %v", name, err)
		return nil
	}
	for _, p := range report.Problems {
		v.problem("%v", p)
	}
	if report.OK() && report.Rows != s.Rows {
		v.problem("%s: holds %d events, the catalog says %d", name, report.Rows, s.Rows)
	}
	v.rows += report.Rows
	return nil
}

// checkStrays reports files beside the parts that the catalog knows. They are no damage: a crash between writing a part and
// publishing it leaves one, and the next start removes it.
func (v *verifier) checkStrays(segments []catalog.Segment) error {
	known := map[string]bool{}
	for _, s := range segments {
		known[s.ID+".part"] = true
	}
	names, err := v.fs.List(filepath.Join(v.dir, partsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing the parts: %w", err)
	}
	for _, name := range names {
		if !known[name] && !strings.HasSuffix(name, ".tmp") {
			fmt.Fprintf(v.w, "note    %s is not in the catalog and will be removed by the next start\n", filepath.Join(partsName, name))
		}
	}
	return nil
}

func (v *verifier) checkLog(ctx context.Context) error {
	checkpoint, err := v.catalog.Checkpoint(ctx)
	if err != nil {
		return err
	}
	log, err := wal.Inspect(ctx, v.fs, filepath.Join(v.dir, walName), checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a catalog made by `cumulog keys` before the first start
	}
	if err != nil {
		return fmt.Errorf("reading the write-ahead log: %w", err)
	}
	for _, l := range log.Lost {
		v.problem("%s: damaged at %d, records %d to %d are lost", l.File, l.Offset, l.From, l.To)
	}
	if log.TornBytes > 0 {
		fmt.Fprintf(v.w, "note    the last %d bytes of the log were being written when the server ended; nothing of them was acknowledged\n", log.TornBytes)
	}
	return nil
}
