package alarms

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Pages of Describe and of History.
const (
	MaxPage            = 100
	DefaultPage        = 50
	DefaultHistoryPage = 50
)

// DescribeRequest selects alarms. ChildrenOf and ParentsOf go with Token and Limit
// only; Names not with Prefix.
type DescribeRequest struct {
	Names        []string
	Prefix       string
	Types        []string // none: TypeMetric only
	State        string   // "" = any
	ActionPrefix string   // of any action
	// ChildrenOf selects the alarms that the rule of this one names, ParentsOf the
	// composite alarms whose rules name this one. Types does not apply.
	ChildrenOf, ParentsOf string
	Token                 *string
	Limit                 int // 0 = DefaultPage
}

// Page is one page of alarms by name, of all types together. Next is the token of the next page, ""
// on the last.
type Page struct {
	Alarms []*Alarm
	Next   string
}

// Describe lists alarms. *ParameterError, ErrBadToken.
func (s *Service) Describe(ctx context.Context, scope logs.Scope, r DescribeRequest) (Page, error) {
	if err := r.check(); err != nil {
		return Page{}, err
	}
	limit := r.Limit
	if limit == 0 {
		limit = DefaultPage
	}
	limit = min(limit, MaxPage)
	names := slices.Sorted(slices.Values(r.Names))
	types := slices.Sorted(slices.Values(r.Types))
	query := logs.QueryHash(scope.Account, scope.Region, strings.Join(names, "\n"), r.Prefix, strings.Join(types, ","),
		r.State, r.ActionPrefix, r.ChildrenOf, r.ParentsOf)
	now := s.o.Now().UnixMilli()
	after := ""
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenAlarms, query, now)
		if err != nil || len(b) == 0 {
			return Page{}, ErrBadToken
		}
		after = string(b)
	}
	var page Page
	for _, e := range s.sorted(scope) {
		if e.alarm.Name <= after || !s.selects(&r, names, e) {
			continue
		}
		if len(page.Alarms) == limit {
			page.Next = logs.EncodeToken(logs.TokenAlarms, query, now, []byte(page.Alarms[limit-1].Name))
			break
		}
		page.Alarms = append(page.Alarms, e.alarm)
	}
	return page, nil
}

func (r *DescribeRequest) check() error {
	if err := checkNames(r.Names); err != nil {
		return err
	}
	others := len(r.Names) > 0 || r.Prefix != "" || len(r.Types) > 0 || r.State != "" || r.ActionPrefix != ""
	switch {
	case r.ChildrenOf != "" && (others || r.ParentsOf != ""):
		return parameterf("ChildrenOfAlarmName can be combined with MaxRecords and NextToken only.")
	case r.ParentsOf != "" && others:
		return parameterf("ParentsOfAlarmName can be combined with MaxRecords and NextToken only.")
	case len(r.Names) > 0 && r.Prefix != "":
		return parameterf("AlarmNamePrefix and AlarmNames cannot be combined.")
	case r.Limit < 0 || r.Limit > MaxPage:
		return parameterf("MaxRecords must be 1 to %d.", MaxPage)
	}
	return nil
}

// selects says whether an alarm is asked for; names are those of r, sorted.
func (s *Service) selects(r *DescribeRequest, names []string, e *entry) bool {
	a := e.alarm
	if r.ChildrenOf != "" {
		parent := s.get(a.Scope, resolve(a.Scope, r.ChildrenOf))
		return parent != nil && contains(parent.children, a.Name)
	}
	if r.ParentsOf != "" {
		return contains(e.children, resolve(a.Scope, r.ParentsOf))
	}
	if len(names) > 0 && !contains(names, a.Name) || !strings.HasPrefix(a.Name, r.Prefix) {
		return false
	}
	if len(r.Types) == 0 && a.Type() != TypeMetric || len(r.Types) > 0 && !slices.Contains(r.Types, a.Type()) {
		return false
	}
	if r.State != "" && a.State.Value != r.State {
		return false
	}
	return r.ActionPrefix == "" || slices.ContainsFunc(a.allActions(), func(action string) bool { return strings.HasPrefix(action, r.ActionPrefix) })
}

func contains(sorted []string, name string) bool {
	_, found := slices.BinarySearch(sorted, name)
	return found
}

// MetricRequest names a metric for DescribeForMetric. Empty fields but Dimensions select nothing.
type MetricRequest struct {
	Namespace, MetricName        string
	Dimensions                   []Dimension // all of the metric's, in any order
	Statistic, ExtendedStatistic string
	Period                       int64 // s
	Unit                         string
}

// DescribeForMetric lists the alarms on one metric by name; alarms on expressions are not among
// them.
func (s *Service) DescribeForMetric(ctx context.Context, scope logs.Scope, r MetricRequest) []*Alarm {
	var out []*Alarm
	for _, e := range s.sorted(scope) {
		m := e.alarm.Metric
		if m == nil || m.MetricName != r.MetricName || m.Namespace != r.Namespace || len(m.Dimensions) != len(r.Dimensions) ||
			r.Statistic != "" && m.Statistic != r.Statistic || r.ExtendedStatistic != "" && m.ExtendedStatistic != r.ExtendedStatistic ||
			r.Period != 0 && m.Period != r.Period || r.Unit != "" && m.Unit != r.Unit {
			continue
		}
		if !slices.ContainsFunc(m.Dimensions, func(d Dimension) bool { return !slices.Contains(r.Dimensions, d) }) {
			out = append(out, e.alarm)
		}
	}
	return out
}

// HistoryRequest selects lines of history.
type HistoryRequest struct {
	Name         string   // "" = of all alarms of Types
	Types        []string // none: TypeMetric only; not applied when Name is given
	Item         string   // "" = all items, else one of the constants
	FromMS, ToMS int64    // both included; 0 = open
	OldestFirst  bool
	Token        *string
	Limit        int // 0 = DefaultHistoryPage
}

// HistoryPage is one page of history. Next is the token of the next page, "" on the last.
type HistoryPage struct {
	Items []Item
	Next  string
}

// Item is a line of history.
type Item struct {
	Name    string
	Type    string
	AtMS    int64
	Item    string
	Summary string
	Data    string // JSON
}

// historyRead is how many lines are read from the catalog at a time, of which some may not be asked for.
const historyRead = 500

// History lists what happened to alarms in the last 30 days, those that are deleted among
// them. *ParameterError, ErrBadToken, ErrUnavailable.
func (s *Service) History(ctx context.Context, scope logs.Scope, r HistoryRequest) (HistoryPage, error) {
	if r.Limit < 0 || r.Limit > MaxPage {
		return HistoryPage{}, parameterf("MaxRecords must be 1 to %d.", MaxPage)
	}
	if r.ToMS != 0 && r.FromMS > r.ToMS {
		return HistoryPage{}, parameterf("StartDate must not be after EndDate.")
	}
	limit := r.Limit
	if limit == 0 {
		limit = DefaultHistoryPage
	}
	now := s.o.Now().UnixMilli()
	types := slices.Sorted(slices.Values(r.Types))
	query := logs.QueryHash(scope.Account, scope.Region, r.Name, strings.Join(types, ","), r.Item, fmt.Sprint(r.FromMS), fmt.Sprint(r.ToMS), fmt.Sprint(r.OldestFirst))
	q := catalog.EntryQuery{
		Kind: documentKind, Scope: scope, Name: r.Name,
		FromMS: max(r.FromMS, now-keepHistory.Milliseconds()), OldestFirst: r.OldestFirst, Limit: historyRead,
	}
	if r.ToMS != 0 {
		q.ToMS = r.ToMS + 1
	}
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenAlarmHistory, query, now)
		if err != nil || len(b) != 8 || int64(binary.BigEndian.Uint64(b)) <= 0 {
			return HistoryPage{}, ErrBadToken
		}
		q.After = int64(binary.BigEndian.Uint64(b))
	}
	var page HistoryPage
	last := int64(0)
	for {
		entries, err := s.o.Catalog.Journal(ctx, q)
		if err != nil {
			return HistoryPage{}, translate(err)
		}
		for i := range entries {
			e := &entries[i]
			var l line
			if err := json.Unmarshal(e.Body, &l); err != nil {
				return HistoryPage{}, fmt.Errorf("decode history %d: %w", e.Seq, err)
			}
			if r.Item != "" && l.Item != r.Item || r.Name == "" && !asked(r.Types, l.Type) {
				continue
			}
			if len(page.Items) == limit {
				page.Next = logs.EncodeToken(logs.TokenAlarmHistory, query, now, binary.BigEndian.AppendUint64(nil, uint64(last)))
				return page, nil
			}
			last = e.Seq
			page.Items = append(page.Items, Item{Name: e.Name, Type: l.Type, AtMS: e.AtMS, Item: l.Item, Summary: l.Summary, Data: l.Data})
		}
		if len(entries) < historyRead {
			return page, nil
		}
		q.After = entries[len(entries)-1].Seq
	}
}

func asked(types []string, t string) bool {
	return len(types) == 0 && t == TypeMetric || slices.Contains(types, t)
}

// exists returns the alarm that an ARN names. ErrNotFound.
func (s *Service) exists(scope logs.Scope, arn string) error {
	name, ok := scope.AlarmOfARN(arn)
	if !ok || s.get(scope, name) == nil {
		return ErrNotFound
	}
	return nil
}

// Tag merges tags into those of an alarm. ErrNotFound, *groups.TooManyTagsError,
// *groups.ParameterError, groups.ErrUnavailable.
func (s *Service) Tag(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error {
	if err := s.exists(scope, arn); err != nil {
		return err
	}
	return groups.PutTags(ctx, s.o.Catalog, arn, tags)
}

// Untag removes tags of an alarm by key; unknown keys are ignored. ErrNotFound,
// ErrUnavailable.
func (s *Service) Untag(ctx context.Context, scope logs.Scope, arn string, keys []string) error {
	if err := s.exists(scope, arn); err != nil {
		return err
	}
	return translate(s.o.Catalog.RemoveTags(ctx, arn, keys))
}

// Tags returns the tags of an alarm; empty when it has none. ErrNotFound,
// ErrUnavailable.
func (s *Service) Tags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error) {
	if err := s.exists(scope, arn); err != nil {
		return nil, err
	}
	tags, err := s.o.Catalog.Tags(ctx, arn)
	return tags, translate(err)
}

// Count returns how many alarms there are in a state, over all scopes.
func (s *Service) Count(state string) int {
	entries, _ := s.all()
	n := 0
	for _, e := range entries {
		if e.alarm.State.Value == state {
			n++
		}
	}
	return n
}
