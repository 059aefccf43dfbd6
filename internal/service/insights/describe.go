package insights

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Bounds of the pages of Groups.
const (
	minGroupsPage = 50
	maxGroupsPage = 500
)

// DescribeRequest selects and pages queries.
type DescribeRequest struct {
	Group    string // "" = any; a name
	Status   string // "" = any
	Language string // "" = any
	Token    *string
	Limit    int // 0 = 1,000
}

// Info describes a query.
type Info struct {
	ID         string
	Language   string
	Text       string // with a SOURCE that tells the groups and the range, unless the query has its own
	Status     string
	Reason     string // why it ended without an answer
	Group      string // the first of its groups
	CreatedMS  int64
	DurationMS int64
	Bytes      int64 // scanned
	User       string
}

// Queries is one page of queries, newest first.
type Queries struct {
	Queries []Info
	Next    string // "" on the last page
}

// Describe lists queries that run, wait, or ended as long ago as is kept. ErrBadToken.
func (s *Service) Describe(ctx context.Context, scope logs.Scope, r DescribeRequest) (Queries, error) {
	limit := r.Limit
	if limit <= 0 || limit > maxDescribed {
		limit = maxDescribed
	}
	hash := logs.QueryHash(scope.Account, scope.Region, r.Group, r.Status, r.Language)
	before, err := openPosition(r.Token, logs.TokenQueries, hash, s.now().UnixMilli())
	if err != nil {
		return Queries{}, err
	}
	f := catalog.QueryFilter{Group: r.Group, Language: r.Language, Status: r.Status, Before: before, Limit: limit + 1}
	var out Queries
	for {
		found, err := s.o.Catalog.Queries(ctx, scope, f)
		if err != nil {
			return Queries{}, translate(err, nil)
		}
		for i := range found {
			q := &found[i]
			f.Before = q.Position
			info, err := s.info(ctx, q)
			if errors.Is(err, catalog.ErrNotFound) {
				continue // it was dropped just now
			}
			if err != nil {
				return Queries{}, translate(err, nil)
			}
			if s.expired(q) || r.Status != "" && info.Status != r.Status {
				continue
			}
			if len(out.Queries) == limit {
				out.Next = makePosition(before, logs.TokenQueries, hash, s.now().UnixMilli())
				return out, nil
			}
			out.Queries = append(out.Queries, info)
			before = q.Position
		}
		if len(found) < f.Limit {
			return out, nil
		}
	}
}

// A token of a list of queries or groups holds, inside the codec of logs.EncodeToken, a position:
// u64, big endian.

func makePosition(at int64, kind logs.TokenKind, hash uint64, now int64) string {
	return logs.EncodeToken(kind, hash, now, binary.BigEndian.AppendUint64(nil, uint64(at)))
}

func openPosition(token *string, kind logs.TokenKind, hash uint64, now int64) (int64, error) {
	if token == nil {
		return 0, nil
	}
	b, err := logs.DecodeToken(*token, kind, hash, now)
	if err != nil || len(b) != 8 || int64(binary.BigEndian.Uint64(b)) <= 0 {
		return 0, ErrBadToken
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// info describes a query as it is now: what is in memory is newer than its record, and a query that is
// neither there nor has an end in the record q has ended since that was read.
func (s *Service) info(ctx context.Context, q *catalog.Query) (Info, error) {
	j := s.find(q.Scope, q.ID)
	if j == nil && q.EndedMS < 0 {
		newer, err := s.o.Catalog.QueryByID(ctx, q.ID)
		if err != nil {
			return Info{}, err
		}
		q = &newer
	}
	var sp spec
	var o outcome
	if err := json.Unmarshal(q.Spec, &sp); err != nil {
		return Info{}, fmt.Errorf("decode the record of query %s: %w", q.ID, err)
	}
	if err := json.Unmarshal(q.Outcome, &o); err != nil {
		return Info{}, fmt.Errorf("decode the record of query %s: %w", q.ID, err)
	}
	out := Info{ID: q.ID, Language: q.Language, Text: shownText(q, &sp), Status: q.Status, Reason: q.Reason, CreatedMS: q.CreatedMS,
		Bytes: o.Stats.BytesScanned, User: sp.User}
	if len(q.Groups) > 0 {
		out.Group = q.Groups[0]
	}
	ended := q.EndedMS
	if j != nil {
		j.mu.Lock()
		out.Status, out.Reason, out.Bytes, o.Started, ended = j.status, j.reason, j.stats.BytesScanned, j.startedMS, j.endedMS
		j.mu.Unlock()
		if ended == 0 {
			ended = s.now().UnixMilli()
		}
	}
	if o.Started > 0 {
		out.DurationMS = max(ended-o.Started, 0)
	}
	return out, nil
}

// shownText is the text of a query with, unless it has its own, a SOURCE with the groups and the
// range in seconds from its creation.
func shownText(q *catalog.Query, sp *spec) string {
	if sp.Source || q.Language != CWLI {
		return q.Text
	}
	quoted := make([]string, len(q.Groups))
	for i, g := range q.Groups {
		quoted[i] = `"` + g + `"`
	}
	names := strings.Join(quoted, ", ")
	if len(quoted) != 1 {
		names = "[" + names + "]"
	}
	return fmt.Sprintf("SOURCE %s START=%s END=%s |\n%s", names, ago(q.CreatedMS, sp.Start), ago(q.CreatedMS, sp.End-1), q.Text)
}

// ago is a time as SOURCE writes it: in seconds before another one, none of them when it is later.
func ago(from, at int64) string {
	if s := (from - at) / 1000; s > 0 {
		return fmt.Sprintf("-%ds", s)
	}
	return "0s"
}

// GroupsPage is one page of the groups of a query.
type GroupsPage struct {
	Identifiers []string // names or ARNs, as they were asked for
	Next        string   // "" on the last page
}

// Groups lists the groups that a query reads. ErrNotFound, ErrBadToken.
func (s *Service) Groups(ctx context.Context, scope logs.Scope, id string, token *string, limit int) (GroupsPage, error) {
	if limit == 0 {
		limit = maxGroupsPage
	}
	limit = min(max(limit, minGroupsPage), maxGroupsPage)
	q, err := s.lookUp(ctx, scope, id)
	if err != nil {
		return GroupsPage{}, err
	}
	var sp spec
	if err := json.Unmarshal(q.Spec, &sp); err != nil {
		return GroupsPage{}, fmt.Errorf("decode the record of query %s: %w", q.ID, err)
	}
	hash := logs.QueryHash(id)
	from, err := openPosition(token, logs.TokenScanned, hash, s.now().UnixMilli())
	if err != nil || from > int64(len(sp.Groups)) {
		return GroupsPage{}, ErrBadToken
	}
	to := min(from+int64(limit), int64(len(sp.Groups)))
	out := GroupsPage{Identifiers: sp.Groups[from:to]}
	if to < int64(len(sp.Groups)) {
		out.Next = makePosition(to, logs.TokenScanned, hash, s.now().UnixMilli())
	}
	return out, nil
}
