package schedules

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Statuses of a run.
const (
	Running      = "Running"
	InvalidQuery = "InvalidQuery"
	Complete     = "Complete"
	Failed       = "Failed"
	Timeout      = "Timeout"
)

// Statuses of a delivery.
const (
	InProgress  = "IN_PROGRESS"
	ClientError = "CLIENT_ERROR"
	Undelivered = "FAILED"
	Delivered   = "COMPLETE"
)

// Delivery is what became of the result of a run.
type Delivery struct {
	URI    string `json:"uri"` // as it was asked for
	Status string `json:"status"`
	Object string `json:"object,omitempty"` // s3://BUCKET/KEY, when delivered
	Error  string `json:"error,omitempty"`
}

// outcome is the JSON of a run.
type outcome struct {
	QueryID  string    `json:"queryId,omitempty"`
	Error    string    `json:"error,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
	// Spec is what was to be done when the run began.
	Spec Spec `json:"spec"`
}

// RunInfo is one run.
type RunInfo struct {
	QueryID  string // "" = it has not begun
	Status   string
	AtMS     int64 // the time that it was for
	Error    string
	Delivery *Delivery // nil: no destination
}

// HistoryRequest selects and pages runs.
type HistoryRequest struct {
	Identifier string   // name or ARN
	Start, End int64    // both included; s since the Unix epoch, or ms from 10^11 on
	Statuses   []string // none = any
	Token      *string
	Limit      int // 0 = DefaultPage
}

// HistoryPage is one page of runs, newest first. Next is the token of the next page,
// "" on the last.
type HistoryPage struct {
	ARN, Name string
	Runs      []RunInfo
	Next      string
}

// History lists the runs of a scheduled query. *ParameterError, ErrBadToken,
// ErrNotFound, ErrUnavailable.
func (s *Service) History(ctx context.Context, scope logs.Scope, r HistoryRequest) (HistoryPage, error) {
	from, to := fromEpoch(r.Start).UnixMilli(), fromEpoch(r.End).UnixMilli()
	if r.End < msFrom {
		to += 999 // all of the second
	}
	if from > to {
		return HistoryPage{}, parameterf("startTime must not be after endTime.")
	}
	row, err := s.find(ctx, scope, r.Identifier)
	if err != nil {
		return HistoryPage{}, err
	}
	setDefault(&r.Limit, DefaultPage)
	limit := min(r.Limit, MaxPage)
	statuses := slices.Sorted(slices.Values(r.Statuses))
	query := logs.QueryHash(row.ID, fmt.Sprint(from), fmt.Sprint(to), strings.Join(statuses, ","))
	now := s.o.Now().UnixMilli()
	f := catalog.RunFilter{FromMS: max(from, now-keepRuns.Milliseconds()), ToMS: to, Limit: limit + 1}
	if len(statuses) > 0 {
		f.Statuses = slices.Compact(statuses)
	}
	if r.Token != nil {
		b, err := logs.DecodeToken(*r.Token, logs.TokenRuns, query, now)
		if err != nil || len(b) != 8 || int64(binary.BigEndian.Uint64(b)) <= 0 {
			return HistoryPage{}, ErrBadToken
		}
		f.Before = int64(binary.BigEndian.Uint64(b))
	}
	runs, err := s.o.Catalog.Runs(ctx, row.ID, f)
	if err != nil {
		return HistoryPage{}, translate(err)
	}
	page := HistoryPage{ARN: scope.ScheduledQueryARN(row.ID), Name: row.Name}
	if len(runs) > limit {
		runs = runs[:limit]
		page.Next = logs.EncodeToken(logs.TokenRuns, query, now, binary.BigEndian.AppendUint64(nil, uint64(runs[limit-1].Seq)))
	}
	for i := range runs {
		var o outcome
		if err := json.Unmarshal(runs[i].Body, &o); err != nil {
			return HistoryPage{}, fmt.Errorf("decode run %d: %w", runs[i].Seq, err)
		}
		page.Runs = append(page.Runs, RunInfo{QueryID: o.QueryID, Status: runs[i].Status, AtMS: runs[i].TriggeredMS, Error: o.Error, Delivery: o.Delivery})
	}
	return page, nil
}
