package explore

import (
	"context"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/store"
)

// BlockScanner hands out blocks; *store.Store is one.
type BlockScanner interface {
	ScanBlocks(ctx context.Context, q store.BlockQuery, workers int, fn func(worker int, b *store.BlockView) error) (store.Stats, error)
}

// Source is a store as the executor sees it.
type Source struct{ Store BlockScanner }

var blockOrders = map[plan.TimeOrder]store.BlockOrder{
	plan.AnyOrder: store.AnyOrder, plan.NewestFirst: store.NewestFirst, plan.OldestFirst: store.OldestFirst,
}

// ScanBlocks hands the blocks of the store to the executor; see plan.Source.
func (s Source) ScanBlocks(ctx context.Context, r plan.Request, workers int, fn func(worker int, b plan.Block) error) (plan.SourceStats, error) {
	q := store.BlockQuery{Groups: r.Groups, Streams: r.Streams, Start: r.Start, End: r.End, Need: r.Need, Paths: r.Paths,
		Order: blockOrders[r.Order], Skip: r.Skip}
	if r.Watch != nil {
		q.Watch = func(counts func() store.Stats) {
			r.Watch(func() plan.SourceStats { return sourceStats(counts()) })
		}
	}
	st, err := s.Store.ScanBlocks(ctx, q, workers, func(w int, b *store.BlockView) error { return fn(w, b) })
	return sourceStats(st), err
}

func sourceStats(st store.Stats) plan.SourceStats {
	return plan.SourceStats{
		BlocksSkippedTime:  st.TimeSkipped.Blocks + st.StreamSkipped.Blocks,
		BlocksSkippedIndex: st.IndexSkipped.Blocks,
		BlocksSkippedOrder: st.StopSkipped.Blocks,
		PartsSkipped:       st.PartsSkipped,
		RowsSkipped:        st.TimeSkipped.Rows + st.StreamSkipped.Rows + st.IndexSkipped.Rows + st.StopSkipped.Rows,
		BytesSkipped:       st.TimeSkipped.Bytes + st.StreamSkipped.Bytes + st.IndexSkipped.Bytes + st.StopSkipped.Bytes,
		RowsOutside:        st.TimeSkipped.Rows,
		BytesOutside:       st.TimeSkipped.Bytes,
		RowsRead:           st.Rows,
		BytesRead:          st.Bytes,
		BlocksDamaged:      st.DamagedBlocks,
	}
}
