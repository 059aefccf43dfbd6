package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/service/patterns"
)

// maxTestLine bounds the lines of standard input: the longest message of an event.
const maxTestLine = 1 << 20

// errNoMatch ends test-pattern with code 1 without a word, like grep.
var errNoMatch = errors.New("no line matches")

// patternTest is `cumulog test-pattern` as it was called.
type patternTest struct {
	explain, values, count, all bool
	color, output               string
	print                       linePrinter
	tester                      *patterns.Tester
}

func newTestPattern() *cobra.Command {
	var t patternTest
	cmd := &cobra.Command{
		Use:   "test-pattern PATTERN < LINES",
		Short: "Try a filter pattern on lines of standard input",
		Long: `Prints the lines that a filter pattern matches, with what it found marked; no server is needed. --explain says of every line, and of every
part of the pattern, whether, where and why it matched or did not.

Exit code: 0 when a line matched, 1 when none did, 2 for a pattern that is wrong.`,
		Example: `  cumulog test-pattern '{ $.level = "error" && $.http.status >= 500 }' < app.log
  cumulog test-pattern --values '[ip, id, user, time, request, code = 4*, size]' < access.log
  cumulog test-pattern --explain '?ERROR ?FATAL -debug' < app.log`,
		Args: exactly("a filter pattern"),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if err := t.prepare(args[0], out); err != nil {
				return err
			}
			return t.run(cmd.InOrStdin(), out)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&t.explain, "explain", "e", false, "print every line and say why it matches or not")
	f.BoolVar(&t.values, "values", false, "print what the pattern extracts of each line")
	f.BoolVarP(&t.count, "count", "c", false, "print only how many lines match")
	f.BoolVarP(&t.all, "all", "a", false, "print the lines that do not match, too")
	f.StringVar(&t.color, "color", "auto", "auto, always or never; auto heeds NO_COLOR")
	f.StringVarP(&t.output, "output", "o", "text", "text, or json: one object a line")
	return cmd
}

func (t *patternTest) prepare(text string, out io.Writer) (err error) {
	if !slices.Contains([]string{"auto", "always", "never"}, t.color) {
		return usageError("--color is auto, always or never, not %q", t.color)
	}
	if t.output != "text" && t.output != "json" {
		return usageError("--output is text or json, not %q", t.output)
	}
	if t.tester, err = patterns.NewTester(text); err != nil {
		return filterError(text, err)
	}
	tty := isTerminal(out)
	t.print = linePrinter{
		out: bufio.NewWriter(out), safe: tty, tester: t.tester,
		color: t.color == "always" || t.color == "auto" && tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
	return nil
}

func (t *patternTest) run(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxTestLine+2) // with CR and LF
	matched, n := 0, 0
	for lines.Scan() {
		n++
		if len(lines.Bytes()) > maxTestLine {
			return t.tooLong(n)
		}
		ok, err := t.line(n, lines.Text())
		if err != nil {
			return err
		}
		if ok {
			matched++
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return t.tooLong(n + 1)
	}
	if err := lines.Err(); err != nil {
		return errors.Join(fmt.Errorf("reading standard input: %w", err), t.print.out.Flush())
	}
	if t.count {
		fmt.Fprintln(t.print.out, matched)
	}
	if err := t.print.out.Flush(); err != nil {
		return err
	}
	if matched == 0 {
		return errNoMatch
	}
	return nil
}

// tooLong gives up at line n. What matched before is printed.
func (t *patternTest) tooLong(n int) error {
	if err := t.print.out.Flush(); err != nil {
		return err
	}
	return hinted(fmt.Errorf("line %d is longer than %d bytes", n, maxTestLine), "an event cannot be longer")
}

// line tries one line and prints what was asked for.
func (t *patternTest) line(n int, text string) (matched bool, err error) {
	values, matched := t.tester.Values([]byte(text))
	if t.count || !matched && !t.explain && !t.all {
		return matched, nil
	}
	var part patterns.Part
	if t.explain {
		part = t.tester.Explain([]byte(text))
	}
	if t.output == "json" {
		enc := json.NewEncoder(t.print.out)
		enc.SetEscapeHTML(false)
		line := struct {
			Line        int               `json:"line"`
			Message     string            `json:"message"`
			Matched     bool              `json:"matched"`
			Values      map[string]string `json:"values,omitempty"`
			Explanation *patterns.Part    `json:"explanation,omitempty"`
		}{n, text, matched, values, nil}
		if t.explain {
			line.Explanation = &part
		}
		return matched, enc.Encode(line)
	}
	var b []byte
	if t.explain || t.all {
		sign, as := "no   ", styleDim
		if matched {
			sign, as = "yes  ", styleMark
		}
		b = t.print.put(b, sign, as)
	}
	start := 0
	spans := []span{{len(text), styleNone}}
	if matched && t.print.color {
		spans = mark(spans, t.print.marks(text))
	}
	for _, s := range spans {
		b = t.print.put(b, text[start:s.end], s.style)
		start = s.end
	}
	b = append(b, '\n')
	if t.explain {
		b = t.outline(b, &part, 1)
	}
	if t.values {
		names := make([]string, 0, len(values))
		for name := range values {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			b = append(t.print.put(append(b, "     "...), name, styleDim), " = "...)
			b = append(t.print.put(b, values[name], styleNone), '\n')
		}
	}
	if _, err = t.print.out.Write(b); err == nil && t.print.safe {
		err = t.print.out.Flush() // somebody is watching
	}
	return matched, err
}

// outline writes the parts of an explanation, each on a line.
func (t *patternTest) outline(b []byte, p *patterns.Part, depth int) []byte {
	sign := "✗ "
	if p.Matched {
		sign = "✓ "
	}
	if p.Ignored {
		sign = "– "
	}
	b = append(b, "     "+strings.Repeat("  ", depth-1)+sign...)
	b = t.print.put(b, p.Text, styleNone)
	if p.Reason != "" {
		b = t.print.put(b, ": "+p.Reason, styleDim)
	}
	b = append(b, '\n')
	for i := range p.Parts {
		b = t.outline(b, &p.Parts[i], depth+1)
	}
	return b
}
