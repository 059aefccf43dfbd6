package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/platform/telemetry"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/access"
	"github.com/cumulog/cumulog/internal/service/actions"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/anomalies"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/exports"
	"github.com/cumulog/cumulog/internal/service/fieldindex"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/lookups"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
	datapoints "github.com/cumulog/cumulog/internal/service/metrics"
	"github.com/cumulog/cumulog/internal/service/objects"
	"github.com/cumulog/cumulog/internal/service/schedules"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// components are everything behind the listener.
type components struct {
	cfg      config.Config
	log      *slog.Logger
	version  string
	started  time.Time
	registry *prometheus.Registry
	metrics  *metrics
	faults   *awshttp.Faults // nil: none

	catalog *catalog.DB
	copier  *catalogCopier
	buckets objstore.Store
	targets *sink.Registry
	store   *meteredStore

	access    *access.Service
	objects   *objects.Service
	groups    *groups.Service
	ingest    *ingest.Service
	events    *events.Service
	explore   *explore.Service
	lookups   *lookups.Service
	indexes   *fieldindex.Service
	schedules *schedules.Service
	insights  *insights.Service
	exports   *exports.Service

	series     *series.DB
	datapoints *datapoints.Service
	actions    *actions.Service
	alarms     *alarms.Service

	subscriptions *subscriptions.Service
	filters       *metricfilters.Service
	tails         *livetail.Service
	anomalies     *anomalies.Service

	closers []closer // in order of start
}

type closer struct {
	name  string
	close func() error
}

// opened notes what close has to undo.
func (c *components) opened(name string, close func() error) {
	c.closers = append(c.closers, closer{name, close})
}

// close stops everything in reverse order of start and joins the errors.
func (c *components) close() error {
	var errs []error
	for _, cl := range slices.Backward(c.closers) {
		if err := cl.close(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", cl.name, err))
		}
	}
	c.closers = nil
	return errors.Join(errs...)
}

// build opens every component in order. On an error what was opened is closed again.
func build(ctx context.Context, o Options) (_ *components, err error) {
	c := &components{cfg: o.Config, log: o.Logger, version: o.Version, started: time.Now(), registry: telemetry.NewRegistry()}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	c.metrics = newMetrics(c.registry)
	for _, step := range []func(context.Context) error{c.makeFaults, c.openPlatform, c.openTargets, c.openStore, c.openServices, c.openAnomalies} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *components) openPlatform(ctx context.Context) error {
	lock, err := acquire(vfs.OS(), c.cfg.Data)
	if err != nil {
		return err
	}
	c.opened("lock", lock.Close)
	if c.catalog, err = openCatalog(ctx, c.cfg.Data); err != nil {
		return err
	}
	c.opened("catalog", c.catalog.Close)
	c.copier = &catalogCopier{db: c.catalog, path: c.cfg.DataPath(catalogCopyName), log: c.log}
	c.opened("copy of the catalog", c.copier.stop)
	return c.openBuckets(ctx)
}

func (c *components) openStore(ctx context.Context) error {
	opened, err := store.Open(ctx, store.Options{
		FS: vfs.OS(), Dir: c.cfg.Data, Manifest: c.catalog, Salvage: c.cfg.Salvage,
		Memory: int64(c.cfg.Memory) / 2, // the rest is for requests, name caches and the runtime
		Logger: c.log.With("component", "store"),
	})
	if _, damaged := errors.AsType[*wal.CorruptionError](err); damaged {
		return fmt.Errorf("%w: %w", ErrDamagedLog, err)
	}
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	c.opened("store", opened.Close)
	if err := checkIDs(ctx, c.catalog, opened); err != nil {
		return err
	}
	c.copier.start()
	c.store = newMeteredStore(opened, c.registry)
	return nil
}

func (c *components) openServices(ctx context.Context) error {
	var err error
	c.access = access.New(c.catalog, nil)
	if c.cfg.Auth == config.AuthRequired {
		keys, err := c.access.List(ctx)
		if err != nil {
			return fmt.Errorf("reading the access keys: %w", err)
		}
		if len(keys) == 0 {
			return ErrNoKeys
		}
	}
	c.objects = objects.New(c.buckets)
	c.groups, err = groups.New(groups.Options{Catalog: c.catalog, Store: c.store, CacheBytes: int(min(c.cfg.Memory/16, 64<<20))})
	if err != nil {
		return err
	}
	c.ingest = ingest.New(ingest.Options{Directory: c.groups, Store: c.store})
	c.events = events.New(events.Options{Directory: c.groups, Store: c.store})
	c.explore = explore.New(explore.Options{Directory: c.groups, Store: c.store, Memory: int64(c.cfg.Memory) / 8})
	c.lookups, err = lookups.Open(lookups.Options{
		FS: vfs.OS(), Dir: c.cfg.DataPath(lookupsName), Catalog: c.catalog,
		CacheBytes: min(int64(c.cfg.Memory)/16, 64<<20), Logger: c.log.With("component", "lookups"),
	})
	if err != nil {
		return err
	}
	c.indexes, err = fieldindex.New(fieldindex.Options{Catalog: c.catalog, Directory: c.groups, Events: c.explore})
	if err != nil {
		return err
	}
	if err := c.openInsights(ctx); err != nil {
		return err
	}
	c.schedules, err = schedules.New(schedules.Options{
		Catalog: c.catalog, Queries: c.insights, Objects: c.objects, Logger: c.log.With("component", "schedules"),
	})
	if err != nil {
		return err
	}
	c.runInBackground("scheduled queries", c.schedules.Run)
	c.exports, err = exports.New(exports.Options{
		Catalog: c.catalog, Directory: c.groups, Store: c.store, Objects: c.objects,
		Strict: c.cfg.StrictAWS, Logger: c.log.With("component", "exports"),
	})
	if err != nil {
		return err
	}
	c.runInBackground("export tasks", c.exports.Run)
	if err := c.openDatapoints(ctx); err != nil {
		return err
	}
	if err := c.openSubscriptions(); err != nil {
		return err
	}
	c.openTails()
	if err := c.openFilters(ctx); err != nil {
		return err
	}
	return c.openAlarms(ctx)
}

// queryShare returns how many queries may run at a time and how many bytes each may hold: its share of a quarter of the
// memory, but enough for ordinary queries; then fewer run at a time, so that all of them stay below a half.
func queryShare(memory int64, concurrency int) (n int, each int64) {
	quarter := memory / 4
	each = max(quarter/int64(concurrency), min(quarter/2, 64<<20))
	return min(concurrency, int(2*quarter/each)), each
}

// openInsights starts the service of queries.
func (c *components) openInsights(ctx context.Context) error {
	var err error
	n, each := queryShare(int64(c.cfg.Memory), c.cfg.QueryConcurrency)
	c.insights, err = insights.New(ctx, insights.Options{
		Catalog: c.catalog, Directory: c.groups, Store: c.store, FS: vfs.OS(), Dir: c.cfg.DataPath(queriesName),
		Concurrency: n, Memory: each,
		Strict: c.cfg.StrictAWS, Lookup: c.lookupTable, Indexed: c.indexedFields, Logger: c.log.With("component", "insights"),
	})
	if err != nil {
		return fmt.Errorf("opening the queries: %w", err)
	}
	c.opened("queries", c.insights.Close)
	meterQueries(c.insights, c.registry)
	return nil
}

// indexedFields gives the field indexes of a group to queries.
func (c *components) indexedFields(ctx context.Context, g groups.Group) ([]string, error) {
	return c.indexes.Indexed(ctx, g)
}

// lookupTable gives the tables of lookups to queries.
func (c *components) lookupTable(ctx context.Context, scope logs.Scope, name string) (*insights.Table, error) {
	t, err := c.lookups.Table(ctx, scope, name)
	if errors.Is(err, lookups.ErrNotFound) {
		return nil, insights.ErrNoTable
	}
	if err != nil {
		return nil, err
	}
	return &insights.Table{Fields: t.Fields, Rows: t.Rows, Key: scope.Account + "/" + scope.Region + "/" + name + "@" + t.Version}, nil
}

// runInBackground runs fn until close, which cancels its context and waits for it.
func (c *components) runInBackground(name string, fn func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	c.opened(name, func() error {
		cancel()
		<-done
		return nil
	})
}
