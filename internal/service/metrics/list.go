package metrics

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
)

// Limits of List.
const (
	listPage   = 500
	listAge    = 14 * 24 * time.Hour
	recently   = 3 * time.Hour
	maxFilters = 10
)

// ListRequest selects metrics that had data in the last two weeks.
type ListRequest struct {
	Namespace      string // "": all
	Name           string // "": all
	Dimensions     []DimensionFilter
	RecentlyActive bool // only those with data in the last three hours
	NextToken      string
}

// List returns metrics by namespace, name and dimensions, 500 on a page. next is "" at
// the end.
func (s *Service) List(_ context.Context, scope logs.Scope, r ListRequest) (metrics []Metric, next string, err error) {
	if r.Namespace != "" {
		if err := checkNamespace(r.Namespace); err != nil {
			return nil, "", err
		}
	}
	if len(r.Dimensions) > maxFilters {
		return nil, "", invalid("The collection Dimensions must not have a size greater than %d.", maxFilters)
	}
	for i, d := range r.Dimensions {
		if d.Name == "" {
			return nil, "", missing("The parameter Dimensions.member.%d.Name is required.", i+1)
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(r.NextToken)
	if err != nil {
		return nil, "", &Error{Kind: ErrInvalidToken, Message: "The specified nextToken is invalid."}
	}
	age := listAge
	if r.RecentlyActive {
		age = recently
	}
	found, next := s.o.DB.List(series.ListQuery{
		Scope: scope, Namespace: r.Namespace, Name: r.Name, Dimensions: r.Dimensions,
		Since: s.o.Now().Add(-age).UnixMilli(), After: string(after), Limit: listPage,
	})
	metrics = make([]Metric, len(found))
	for i := range found {
		metrics[i] = Metric{Namespace: found[i].Namespace, Name: found[i].Name, Dimensions: found[i].Dimensions}
	}
	return metrics, base64.RawURLEncoding.EncodeToString([]byte(next)), nil
}
