// Package crash_test kills whole server processes, fills their disks, and checks that every acknowledged event is still
// there: once, in order, byte for byte.
//
//	go test ./test/crash                                       100 kills
//	go test -short ./test/crash                                5 kills
//	CUMULOG_CRASH_KILLS=1000 CUMULOG_CRASH_SEED=7 go test …    as told
package crash_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/cumulog/cumulog/test/process"
)

const group = "/crash/test"

func client(url string) *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(aws.Config{
		BaseEndpoint:     &url,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Timeout: 30 * time.Second, Transport: ownBody{}},
	})
}

// ownBody sends a copy of each request body. With the body of the SDK, net/http now and then reports a failed write after
// the answer has begun, and closes the connection under the large answers of this test.
type ownBody struct{}

func (ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if cerr := r.Body.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(r)
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

// event is an event as it was sent or as it came back.
type event struct {
	timestamp int64
	message   string
}

// stream is what its one writer knows of a log stream.
type stream struct {
	name      string
	acked     []event // in order
	uncertain []event // sent last, never answered: absent or whole
}

// check compares a stream with what the server returns.
func (s *stream) check(how string, got []event) error {
	for _, want := range [][]event{s.acked, slices.Concat(s.acked, s.uncertain)} {
		if slices.Equal(got, want) {
			return nil
		}
	}
	at := 0
	for at < len(got) && at < len(s.acked) && got[at] == s.acked[at] {
		at++
	}
	describe := func(es []event) string {
		if at >= len(es) {
			return "nothing"
		}
		return fmt.Sprintf("%d %.80q", es[at].timestamp, es[at].message)
	}
	return fmt.Errorf("stream %s by %s: %d events, want %d and perhaps %d more; event %d is %s, want %s",
		s.name, how, len(got), len(s.acked), len(s.uncertain), at, describe(got), describe(s.acked))
}

// settle makes a batch that survived without an answer one that counts.
func (s *stream) settle(got []event) {
	if len(got) > len(s.acked) {
		s.acked = slices.Concat(s.acked, s.uncertain)
	}
	s.uncertain = nil
}

// write sends batches to a stream until the first error, which is returned.
func (s *stream) write(ctx context.Context, c *cloudwatchlogs.Client, rng *rand.Rand) error {
	clock := int64(0)
	for n := 0; ; n++ {
		count, filler := 1+rng.IntN(40), rng.IntN(300)
		if rng.IntN(8) == 0 {
			count, filler = 1+rng.IntN(1000), rng.IntN(500)
		}
		batch := make([]event, count)
		clock = max(clock, time.Now().UnixMilli())
		for i := range batch {
			clock += int64(rng.IntN(2)) // equal timestamps happen
			batch[i] = event{clock, fmt.Sprintf("%s %d/%d %s", s.name, n, i, text(rng, filler))}
		}
		if err := put(ctx, c, s.name, batch); err != nil {
			s.uncertain = batch
			return err
		}
		s.acked = append(s.acked, batch...)
	}
}

func put(ctx context.Context, c *cloudwatchlogs.Client, name string, batch []event) error {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String(group), LogStreamName: &name}
	for i := range batch {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: &batch[i].timestamp, Message: &batch[i].message})
	}
	out, err := c.PutLogEvents(ctx, in)
	if err == nil && out.RejectedLogEventsInfo != nil {
		return fmt.Errorf("events were rejected: %+v", out.RejectedLogEventsInfo)
	}
	return err
}

// text returns n characters that JSON has to escape now and then.
func text(rng *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789 \"\\\t{}é€😀"
	runes := []rune(letters)
	var b strings.Builder
	for range n {
		b.WriteRune(runes[rng.IntN(len(runes))])
	}
	return b.String()
}

// again repeats a read whose answer did not arrive in full; an error that the
// server sent counts at once.
func again[T any](read func() (T, error)) (out T, err error) {
	for range 3 {
		var api smithy.APIError
		if out, err = read(); err == nil || errors.As(err, &api) {
			break
		}
	}
	return out, err
}

// get reads a stream from its head.
func get(ctx context.Context, c *cloudwatchlogs.Client, name string) ([]event, error) {
	var got []event
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String(group), LogStreamName: &name, StartFromHead: aws.Bool(true)}
	for {
		out, err := again(func() (*cloudwatchlogs.GetLogEventsOutput, error) { return c.GetLogEvents(ctx, in) })
		if err != nil {
			return nil, fmt.Errorf("GetLogEvents of %s: %w", name, err)
		}
		for _, e := range out.Events {
			got = append(got, event{*e.Timestamp, *e.Message})
		}
		if in.NextToken != nil && *in.NextToken == *out.NextForwardToken {
			return got, nil
		}
		in.NextToken = out.NextForwardToken
	}
}

// filter reads streams together.
func filter(ctx context.Context, c *cloudwatchlogs.Client, names []string) (map[string][]event, error) {
	got := map[string][]event{}
	ids := map[string]bool{}
	last := int64(0)
	p := cloudwatchlogs.NewFilterLogEventsPaginator(c, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: aws.String(group), LogStreamNames: names,
	})
	for p.HasMorePages() {
		out, err := again(func() (*cloudwatchlogs.FilterLogEventsOutput, error) { return p.NextPage(ctx) })
		if err != nil {
			return nil, fmt.Errorf("FilterLogEvents: %w", err)
		}
		for _, e := range out.Events {
			if *e.Timestamp < last {
				return nil, fmt.Errorf("FilterLogEvents: timestamp %d after %d", *e.Timestamp, last)
			}
			if last = *e.Timestamp; ids[*e.EventId] {
				return nil, fmt.Errorf("FilterLogEvents: event %s twice", *e.EventId)
			}
			ids[*e.EventId] = true
			got[*e.LogStreamName] = append(got[*e.LogStreamName], event{*e.Timestamp, *e.Message})
		}
	}
	return got, nil
}

// verify checks streams both ways and settles them.
func verify(ctx context.Context, c *cloudwatchlogs.Client, streams []*stream) error {
	const atOnce = 50 // names FilterLogEvents takes, with room
	for part := range slices.Chunk(streams, atOnce) {
		var names []string
		for _, s := range part {
			names = append(names, s.name)
		}
		filtered, err := filter(ctx, c, names)
		if err != nil {
			return err
		}
		for _, s := range part {
			got, err := get(ctx, c, s.name)
			if err != nil {
				return err
			}
			if err := s.check("GetLogEvents", got); err != nil {
				return err
			}
			s.settle(got)
			if err := s.check("FilterLogEvents", filtered[s.name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// number reads a count from the environment.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func start(t *testing.T, data string, args ...string) (*process.Server, *cloudwatchlogs.Client) {
	t.Helper()
	s, err := process.Start(t.Context(), process.Options{Binary: process.Binary(t), Data: data, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return s, client(s.URL)
}

func createStream(t *testing.T, c *cloudwatchlogs.Client, name string) {
	t.Helper()
	_, err := c.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(group), LogStreamName: &name})
	if err != nil {
		t.Fatalf("creating stream %s: %v", name, err)
	}
}

// TestKill kills the server at random moments while several clients write.
func TestKill(t *testing.T) {
	kills := uint64(100)
	if testing.Short() {
		kills = 5
	}
	kills = number(t, "CUMULOG_CRASH_KILLS", kills)
	seed := number(t, "CUMULOG_CRASH_SEED", uint64(time.Now().UnixNano()))
	t.Logf("%d kills, CUMULOG_CRASH_SEED=%d", kills, seed)
	const writers = 4

	data := t.TempDir()
	args := []string{"--memory", "64MiB"} // the least: kills meet flushes and merges too
	srv, c := start(t, data, args...)
	defer func() { srv.Kill() }()
	if _, err := c.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(group)}); err != nil {
		t.Fatal(err)
	}
	var all []*stream
	for round := range kills {
		rng := rand.New(rand.NewPCG(seed, round))
		streams := make([]*stream, writers)
		for w := range streams {
			streams[w] = &stream{name: fmt.Sprintf("round-%04d-writer-%d", round, w)}
			createStream(t, c, streams[w].name)
		}
		all = append(all, streams...)

		var wg sync.WaitGroup
		for w, s := range streams {
			wg.Go(func() {
				err := s.write(t.Context(), c, rand.New(rand.NewPCG(seed, round<<8|uint64(w)|1<<63)))
				var api smithy.APIError
				if errors.As(err, &api) && api.ErrorCode() != "ServiceUnavailableException" {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		time.Sleep(time.Duration(10+rng.IntN(250)) * time.Millisecond)
		clean := rng.IntN(10) == 0
		if clean {
			if err := srv.Stop(); err != nil {
				t.Fatal(err)
			}
		} else {
			srv.Kill()
		}
		wg.Wait()

		srv, c = start(t, data, args...)
		if err := verify(t.Context(), c, streams); err != nil {
			t.Fatalf("round %d (clean stop %v): %v\nthe server printed:\n%s", round, clean, err, srv.Log())
		}
	}
	// Everything, as it was flushed, replayed and flushed again.
	if err := verify(t.Context(), c, all); err != nil {
		t.Fatalf("at the end: %v", err)
	}
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
	srv, c = start(t, data, args...)
	if err := verify(t.Context(), c, all); err != nil {
		t.Fatalf("after a clean stop: %v", err)
	}
	events := 0
	for _, s := range all {
		events += len(s.acked)
	}
	if events == 0 {
		t.Fatal("nothing was acknowledged")
	}
	t.Logf("%d events in %d streams are all there", events, len(all))
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
}
