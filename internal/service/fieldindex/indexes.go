package fieldindex

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Limits of DescribeIndexes.
const (
	MaxGroups = 100
	pageSize  = 10 // groups of one answer
)

// Index is a field that is indexed and that events of the last 30 days have.
type Index struct {
	GroupARN    string
	Name, Type  string
	ScannedMS   int64 // until when events are in the index
	First, Last int64 // ms; timestamps of the first and the last event that has it
}

// IndexPage is one page of indexes. Next is the token of the next page, "" on the
// last.
type IndexPage struct {
	Indexes []Index
	Next    string
}

// DescribeIndexes returns the indexes of groups, by group as they were asked for and then by
// name. A page is of ten groups. ErrBadToken,
// groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) DescribeIndexes(ctx context.Context, scope logs.Scope, names []string, token *string) (IndexPage, error) {
	now := s.o.Now().UnixMilli()
	query := logs.QueryHash(append([]string{scope.Account, scope.Region}, names...)...)
	from := 0
	if token != nil {
		b, err := logs.DecodeToken(*token, logs.TokenIndexes, query, now)
		if err != nil || len(b) != 4 {
			return IndexPage{}, ErrBadToken
		}
		if from = int(binary.BigEndian.Uint32(b)); from >= len(names) {
			return IndexPage{}, ErrBadToken
		}
	}
	var found []groups.Group
	for _, name := range names { // all, so that a missing one fails the first page
		g, err := s.o.Directory.Resolve(ctx, scope, name)
		if err != nil {
			return IndexPage{}, err
		}
		found = append(found, g)
	}
	to := min(from+pageSize, len(found))
	var page IndexPage
	for _, g := range found[from:to] {
		indexes, err := s.indexes(ctx, g, now)
		if err != nil {
			return IndexPage{}, err
		}
		page.Indexes = append(page.Indexes, indexes...)
	}
	if to < len(found) {
		page.Next = logs.EncodeToken(logs.TokenIndexes, query, now, binary.BigEndian.AppendUint32(nil, uint32(to)))
	}
	return page, nil
}

func (s *Service) indexes(ctx context.Context, g groups.Group, now int64) ([]Index, error) {
	fields, err := s.indexed(ctx, g)
	if err != nil || len(fields) == 0 {
		return nil, err
	}
	since := max(now-reach.Milliseconds(), 0)
	first, last, some, err := s.o.Events.Times(ctx, g, "", since)
	if err != nil || !some {
		return nil, err
	}
	var out []Index
	for _, f := range fields {
		i := Index{GroupARN: g.Scope.GroupARN(g.Name), Name: f.Name, Type: f.Type, ScannedMS: now, First: first, Last: last}
		if !slices.Contains(everyEvent, f.Name) && f.Name != "@ingestionTime" {
			var found bool
			if i.First, i.Last, found, err = s.o.Events.Times(ctx, g, f.Name, since); err != nil {
				return nil, err
			} else if !found {
				continue
			}
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b Index) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
