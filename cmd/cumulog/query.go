package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/spf13/cobra"
)

// Bounds of queries, those of StartQuery.
const (
	maxQueryText   = 10_000
	maxQueryGroups = 50
	maxQueryRows   = 100_000
)

// queryFlags are the flags of `cumulog query` as they were given.
type queryFlags struct {
	remote
	groups            []string
	since, start, end string
	limit             int
	format, language  string
	chart             string
	ptr, wide, quiet  bool
	explained         bool
}

func newQuery() *cobra.Command {
	var q queryFlags
	cmd := &cobra.Command{
		Use:   "query QUERY",
		Short: "Ask log groups a Logs Insights query",
		Long: `Runs a Logs Insights query and prints its rows. QUERY is the text, @FILE, or - for standard input.

The events of the last hour are asked, or those between --since or --start and --end; times are in whole seconds, both ends included.
--group may be repeated; GROUP* means every group that begins so. Queries that name their groups (SOURCE …, and SQL) take no --group.

On a terminal progress is shown while the query runs, the table is cut to the width of the terminal, and rows by time are drawn as a
chart. Values are printed as the API returns them, which is text. Ctrl-C stops the query on the server.

Exit codes: 0 done, 1 the query failed, 2 wrong usage or a query that is refused, 130 interrupted.`,
		Example: `  cumulog query 'filter level = "ERROR" | stats count(*) by bin(5m)' --group app --since 6h
  cumulog query 'fields @timestamp, @message | sort @timestamp desc | limit 20' -g '/aws/lambda/*'
  cumulog query @slow.txt -g app --start 2026-01-31T08:00:00Z --end 2026-01-31T09:00:00Z --format csv > slow.csv
  cumulog query 'stats pct(ms, 99) as p99 by bin(1m)' -g app --chart=always
  echo 'SOURCE logGroups(namePrefix: ["app"]) | stats count(*) by @log' | cumulog query - --format ndjson`,
		Args: exactly("a query"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := queryText(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return q.run(cmd.Context(), text, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	q.bind(cmd.Flags())
	f := cmd.Flags()
	f.StringArrayVarP(&q.groups, "group", "g", nil, "name or ARN of a log group, or GROUP* for all that begin so; may be repeated")
	f.StringVar(&q.since, "since", "", "ask from then on: 10m, 2h or 1d ago, or a time such as 2026-01-31T08:00:00Z [1h]")
	f.StringVar(&q.start, "start", "", "the same as --since")
	f.StringVar(&q.end, "end", "", "ask up to then, written like --since [now]")
	f.IntVar(&q.limit, "limit", 0, fmt.Sprintf("at most so many rows, up to %d [10000]", maxQueryRows))
	f.StringVar(&q.format, "format", "table", "table, json (one array), ndjson (an object a line) or csv")
	f.StringVar(&q.language, "language", "", "cwli, ppl or sql [cwli]")
	f.StringVar(&q.chart, "chart", "auto", "draw rows by time: auto (on a terminal), always or never")
	f.Lookup("chart").NoOptDefVal = "always"
	f.BoolVar(&q.ptr, "ptr", false, "print the column @ptr of events, too")
	f.BoolVarP(&q.wide, "wide", "w", false, "do not cut the table to the terminal")
	f.BoolVar(&q.explained, "explain", false, "print how the server answers the query and what running it did, not its rows")
	f.BoolVarP(&q.quiet, "quiet", "q", false, "print neither progress nor statistics")
	return cmd
}

// queryText is what the argument of the command means.
func queryText(arg string, in io.Reader) (string, error) {
	read := func(r io.Reader, from string) (string, error) {
		b, err := io.ReadAll(io.LimitReader(r, 4*maxQueryText+1))
		if err != nil {
			return "", fmt.Errorf("reading the query from %s: %w", from, err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	text, err := arg, error(nil)
	switch file, named := strings.CutPrefix(arg, "@"); {
	case arg == "-":
		text, err = read(in, "standard input")
	case named && !strings.ContainsAny(arg, " \t\n|"): // a query may begin with @message, but not alone
		f, openErr := os.Open(file)
		if openErr != nil {
			return "", usageError("reading the query: %w", openErr)
		}
		text, err = read(f, file)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return "", err
	}
	switch n := utf8.RuneCountInString(text); {
	case strings.TrimSpace(text) == "":
		return "", usageError("the query is empty")
	case n > maxQueryText:
		return "", usageError("the query is longer than %d characters", maxQueryText)
	}
	return text, nil
}

// check refuses flags that make no sense.
func (q *queryFlags) check() error {
	switch {
	case q.since != "" && q.start != "":
		return usageError("--since and --start mean the same; give one of them")
	case q.limit < 0 || q.limit > maxQueryRows:
		return usageError("--limit %d is outside 1 to %d", q.limit, maxQueryRows)
	case !slices.Contains([]string{"table", "json", "ndjson", "csv"}, q.format):
		return usageError("--format is table, json, ndjson or csv, not %q", q.format)
	case !slices.Contains([]string{"", "cwli", "ppl", "sql"}, strings.ToLower(q.language)):
		return usageError("--language is cwli, ppl or sql, not %q", q.language)
	case !slices.Contains([]string{"auto", "always", "never"}, q.chart):
		return usageError("--chart is auto, always or never, not %q", q.chart)
	case q.chart == "always" && q.format != "table":
		return usageError("--chart needs --format table")
	case len(q.groups) > maxQueryGroups:
		return usageError("at most %d groups can be named, not %d", maxQueryGroups, len(q.groups))
	}
	return nil
}

// window returns the range to ask, in seconds, both included.
func (q *queryFlags) window(now time.Time) (start, end int64, err error) {
	from, to := now.Add(-time.Hour).UnixMilli(), now.UnixMilli()
	for _, since := range []struct{ flag, text string }{{"--since", q.since}, {"--start", q.start}} {
		if since.text == "" {
			continue
		}
		if from, err = moment(since.text, now); err != nil {
			return 0, 0, usageError("%s: %w", since.flag, err)
		}
	}
	if q.end != "" {
		if to, err = moment(q.end, now); err != nil {
			return 0, 0, usageError("--end: %w", err)
		}
	}
	if to < from {
		return 0, 0, usageError("the range ends before it begins")
	}
	return from / 1000, (to + 999) / 1000, nil
}

func (q *queryFlags) run(ctx context.Context, text string, out, errOut io.Writer) error {
	if err := q.check(); err != nil {
		return err
	}
	start, end, err := q.window(time.Now())
	if err != nil {
		return err
	}
	client, err := q.logs(ctx)
	if err != nil {
		return err
	}
	in := &cloudwatchlogs.StartQueryInput{QueryString: &text, StartTime: &start, EndTime: &end}
	if q.language != "" {
		in.QueryLanguage = types.QueryLanguage(strings.ToUpper(q.language))
	}
	if q.limit > 0 {
		in.Limit = aws.Int32(int32(q.limit))
	}
	if in.LogGroupIdentifiers, err = queryGroups(ctx, client, q.groups); err != nil {
		return err
	}
	if q.explained {
		return q.explain(ctx, in, out)
	}
	r := &queryRun{client: client, progress: io.Discard, now: time.Now}
	if !q.quiet && isTerminal(errOut) {
		r.progress = errOut
	}
	answer, err := r.do(ctx, in)
	if err != nil {
		return queryError(text, err, len(q.groups) > 0)
	}
	if err := q.print(answer, out); err != nil {
		if errors.Is(err, syscall.EPIPE) {
			return nil // `head` has seen enough
		}
		return err
	}
	if !q.quiet && (q.format == "table" || isTerminal(errOut)) {
		fmt.Fprintln(errOut, answer.summary())
	}
	return nil
}

// queryGroups resolves names that end with a star.
func queryGroups(ctx context.Context, client *cloudwatchlogs.Client, wanted []string) ([]string, error) {
	var names []string
	add := func(name string) error {
		if slices.Contains(names, name) {
			return nil
		}
		if len(names) == maxQueryGroups {
			return hinted(fmt.Errorf("more than %d groups are meant", maxQueryGroups), "give a longer prefix, or begin the query with SOURCE logGroups(namePrefix: [\"…\"])")
		}
		names = append(names, name)
		return nil
	}
	for _, w := range wanted {
		prefix, star := strings.CutSuffix(w, "*")
		if !star || strings.HasPrefix(w, "arn:") {
			if err := add(strings.TrimSuffix(w, ":*")); err != nil {
				return nil, err
			}
			continue
		}
		in := &cloudwatchlogs.DescribeLogGroupsInput{}
		if prefix != "" {
			in.LogGroupNamePrefix = &prefix
		}
		found := false
		for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, g := range page.LogGroups {
				if g.LogGroupClass == types.LogGroupClassDelivery {
					continue // cannot be queried
				}
				found = true
				if err := add(aws.ToString(g.LogGroupName)); err != nil {
					return nil, err
				}
			}
		}
		if !found {
			return nil, hinted(fmt.Errorf("no log group begins with %q", prefix), "`aws logs describe-log-groups` lists them")
		}
	}
	return names, nil
}

// queryError shows the place in a query that is refused.
func queryError(text string, err error, named bool) error {
	if bad, ok := errors.AsType[*types.MalformedQueryException](err); ok {
		said := bad.ErrorMessage()
		if c := bad.QueryCompileError; c != nil && c.Location != nil {
			said += "\n" + pointAt(text, int(aws.ToInt32(c.Location.StartCharOffset)), int(aws.ToInt32(c.Location.EndCharOffset)))
		}
		return &failure{err: fmt.Errorf("MalformedQueryException: %s", said), hint: "docs/insights.md shows every command", code: 2}
	}
	if _, ok := errors.AsType[*types.InvalidParameterException](err); ok && !named {
		return hinted(err, "name a group with --group, or in the query with SOURCE")
	}
	return err
}

// pointAt returns the line of text where characters start to end stand, with carets under them. A tab takes one place, as any other
// control character does.
func pointAt(text string, start, end int) string {
	runes := []rune(text)
	start = min(max(start, 0), len(runes))
	end = min(max(end, start), len(runes))
	from := start
	for from > 0 && runes[from-1] != '\n' {
		from--
	}
	to := start
	for to < len(runes) && runes[to] != '\n' {
		to++
	}
	end = min(end, to)
	const around = 100 // characters shown beside the place
	cutLeft, cutRight := "", ""
	if start-from > around {
		from, cutLeft = start-around, "…"
	}
	if to-end > around {
		to, cutRight = end+around, "…"
	}
	line := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, string(runes[from:to]))
	indent := displayWidth(cutLeft + string(runes[from:start]))
	return cutLeft + line + cutRight + "\n" + strings.Repeat(" ", indent) + strings.Repeat("^", max(1, displayWidth(string(runes[start:end]))))
}
