package groups

import (
	"errors"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// HeadStats is what the service needs of the store: what it holds in memory and
// the catalog does not know yet. *store.Store has it.
type HeadStats interface {
	// HeadStats returns the times of all streams of a group that have events in
	// memory, HeadStreamStats those of some streams.
	HeadStats(group logs.GroupID) map[logs.StreamID]store.StreamStats
	HeadStreamStats(group logs.GroupID, streams []logs.StreamID) map[logs.StreamID]store.StreamStats
	// HeadBytes returns the message bytes of a group in memory.
	HeadBytes(group logs.GroupID) int64
}

// Options configure a Service.
type Options struct {
	Catalog *catalog.DB // required
	Store   HeadStats   // required

	// Now is the clock of creation times and of paging tokens; time.Now when
	// nil.
	Now func() time.Time

	// CacheBytes bounds the memory of the name caches, roughly; 32 MiB when 0,
	// which is enough for 100,000 streams that are all in use.
	CacheBytes int

	// MaxGroups bounds the groups of one (account, region); 1,000,000 when 0.
	MaxGroups int
}

// Service is the entry to groups and streams. Its methods may be called from
// many goroutines.
type Service struct {
	catalog   *catalog.DB
	store     HeadStats
	now       func() time.Time
	maxGroups int

	groups  *cache[groupKey, Group]
	streams *cache[streamKey, streamValue]
	names   *cache[logs.StreamID, string]

	persist persisted
}

// New returns a Service over an open catalog and store.
func New(o Options) (*Service, error) {
	if o.Catalog == nil || o.Store == nil {
		return nil, errors.New("groups: options Catalog and Store are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 32 << 20
	}
	if o.MaxGroups <= 0 {
		o.MaxGroups = 1_000_000
	}
	return &Service{
		catalog: o.Catalog, store: o.Store, now: o.Now, maxGroups: o.MaxGroups,
		groups:  newCache(o.CacheBytes/16, func(k groupKey, _ Group) int { return len(k.name) }),
		streams: newCache(o.CacheBytes/16*10, func(k streamKey, _ streamValue) int { return len(k.name) }),
		names:   newCache(o.CacheBytes/16*5, func(_ logs.StreamID, name string) int { return len(name) }),
	}, nil
}

// Classes of log groups.
const (
	ClassStandard         = "STANDARD"
	ClassInfrequentAccess = "INFREQUENT_ACCESS"
	ClassEssentials       = "ESSENTIALS"
	ClassDelivery         = "DELIVERY"
)

// Group is a log group. StoredBytes is current only in the answers of Describe.
type Group = catalog.Group

// Stream is a log stream as resolved; Describe knows its times too.
type Stream struct {
	ID        logs.StreamID
	Group     logs.GroupID
	Name      string
	CreatedMS int64
}

type groupKey struct {
	scope logs.Scope
	name  string
}

type streamKey struct {
	group logs.GroupID
	name  string
}

// streamValue is what streamKey does not say of a Stream.
type streamValue struct {
	id        logs.StreamID
	createdMS int64
}

func (s *Service) nowMS() int64 { return s.now().UnixMilli() }
