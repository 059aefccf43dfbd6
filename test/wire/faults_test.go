package wire_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/cumulog/cumulog/test/process"
)

// refusals counts the answers with HTTP status 400.
type refusals struct{ refused int }

func (c *refusals) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusBadRequest {
		c.refused++
	}
	return resp, err
}

// TestFaults: a loop that goes on at empty pages, and retries, sees every event.
func TestFaults(t *testing.T) {
	srv := process.Run(t, process.Options{Args: []string{
		"--strict-aws", "--faults", "FilterLogEvents:empty=0.5,throttle=0.2,delay=1ms;DescribeLogGroups:throttle=1",
	}})
	c := logsClient(srv.URL, credential{})
	create(t, c, "g", "s")
	var want []string
	for i := range 30 {
		want = append(want, strings.Repeat("x", i+1))
	}
	put(t, c, "g", "s", want...)

	calls := &refusals{}
	patient := cloudwatchlogs.NewFromConfig(awsConfig(srv.URL, credential{}), func(o *cloudwatchlogs.Options) {
		o.HTTPClient = &http.Client{Transport: calls}
		o.RetryMaxAttempts = 50
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 50, time.Millisecond, ratelimit.None
		})
	})
	var got []string
	empty := 0
	for range 20 {
		got = got[:0]
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(patient, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("g"), Limit: aws.Int32(4)},
			func(o *cloudwatchlogs.FilterLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
		row := 0
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Events) == 0 {
				empty++
				if row++; row > 3 {
					t.Error("more than three empty pages in a row")
				}
			} else {
				row = 0
			}
			for _, e := range page.Events {
				got = append(got, aws.ToString(e.Message))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d events, want %d", len(got), len(want))
		}
	}
	if empty == 0 || calls.refused == 0 {
		t.Errorf("%d empty pages and %d refused calls, want some of each", empty, calls.refused)
	}

	_, err := c.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if codeOf(err) != "ThrottlingException" || !strings.Contains(err.Error(), "Rate exceeded") || !strings.Contains(err.Error(), "StatusCode: 400") {
		t.Errorf("the operation that is always refused: %v", err)
	}
}

func TestFaultsAreRefusedWithTheirPosition(t *testing.T) {
	for args, want := range map[string]string{
		"--faults=*:throttle=0.1":               "--faults: faults are made only together with --strict-aws",
		"--strict-aws --faults=*:throttle=2":    `at 12: "2" is not a share from 0 to 1`,
		"--strict-aws --faults=GetLog:delay=1s": `--faults: at 1: this server has no operation "GetLog"`,
	} {
		_, err := process.Start(t.Context(), process.Options{Binary: process.Binary(t), Data: t.TempDir(), Args: strings.Fields(args)})
		exit, ended := errors.AsType[*process.ExitError](err)
		if !ended || !strings.Contains(exit.Output, want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}
