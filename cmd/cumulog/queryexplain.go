package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// explained is the answer of ExplainQuery; docs/console-api.md.
type explained struct {
	Plan string `json:"plan"`
	Run  *struct {
		Steps []struct {
			Step string `json:"step"`
			In   int64  `json:"recordsIn"`
			Out  int64  `json:"recordsOut"`
		} `json:"steps"`
		Rows          int64 `json:"rows"`
		Milliseconds  int64 `json:"milliseconds"`
		Blocks        int64 `json:"blocks"`
		Counted       int64 `json:"blocksCounted"`
		ByTime        int64 `json:"blocksSkippedByTime"`
		ByIndex       int64 `json:"blocksSkippedByIndex"`
		ByBounds      int64 `json:"blocksSkippedByBounds"`
		ByOrder       int64 `json:"blocksSkippedByOrder"`
		PartsSkipped  int64 `json:"partsSkipped"`
		BlocksDamaged int64 `json:"blocksDamaged"`
		BytesDecoded  int64 `json:"bytesDecoded"`
		MemoryPeak    int64 `json:"memoryPeak"`
	} `json:"run"`
}

// explain prints how the server answers a query and what running it did.
func (q *queryFlags) explain(ctx context.Context, in *cloudwatchlogs.StartQueryInput, out io.Writer) error {
	body := map[string]any{"queryString": in.QueryString, "startTime": in.StartTime, "endTime": in.EndTime, "run": true}
	if len(in.LogGroupIdentifiers) > 0 {
		body["logGroupIdentifiers"] = in.LogGroupIdentifiers
	}
	if in.QueryLanguage != "" {
		body["queryLanguage"] = in.QueryLanguage
	}
	if in.Limit != nil {
		body["limit"] = in.Limit
	}
	var e explained
	if err := q.console(ctx, "ExplainQuery", body, &e); err != nil {
		if c, ok := errors.AsType[*consoleError](err); ok && c.Position != nil {
			return &failure{err: fmt.Errorf("%s\n%s", c.Message, pointAt(*in.QueryString, c.Position.Start, c.Position.End)), hint: "docs/insights.md shows every command", code: 2}
		}
		return err
	}
	fmt.Fprint(out, e.Plan)
	r := e.Run
	if r == nil {
		return nil
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "records in\tout\tstep")
	for _, s := range r.Steps {
		fmt.Fprintf(w, "%d\t%d\t%s\n", s.In, s.Out, s.Step)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d rows in %s; %d blocks read", r.Rows, time.Duration(r.Milliseconds)*time.Millisecond, r.Blocks)
	if r.Counted > 0 {
		fmt.Fprintf(out, ", %d of them from their header", r.Counted)
	}
	fmt.Fprintf(out, "; %s decoded, %s of memory\n", byteSize(float64(r.BytesDecoded)), byteSize(float64(r.MemoryPeak)))
	fmt.Fprintf(out, "blocks skipped: %d by time, %d by index, %d by bounds, %d by order; %d parts not opened\n", r.ByTime, r.ByIndex, r.ByBounds, r.ByOrder, r.PartsSkipped)
	if r.BlocksDamaged > 0 {
		fmt.Fprintf(out, "%d blocks are damaged: their events are missing\n", r.BlocksDamaged)
	}
	return nil
}

// consoleError is an error that the console API answers with.
type consoleError struct {
	Type     string `json:"__type"`
	Message  string `json:"message"`
	Position *struct {
		Start int `json:"start"`
		End   int `json:"end"`
	} `json:"position"`
}

func (e *consoleError) Error() string {
	return e.Type[strings.LastIndexByte(e.Type, '#')+1:] + ": " + e.Message
}

// maxConsoleAnswer bounds what is read of an answer, in bytes.
const maxConsoleAnswer = 16 << 20

// callConsole sends a call of the console API.
func (r *remote) callConsole(ctx context.Context, operation string, in any) (*http.Response, error) {
	cfg, err := r.config(ctx)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url()+"/_/api/"+operation, bytes.NewReader(body))
	if err != nil {
		return nil, usageError("endpoint %q is not a URL", r.url())
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the credentials: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "logs", cfg.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	return http.DefaultClient.Do(req)
}

// console calls an operation of the console API.
func (r *remote) console(ctx context.Context, operation string, in, out any) error {
	resp, err := r.callConsole(ctx, operation, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxConsoleAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer of %s: %w", operation, err)
	}
	if resp.StatusCode != http.StatusOK {
		bad := &consoleError{}
		if json.Unmarshal(answer, bad) != nil || bad.Type == "" {
			return fmt.Errorf("%s answers %s; is the server a cumulog of this version?", operation, resp.Status)
		}
		return bad
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", operation, err)
	}
	return nil
}
