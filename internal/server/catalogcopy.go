package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	// catalogCopyName is the copy of the catalog that a running server keeps: names, retention, tags and keys stand nowhere else.
	catalogCopyName = catalogName + "-copy"
	// copyEvery is how old the copy of a changed catalog gets; copyShare bounds the share of time that copying takes.
	copyEvery = 5 * time.Minute
	copyShare = 100
	// quickCopy is how long the copy at a stop may take, judged by the last one.
	quickCopy = time.Second
)

// catalogCopier keeps the copy of the catalog fresh. It copies nothing before start: a catalog that turns out to be an old one must
// not replace a good copy.
type catalogCopier struct {
	db   *catalog.DB
	path string
	log  *slog.Logger

	cancel context.CancelFunc // nil before start
	done   chan struct{}

	copied uint64        // changes in the copy
	fresh  bool          // a copy was made since the start
	took   time.Duration // the last copy
}

func (c *catalogCopier) start() {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel, c.done = cancel, make(chan struct{})
	go func() {
		defer close(c.done)
		c.run(ctx)
	}()
}

// stop ends copying with a last copy of what changed. The store has published everything by then.
func (c *catalogCopier) stop() error {
	if c.cancel == nil {
		return nil
	}
	c.cancel()
	<-c.done
	if c.took > quickCopy || c.db.Changes() == 0 {
		return nil
	}
	if err := c.copy(context.Background()); err != nil {
		c.log.Warn("the catalog could not be copied", "file", c.path, "error", err)
	}
	return nil
}

func (c *catalogCopier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(copyEvery, copyShare*c.took)):
		}
		if err := c.copy(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("the catalog could not be copied; the next try is in some minutes", "file", c.path, "error", err)
		}
	}
}

// copy makes a copy unless nothing has changed since the last one.
func (c *catalogCopier) copy(ctx context.Context) error {
	changes := c.db.Changes()
	if c.fresh && changes == c.copied {
		return nil
	}
	begin := time.Now()
	if err := c.db.Copy(ctx, c.path); err != nil {
		return err
	}
	c.copied, c.fresh, c.took = changes, true, time.Since(begin)
	return nil
}

// takeCatalogCopy puts the copy in the place of a catalog that is lost, if there is a good one.
func takeCatalogCopy(ctx context.Context, fsys vfs.FS, dir string, w io.Writer) error {
	from, to := filepath.Join(dir, catalogCopyName), filepath.Join(dir, catalogName)
	info, err := fsys.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the copy of the catalog: %w", err)
	}
	db, err := catalog.Open(ctx, from, catalog.Options{})
	if err == nil {
		var found []string
		found, err = db.Check(ctx)
		if err == nil && len(found) > 0 {
			err = fmt.Errorf("%w: %s", catalog.ErrDamaged, found[0])
		}
		if err == nil {
			err = db.Copy(ctx, to)
		}
		err = errors.Join(err, db.Close(), removeIfThere(fsys, from+"-reserve"))
	}
	if errors.Is(err, catalog.ErrDamaged) {
		fmt.Fprintf(w, "note    the copy of the catalog cannot be used: %v\n", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("taking the copy of the catalog: %w", err)
	}
	fmt.Fprintf(w, "note    the catalog was lost; its copy of %s is taken\n", info.Modified.UTC().Format(time.RFC3339))
	return nil
}

func removeIfThere(fsys vfs.FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
