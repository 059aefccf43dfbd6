package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/service/lookups"
)

// Verify reads every byte of the catalog, the parts, the write-ahead log, the lookup tables and the metrics of a stopped server and checks it. Findings go to w,
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
	if err := v.checkParts(ctx, progress); err != nil {
		return v.problems, err
	}
	if err := v.checkLog(ctx); err != nil {
		return v.problems, err
	}
	if err := v.checkLookups(ctx); err != nil {
		return v.problems, err
	}
	if err := v.checkMetrics(ctx); err != nil {
		return v.problems, err
	}
	fmt.Fprintf(w, "%d parts with %d events, %d problems\n", v.parts, v.rows, v.problems)
	return v.problems, nil
}

type verifier struct {
	*offline
	w        io.Writer
	parts    int
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

// checkParts reads every part. One that the catalog does not list is no damage: a crash between writing and publishing leaves
// one, and the next start removes it.
func (v *verifier) checkParts(ctx context.Context, progress io.Writer) error {
	segments, err := v.catalog.Segments(ctx)
	if err != nil {
		return err
	}
	seen, read := 0, int64(0)
	err = store.Verify(ctx, v.fs, v.dir, v.catalog, func(r store.PartReport) error {
		if r.Orphan {
			fmt.Fprintf(v.w, "note    %s is not in the catalog and will be removed by the next start\n", r.File)
			return nil
		}
		v.checkPart(r)
		seen++
		read += r.Size
		fmt.Fprintf(progress, "%d of %d parts, %s\n", seen, len(segments), config.Size(read))
		return ctx.Err()
	})
	if errors.Is(err, fs.ErrNotExist) && len(segments) == 0 {
		return nil // a catalog made by `cumulog keys` before the first start
	}
	return err
}

func (v *verifier) checkPart(r store.PartReport) {
	v.parts++
	v.rows += r.Rows
	if r.Missing {
		v.problem("%s: missing", r.File)
		return
	}
	for _, p := range r.Problems {
		v.problem("%v", p)
	}
	if r.Mismatch != "" {
		v.problem("%s: %s", r.File, r.Mismatch)
	}
}

func (v *verifier) checkLookups(ctx context.Context) error {
	return lookups.Verify(ctx, v.fs, filepath.Join(v.dir, lookupsName), func(file string, problem error) {
		if problem != nil {
			v.problem("%s/%s: %v", lookupsName, file, problem)
		}
	})
}

func (v *verifier) checkMetrics(ctx context.Context) error {
	return series.Verify(ctx, v.fs, filepath.Join(v.dir, metricsName), func(file string, problem error) {
		if problem != nil {
			v.problem("%s/%s: %v", metricsName, file, problem)
		}
	})
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
