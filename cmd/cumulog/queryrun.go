package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const (
	// A query is asked for soon and then ever less often.
	firstPoll, lastPoll = 5 * time.Millisecond, 250 * time.Millisecond
	// stopWithin is how long an interrupted command waits for StopQuery.
	stopWithin = 5 * time.Second
)

// queryAnswer is what a query that ended well returned.
type queryAnswer struct {
	columns []string
	rows    [][]types.ResultField
	stats   types.QueryStatistics
	took    time.Duration
}

// queryRun starts a query, waits for it and fetches its rows. It is used by one goroutine.
type queryRun struct {
	client   *cloudwatchlogs.Client
	progress io.Writer
	now      func() time.Time
}

// do returns the answer. When ctx ends, the query is stopped on the server.
func (r *queryRun) do(ctx context.Context, in *cloudwatchlogs.StartQueryInput) (*queryAnswer, error) {
	began := r.now()
	started, err := r.client.StartQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	first, err := r.wait(ctx, started.QueryId, began)
	fmt.Fprint(r.progress, "\r\x1b[K")
	if err != nil {
		if ctx.Err() != nil {
			return nil, r.stop(ctx, started.QueryId)
		}
		return nil, err
	}
	a := &queryAnswer{rows: first.Results, took: r.now().Sub(began)}
	if first.Statistics != nil {
		a.stats = *first.Statistics
	}
	for token := first.NextToken; token != nil; {
		page, err := r.client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId, NextToken: token})
		if err != nil {
			return nil, fmt.Errorf("fetching row %d and more: %w", len(a.rows), err)
		}
		if len(page.Results) == 0 && aws.ToString(page.NextToken) == aws.ToString(token) {
			return nil, fmt.Errorf("the server repeats an empty page behind row %d", len(a.rows))
		}
		a.rows = append(a.rows, page.Results...)
		token = page.NextToken
	}
	a.columns = columnsOf(a.rows)
	return a, nil
}

// wait polls until the query has ended and returns the first page.
func (r *queryRun) wait(ctx context.Context, id *string, began time.Time) (*cloudwatchlogs.GetQueryResultsOutput, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
		}
		got, err := r.client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: id})
		if err != nil {
			return nil, err
		}
		switch got.Status {
		case types.QueryStatusComplete:
			return got, nil
		case types.QueryStatusScheduled, types.QueryStatusRunning:
		case types.QueryStatusCancelled:
			return nil, hinted(errors.New("the query was stopped"), "somebody called StopQuery, or the server stops")
		case types.QueryStatusTimeout:
			return nil, hinted(errors.New("the query timed out"), "ask for a shorter range, or filter on more")
		case types.QueryStatusFailed:
			return nil, hinted(fmt.Errorf("query %s failed", aws.ToString(id)), "the log of the server says why")
		default:
			return nil, fmt.Errorf("query %s has status %s", aws.ToString(id), got.Status)
		}
		r.show(got, r.now().Sub(began))
		timer.Reset(pause)
	}
}

// show redraws the line that tells how far a query is.
func (r *queryRun) show(got *cloudwatchlogs.GetQueryResultsOutput, took time.Duration) {
	if r.progress == io.Discard || took < 2*lastPoll { // most queries end before anybody could read it
		return
	}
	line := string(got.Status)
	if s := got.Statistics; s != nil {
		line += fmt.Sprintf(": %s records, %s, %s/s", bigNumber(s.RecordsScanned), byteSize(s.BytesScanned), byteSize(s.BytesScanned/took.Seconds()))
	}
	fmt.Fprintf(r.progress, "\r\x1b[K%s, %d rows so far, %.1f s", line, len(got.Results), took.Seconds())
}

// stop ends an interrupted query on the server.
func (r *queryRun) stop(ctx context.Context, id *string) error {
	cause := ctx.Err()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	_, err := r.client.StopQuery(ctx, &cloudwatchlogs.StopQueryInput{QueryId: id})
	if _, ended := errors.AsType[*types.InvalidParameterException](err); err == nil || ended {
		return cause
	}
	return hinted(fmt.Errorf("query %s goes on on the server: %w", aws.ToString(id), err), "stop it with `aws logs stop-query`")
}

// summary is one line about what the query read.
func (a *queryAnswer) summary() string {
	rows := "rows"
	if len(a.rows) == 1 {
		rows = "row"
	}
	s := fmt.Sprintf("%s %s; %s of %s records matched, %s", bigNumber(float64(len(a.rows))), rows, bigNumber(a.stats.RecordsMatched),
		bigNumber(a.stats.RecordsScanned), byteSize(a.stats.BytesScanned))
	if a.stats.EstimatedRecordsSkipped > 0 {
		s += fmt.Sprintf("; %s skipped", bigNumber(a.stats.EstimatedRecordsSkipped))
	}
	return s + fmt.Sprintf("; %.3g s", a.took.Seconds())
}

// bigNumber writes a count with commas between thousands.
func bigNumber(f float64) string {
	s := strconv.FormatFloat(f, 'f', 0, 64)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// byteSize writes a count of bytes in three digits.
func byteSize(f float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if f < 999.5 {
			return fmt.Sprintf("%.3g %s", f, unit)
		}
		f /= 1000
	}
	return fmt.Sprintf("%.3g TB", f)
}

// columnsOf returns the columns of rows that leave out what has no value, in an order that every row keeps to. Columns that no row
// tells the order of come as they were first seen.
func columnsOf(rows [][]types.ResultField) []string {
	var seen []string
	before := map[string]int{} // how many columns are known to come before one
	next := map[string][]string{}
	for _, row := range rows {
		for i := range row {
			name := aws.ToString(row[i].Field)
			if _, known := before[name]; !known {
				before[name] = 0
				seen = append(seen, name)
			}
			if i == 0 {
				continue
			}
			if last := aws.ToString(row[i-1].Field); !slices.Contains(next[last], name) {
				next[last] = append(next[last], name)
				before[name]++
			}
		}
	}
	columns := make([]string, 0, len(seen))
	for len(seen) > 0 {
		first := max(0, slices.IndexFunc(seen, func(name string) bool { return before[name] == 0 }))
		name := seen[first]
		columns, seen = append(columns, name), slices.Delete(seen, first, first+1)
		for _, n := range next[name] {
			before[n]--
		}
	}
	return columns
}
