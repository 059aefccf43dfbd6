package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/spf13/cobra"
)

// PutLogEvents' bounds: each event counts 26 bytes beyond its message.
const (
	maxBatchBytes  = 1 << 20
	maxBatchEvents = 10_000
	eventOverhead  = 26
	maxMessage     = maxBatchBytes - eventOverhead
)

func newPut() *cobra.Command {
	var (
		r      remote
		create bool
		quiet  bool
		wait   time.Duration
	)
	cmd := &cobra.Command{
		Use:   "put GROUP STREAM",
		Short: "Send the lines of standard input to a log stream",
		Long: `Sends every line of standard input as one event, stamped with the time it was read, in batches of up to 1 MiB.
An incomplete batch is sent --wait after its first line. Empty lines are left out; a line over 1 MiB becomes several events.`,
		Example: `  journalctl -f | cumulog put /host/journal "$(hostname)" --create
  AWS_ENDPOINT_URL=http://logs.lan:4566 cumulog put app web < app.log`,
		Args: exactly("a log group", "a log stream"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := r.logs(cmd.Context())
			if err != nil {
				return err
			}
			s := &sender{client: client, group: args[0], stream: args[1], now: time.Now}
			if create {
				if err := s.create(cmd.Context()); err != nil {
					return err
				}
			}
			progress := io.Discard
			if !quiet {
				progress = cmd.ErrOrStderr()
			}
			return s.copy(cmd.Context(), cmd.InOrStdin(), progress, wait)
		},
	}
	r.bind(cmd.Flags())
	cmd.Flags().BoolVar(&create, "create", false, "create the group and the stream when they are missing")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print no progress")
	cmd.Flags().DurationVar(&wait, "wait", 500*time.Millisecond, "how long an incomplete batch waits for more lines")
	return cmd
}

// sender turns lines into batches of one stream. It is used by one goroutine.
type sender struct {
	client        *cloudwatchlogs.Client
	group, stream string
	now           func() time.Time

	batch      []types.InputLogEvent
	batchBytes int
	last       int64 // newest timestamp given: a clock that steps back must not make the batch unordered

	batches, sentEvents, sentBytes, rejected, repaired, split, empty int64
}

func (s *sender) create(ctx context.Context) error {
	var exists *types.ResourceAlreadyExistsException
	_, err := s.client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &s.group})
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	_, err = s.client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &s.group, LogStreamName: &s.stream})
	if err != nil && !errors.As(err, &exists) {
		return err
	}
	return nil
}

// copy sends everything of in and reports on progress. It returns when in ends, when a batch is refused, or with ctx.
func (s *sender) copy(ctx context.Context, in io.Reader, progress io.Writer, wait time.Duration) error {
	lines := make(chan string, 1024)
	ended := make(chan error, 1)
	go func() { // ends with in; a read of a terminal cannot be interrupted, the process ends first
		ended <- readLines(ctx, in, lines)
		close(lines)
	}()
	start, shown := s.now(), time.Time{}
	show := func(end bool) {
		if now := s.now(); end || now.Sub(shown) >= time.Second {
			shown = now
			s.report(progress, now.Sub(start), end)
		}
	}
	due := time.NewTimer(wait)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.interrupted(ctx)
		case line, more := <-lines:
			if !more {
				if err := s.flush(ctx); err != nil {
					return err
				}
				show(true)
				return s.result(<-ended)
			}
			sent := s.batches
			if err := s.add(ctx, line); err != nil {
				return err
			}
			if len(s.batch) == 1 || s.batches != sent {
				due.Reset(wait)
			}
		case <-due.C:
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
		show(false)
	}
}

// interrupted sends what was read already, so that an interrupted pipe loses nothing it handed over.
func (s *sender) interrupted(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.flush(ctx); err != nil {
		return err
	}
	return context.Canceled
}

func (s *sender) result(err error) error {
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	if s.rejected > 0 {
		return hinted(fmt.Errorf("%d events were refused because of their time", s.rejected), "check the clock of this machine and the retention of the group")
	}
	return nil
}

// readLines hands over lines without their ends. Lines are cut at 16 times the size of a message, which add splits further.
func readLines(ctx context.Context, in io.Reader, lines chan<- string) error {
	r := bufio.NewReaderSize(in, 64<<10)
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		long = append(long, part...)
		if errors.Is(err, bufio.ErrBufferFull) && len(long) < 16*maxMessage {
			continue
		}
		if len(long) > 0 {
			line := strings.TrimSuffix(strings.TrimSuffix(string(long), "\n"), "\r")
			long = long[:0]
			select {
			case lines <- line:
			case <-ctx.Done():
				return nil
			}
		}
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

// add puts one line into the batch, sending the batch first when it is full.
func (s *sender) add(ctx context.Context, line string) error {
	if line == "" {
		s.empty++
		return nil
	}
	if !utf8.ValidString(line) {
		line = strings.ToValidUTF8(line, "\uFFFD")
		s.repaired++
	}
	if len(line) > maxMessage {
		s.split++
	}
	for line != "" {
		n := cut(line, maxMessage)
		if len(s.batch) == maxBatchEvents || s.batchBytes+n+eventOverhead > maxBatchBytes {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
		s.last = max(s.last, s.now().UnixMilli())
		s.batch = append(s.batch, types.InputLogEvent{Message: aws.String(line[:n]), Timestamp: aws.Int64(s.last)})
		s.batchBytes += n + eventOverhead
		line = line[n:]
	}
	return nil
}

// cut is the length of the longest prefix of s that has at most n bytes and ends between two characters.
func cut(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

func (s *sender) flush(ctx context.Context) error {
	if len(s.batch) == 0 {
		return nil
	}
	out, err := s.client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &s.group, LogStreamName: &s.stream, LogEvents: s.batch,
	})
	if err != nil {
		return err
	}
	accepted := int64(len(s.batch))
	if info := out.RejectedLogEventsInfo; info != nil {
		from := max(aws.ToInt32(info.TooOldLogEventEndIndex), aws.ToInt32(info.ExpiredLogEventEndIndex))
		to := int32(len(s.batch))
		if info.TooNewLogEventStartIndex != nil {
			to = *info.TooNewLogEventStartIndex
		}
		accepted = int64(max(0, to-from))
		s.rejected += int64(len(s.batch)) - accepted
	}
	s.batches++
	s.sentEvents += accepted
	s.sentBytes += int64(s.batchBytes - eventOverhead*len(s.batch))
	s.batch, s.batchBytes = s.batch[:0], 0
	return nil
}

func (s *sender) report(w io.Writer, took time.Duration, end bool) {
	line := fmt.Sprintf("%d events, %.1f MB, %.1f MB/s", s.sentEvents, float64(s.sentBytes)/1e6, float64(s.sentBytes)/1e6/max(took.Seconds(), 1e-3))
	for _, c := range []struct {
		n    int64
		what string
	}{{s.rejected, "refused"}, {s.empty, "empty lines left out"}, {s.split, "long lines split"}, {s.repaired, "lines with invalid UTF-8 repaired"}} {
		if c.n > 0 {
			line += fmt.Sprintf(", %d %s", c.n, c.what)
		}
	}
	redraw := ""
	if isTerminal(w) {
		redraw = "\r\x1b[K"
	}
	switch {
	case end:
		fmt.Fprintf(w, "%s%s\n", redraw, line)
	case redraw != "":
		fmt.Fprintf(w, "%s%s", redraw, line)
	}
}

// isTerminal says whether progress may redraw its line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
