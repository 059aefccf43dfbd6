package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cumulog/cumulog/test/bench/corpus"
	"github.com/cumulog/cumulog/test/process"
)

const repeats = 11

// reads measures calls on a stored corpus. Each is sent once to warm and then repeats times; the median is reported.
func reads(ctx context.Context, r *report, c *caller, scenario string, kind corpus.Kind, group string) error {
	measure := func(name, operation, body string, check func(answer []byte) error) error {
		var took []time.Duration
		var answer bytes.Buffer
		hash := hashOf([]byte(body))
		for i := range repeats + 1 {
			d, err := c.call(ctx, operation, []byte(body), hash, &answer)
			if err != nil {
				return err
			}
			if i > 0 {
				took = append(took, d)
			}
		}
		if err := check(answer.Bytes()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.add(scenario, name, quantile(took, 0.5), "ms")
		return nil
	}
	if err := measure("GetLogEvents, page of 10,000 short events", "GetLogEvents",
		fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"startFromHead":true,"limit":10000}`, group, shortStream), atLeast(10_000)); err != nil {
		return err
	}
	if err := measure("GetLogEvents, page of 1 MB", "GetLogEvents",
		fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"startFromHead":true,"limit":10000}`, group, streamName(3)), atLeast(100)); err != nil {
		return err
	}
	if err := measure("newest 100 events of a stream", "GetLogEvents",
		fmt.Sprintf(`{"logGroupName":%q,"logStreamName":%q,"limit":100}`, group, streamName(5)), atLeast(100)); err != nil {
		return err
	}
	for _, q := range questions() {
		if !q.first || !q.about(kind) {
			continue
		}
		if err := measure("FilterLogEvents, "+q.name, "FilterLogEvents",
			fmt.Sprintf(`{"logGroupName":%q,"filterPattern":%q}`, group, q.pattern), atLeast(100)); err != nil {
			return err
		}
	}
	return rare(ctx, r, c, scenario, group)
}

func atLeast(n int) func([]byte) error {
	return func(answer []byte) error {
		var page struct{ Events []json.RawMessage }
		if err := json.Unmarshal(answer, &page); err != nil {
			return err
		}
		if len(page.Events) < n {
			return fmt.Errorf("%d events came back, want at least %d", len(page.Events), n)
		}
		return nil
	}
}

// rare searches the whole corpus for a token that five messages hold, following pages to their end.
func rare(ctx context.Context, r *report, c *caller, scenario, group string) error {
	var took []time.Duration
	for i := range 4 {
		f, err := filterAll(ctx, c, group, rareToken)
		if err != nil {
			return err
		}
		if f.hits < 5 {
			return fmt.Errorf("the rare token was found %d times, want at least 5", f.hits)
		}
		if i > 0 {
			took = append(took, f.took)
		}
		if i == 3 {
			r.add(scenario, fmt.Sprintf("FilterLogEvents, rare term, %d hits, %d calls", f.hits, f.calls), quantile(took, 0.5), "ms")
		}
	}
	return nil
}

// export measures an export task over the whole corpus.
func export(ctx context.Context, r *report, p *process.Server, c *caller, scenario, group string, size int64) error {
	client := s3.New(s3.Options{
		BaseEndpoint: &p.URL, UsePathStyle: true, Region: "us-east-1", HTTPClient: &http.Client{},
		Credentials: credentials.NewStaticCredentialsProvider(c.key.AccessKeyID, c.key.SecretAccessKey, ""),
	})
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bench-exports")}); err != nil {
		return err
	}
	cpu, err := cpuTime(p.PID())
	if err != nil {
		return err
	}
	begin := time.Now()
	answer, _, err := c.do(ctx, "CreateExportTask", fmt.Sprintf(`{"logGroupName":%q,"from":%d,"to":%d,"destination":"bench-exports"}`,
		group, begin.Add(-24*time.Hour).UnixMilli(), begin.Add(time.Hour).UnixMilli()))
	if err != nil {
		return err
	}
	var task struct{ TaskID string }
	if err := json.Unmarshal(answer, &task); err != nil {
		return err
	}
	for {
		answer, _, err := c.do(ctx, "DescribeExportTasks", fmt.Sprintf(`{"taskId":%q}`, task.TaskID))
		if err != nil {
			return err
		}
		var list struct {
			ExportTasks []struct {
				Status struct{ Code, Message string }
			}
		}
		if err := json.Unmarshal(answer, &list); err != nil || len(list.ExportTasks) != 1 {
			return fmt.Errorf("DescribeExportTasks answered %s: %w", answer, err)
		}
		switch status := list.ExportTasks[0].Status; status.Code {
		case "COMPLETED":
			wall := time.Since(begin)
			after, err := cpuTime(p.PID())
			if err != nil {
				return err
			}
			r.add(scenario, "message bytes", float64(size)/1e6/wall.Seconds(), "MB/s")
			r.add(scenario, "server CPU", (after-cpu).Seconds()/(float64(size)/1e9), "s/GB")
			return nil
		case "FAILED", "CANCELLED":
			return fmt.Errorf("the export task ended %s: %s", status.Code, status.Message)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
