package explore

import (
	"context"
	"math"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Times returns the times in ms of the first and the last event of a group, from a
// time on, that has a field; field is as queries name it, "" asks for any event.
// found is false when there is none.
//
// Blocks are read from both ends and only until the field is met; of a field that
// no event has, the columns of all blocks are looked at.
func (s *Service) Times(ctx context.Context, g groups.Group, field string, since int64) (first, last int64, found bool, err error) {
	from, to := groups.Visible(g, s.now(), &since, nil)
	dead, err := s.dir.DeadStreams(ctx, g.ID)
	if err != nil {
		return 0, 0, false, err
	}
	q := question{scan: plan.Scan{Groups: []logs.GroupID{g.ID}, Start: min(from, to), End: to}, where: without(dead)}
	if field != "" {
		q.where = append(q.where, plan.Filter{Cond: plan.Present{X: plan.Field{Name: field}}})
	}
	end := func(desc bool) (int64, bool, error) {
		order := plan.Sort{Keys: []plan.SortKey{{Expr: plan.Field{Name: plan.Timestamp}, Desc: desc}}, Limit: 1}
		show := plan.Project{Cols: []plan.Named{{Expr: plan.Field{Name: plan.Timestamp}, As: plan.Timestamp}}}
		r, err := s.run(ctx, &q, order, show)
		if err != nil || len(r.Rows) == 0 {
			return 0, false, err
		}
		at, ok := r.Rows[0][0].Float()
		return int64(at), ok && at < math.MaxInt64, nil
	}
	if last, found, err = end(true); err != nil || !found {
		return 0, 0, false, err
	}
	if first, found, err = end(false); err != nil || !found { // all were deleted meanwhile
		return 0, 0, false, err
	}
	return first, last, true, nil
}
