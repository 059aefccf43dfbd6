package schedules

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/objects"
)

const contentType = "application/json"

// objectKey returns the key of the result of a run.
func objectKey(prefix, name, queryID string, at time.Time) string {
	key := strings.NewReplacer("/", "-", "#", "-").Replace(name) + "/" + at.UTC().Format("20060102T150405Z") + "-" + queryID + ".json"
	if prefix == "" {
		return key
	}
	return prefix + "/" + key
}

// deliver writes the result of a query, of which page is the first page, to
// the bucket of its destination, and notes what became of it. The error is
// that of ctx.
func (s *Service) deliver(ctx context.Context, row catalog.Schedule, at time.Time, request *insights.StartRequest, o *outcome, page insights.Page) error {
	bucket, prefix, _ := splitURI(o.Delivery.URI)
	key := objectKey(prefix, row.Name, o.QueryID, at)
	head := resultHead{
		ARN: row.Scope.ScheduledQueryARN(row.ID), Name: row.Name, QueryID: o.QueryID, Language: o.Spec.Language, Query: o.Spec.Query, Groups: o.Spec.Groups,
		Triggered: at.UnixMilli(), Start: request.Start, End: request.End, Status: page.Status,
		Statistics: resultStats{page.Stats.RecordsMatched, page.Stats.RecordsScanned, page.Stats.BytesScanned},
	}
	wait := s.o.tune.retryMin
	for n := 1; ; n++ {
		err := s.write(ctx, row.Scope, bucket, key, &head, page)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text, client := clientError(err)
		switch {
		case err == nil:
			o.Delivery.Status, o.Delivery.Object = Delivered, "s3://"+bucket+"/"+key
			return nil
		case client:
			o.Delivery.Status, o.Delivery.Error = ClientError, text
			return nil
		case n == s.o.tune.attempts:
			o.Delivery.Status, o.Delivery.Error = Undelivered, err.Error()
			return nil
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
		wait *= 2
	}
}

// clientError returns what the owner of a schedule can do something about.
func clientError(err error) (text string, ok bool) {
	switch {
	case errors.Is(err, objects.ErrNoSuchBucket), errors.Is(err, objects.ErrInvalidBucketName):
		return "The bucket does not exist.", true
	case errors.Is(err, objects.ErrAccessDenied), errors.Is(err, objects.ErrDenied):
		return "Access to the bucket is denied.", true
	case errors.Is(err, objects.ErrInvalidKey), errors.Is(err, objects.ErrKeyTooLong):
		return "The prefix and the name of the scheduled query make no key that an object can have.", true
	}
	return "", false
}

// resultHead is what an object says beside the rows.
type resultHead struct {
	ARN        string      `json:"scheduledQueryArn"`
	Name       string      `json:"scheduledQueryName"`
	QueryID    string      `json:"queryId"`
	Language   string      `json:"queryLanguage"`
	Query      string      `json:"queryString"`
	Groups     []string    `json:"logGroupIdentifiers,omitempty"`
	Triggered  int64       `json:"triggeredTimestamp"` // ms
	Start      int64       `json:"startTime"`          // ms, included
	End        int64       `json:"endTime"`            // ms, included
	Status     string      `json:"status"`
	Statistics resultStats `json:"statistics"`
}

type resultStats struct {
	Matched int64 `json:"recordsMatched"`
	Scanned int64 `json:"recordsScanned"`
	Bytes   int64 `json:"bytesScanned"`
}

type resultCell struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// write writes one object, page by page.
func (s *Service) write(ctx context.Context, scope logs.Scope, bucket, key string, head *resultHead, page insights.Page) error {
	in, out := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		w := bufio.NewWriterSize(out, 64<<10)
		err := s.encode(ctx, scope, w, head, page)
		if err == nil {
			err = w.Flush()
		}
		out.CloseWithError(err)
	}()
	err := s.o.Objects.PutObject(ctx, scope, bucket, key, in, -1, contentType)
	in.CloseWithError(io.ErrClosedPipe)
	<-written
	if err != nil {
		return fmt.Errorf("write object %s: %w", key, err)
	}
	return nil
}

// encode writes {…head…,"results":[rows]}.
func (s *Service) encode(ctx context.Context, scope logs.Scope, w *bufio.Writer, head *resultHead, page insights.Page) error {
	line, err := json.Marshal(head)
	if err != nil {
		return err
	}
	w.Write(line[:len(line)-1]) // a Writer keeps its first error for Flush
	w.WriteString(`,"results":[`)
	separator := "\n"
	cells := []resultCell{}
	for {
		for _, row := range page.Rows {
			cells = cells[:0]
			for _, c := range row {
				cells = append(cells, resultCell{c.Name, c.Value})
			}
			text, err := json.Marshal(cells)
			if err != nil {
				return err
			}
			w.WriteString(separator)
			if _, err := w.Write(text); err != nil {
				return err
			}
			separator = ",\n"
		}
		if page.Next == "" {
			break
		}
		if page, err = s.o.Queries.Results(ctx, scope, head.QueryID, &page.Next, 0); err != nil {
			return fmt.Errorf("read the result: %w", err)
		}
	}
	_, err = w.WriteString("\n]}\n")
	return err
}
