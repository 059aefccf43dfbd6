package querytest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Day is the day that times of scripts are on when they name none.
var Day = time.Date(2025, 10, 5, 0, 0, 0, 0, time.UTC)

// Script is a file of query cases. README.md has the language.
type Script struct {
	Name string
	Sets []*DataSet
}

// DataSet is a set of events and the cases that are asked of it.
type DataSet struct {
	Where  string // file:line
	Events []ScriptEvent
	Tables []LookupTable
	Cases  []*QueryCase
}

// ScriptEvent is an event; those of a set are called E1, E2, … in their order.
type ScriptEvent struct {
	Group, Stream string
	Time          int64 // ms since the Unix epoch
	Message       string
}

// LookupTable is a table for lookup commands.
type LookupTable struct {
	Name   string
	Fields []string
	Rows   [][]string
}

// QueryCase is one query and what must come of it: rows, a refusal or a failure.
type QueryCase struct {
	Where string // file:line
	Query string

	Groups          []string // that are scanned; none: the first group of the set
	Start, End, Now int64    // ms
	Limit           int      // of the request; 0: none

	Columns   []string // @ptr is the last one when rows are events
	Rows      [][]Cell
	Unordered bool // rows may come in any order
	HasRows   bool

	Refused    bool   // the text is refused
	Start0     int    // first character of the error, 0-based; -1: not said
	End0       int    // behind its last one
	Message    string // part of the error's text
	Failed     bool   // the run fails
	Pending    string // why the case is known not to hold
	HasPending bool
}

// Cell is what a row shows in one column.
type Cell struct {
	Null bool
	Text string
}

// String returns the cell as scripts write it.
func (c Cell) String() string {
	switch {
	case c.Null:
		return "-"
	case c.Text == "", c.Text == "-", strings.TrimSpace(c.Text) != c.Text, strings.HasPrefix(c.Text, `"`),
		strings.ContainsFunc(c.Text, func(r rune) bool { return r == '|' || r < 0x20 || r == utf8.RuneError }):
		return strconv.Quote(c.Text)
	}
	return c.Text
}

// ReadScripts reads the files that a glob pattern names; none is an error.
func ReadScripts(glob string) ([]*Script, error) {
	files, err := filepath.Glob(glob)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no scripts %s", glob)
	}
	scripts := make([]*Script, len(files))
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if scripts[i], err = ParseScript(filepath.Base(f), string(data)); err != nil {
			return nil, err
		}
	}
	return scripts, nil
}

// ParseScript reads a script.
func ParseScript(name, text string) (*Script, error) {
	s := &Script{Name: strings.TrimSuffix(name, filepath.Ext(name))}
	p := &scriptReader{script: s}
	for i, line := range strings.Split(text, "\n") {
		p.where = fmt.Sprintf("%s:%d", name, i+1)
		if err := p.line(strings.TrimSuffix(line, "\r")); err != nil {
			return nil, fmt.Errorf("%s: %w", p.where, err)
		}
	}
	if err := p.close(); err != nil {
		return nil, err
	}
	return s, nil
}

// queryIndent is the width of "query ", which lines that go on with a query leave blank.
const queryIndent = 6

type scriptReader struct {
	script *Script
	where  string
	set    *DataSet
	c      *QueryCase // being read

	group, stream   string
	start, end, now int64
	limit           int
	groups          []string
	inQuery         bool // the last line belongs to a query
	lastLine        int  // characters of the query before its last line
}

func (p *scriptReader) line(line string) (err error) {
	if p.inQuery && strings.HasPrefix(line, strings.Repeat(" ", queryIndent)) {
		p.lastLine = utf8.RuneCountInString(p.c.Query) + 1
		p.c.Query += "\n" + line[queryIndent:]
		return nil
	}
	verb, rest, _ := strings.Cut(line, " ")
	p.inQuery = false
	if verb == "error" {
		return p.refusal(line)
	}
	if literal, ok := strings.CutSuffix(verb, "!"); ok && verb != "+!" {
		verb = literal
		if rest, err = strconv.Unquote(rest); err != nil {
			return fmt.Errorf("%s! wants a Go string literal", verb)
		}
	}
	switch verb {
	case "", "#":
		return nil
	case "data":
		if err := p.close(); err != nil {
			return err
		}
		p.set = &DataSet{Where: p.where}
		p.script.Sets = append(p.script.Sets, p.set)
		p.group, p.stream = "app", "s1"
		p.start, p.end, p.limit, p.groups = Day.UnixMilli(), Day.Add(12*time.Hour).UnixMilli(), 0, nil
		p.now = p.end
		return nil
	}
	if p.set == nil {
		return fmt.Errorf("%q comes after data", verb)
	}
	switch verb {
	case "load", "+", "+!", "table", "=":
		if err := p.close(); err != nil {
			return err
		}
		return p.load(verb, rest)
	case "range", "now", "request", "groups":
		if err := p.close(); err != nil {
			return err
		}
		return p.setting(verb, rest)
	case "query":
		if err := p.close(); err != nil {
			return err
		}
		p.c = &QueryCase{Where: p.where, Query: rest, Groups: p.groups, Start: p.start, End: p.end, Now: p.now, Limit: p.limit, Start0: -1}
		p.inQuery, p.lastLine = true, 0
		return nil
	}
	if verb == "eval" {
		if err := p.close(); err != nil {
			return err
		}
		return p.eval(rest)
	}
	if p.c == nil {
		return fmt.Errorf("%q comes after query, or is no line of a script", verb)
	}
	switch verb {
	case "|":
		return p.row(line)
	case "unordered":
		p.c.Unordered = true
	case "fails":
		p.c.Failed, p.c.Message = true, rest
	case "pending":
		if p.c.HasPending, p.c.Pending = true, rest; rest == "" {
			return fmt.Errorf("pending needs a reason")
		}
	default:
		return fmt.Errorf("%q is no line of a script", verb)
	}
	return nil
}

// close ends the case being read.
func (p *scriptReader) close() error {
	c := p.c
	if c == nil {
		return nil
	}
	p.c = nil
	said := 0
	for _, s := range []bool{c.HasRows, c.Refused, c.Failed} {
		if s {
			said++
		}
	}
	if said != 1 {
		return fmt.Errorf("%s: the query needs one of a table, error and fails", c.Where)
	}
	p.set.Cases = append(p.set.Cases, c)
	return nil
}

func (p *scriptReader) load(verb, rest string) error {
	switch verb {
	case "load":
		f := strings.Fields(rest)
		if len(f) != 2 {
			return fmt.Errorf("load wants a group and a stream")
		}
		p.group, p.stream = f[0], f[1]
		return nil
	case "table":
		name, fields, ok := strings.Cut(rest, " ")
		if !ok {
			return fmt.Errorf("table wants a name and fields")
		}
		p.set.Tables = append(p.set.Tables, LookupTable{Name: name, Fields: strings.Split(fields, ",")})
		return nil
	case "=":
		if len(p.set.Tables) == 0 {
			return fmt.Errorf("= comes after table")
		}
		t := &p.set.Tables[len(p.set.Tables)-1]
		row := strings.Split(rest, ",")
		if len(row) != len(t.Fields) {
			return fmt.Errorf("the row has %d values, the table %d fields", len(row), len(t.Fields))
		}
		t.Rows = append(t.Rows, row)
		return nil
	}
	at, message, _ := strings.Cut(rest, " ")
	ms, err := scriptTime(at)
	if err != nil {
		return err
	}
	if verb == "+!" {
		if message, err = strconv.Unquote(message); err != nil {
			return fmt.Errorf("+! wants a Go string literal behind the time")
		}
	}
	if message == "" {
		return fmt.Errorf("the event has no message")
	}
	if latest := Day.Add(20 * time.Hour).UnixMilli(); ms >= latest {
		return fmt.Errorf("%s is too late: events behind 20:00 of %s are for fillers", at, Day.Format(time.DateOnly))
	}
	p.set.Events = append(p.set.Events, ScriptEvent{p.group, p.stream, ms, message})
	return nil
}

func (p *scriptReader) setting(verb, rest string) (err error) {
	f := strings.Fields(rest)
	switch {
	case verb == "range" && len(f) == 2:
		if p.start, err = scriptTime(f[0]); err != nil {
			return err
		}
		if p.end, err = scriptTime(f[1]); err != nil {
			return err
		}
		p.now = p.end
	case verb == "now" && len(f) == 1:
		p.now, err = scriptTime(f[0])
	case verb == "request" && len(f) == 1:
		p.limit, err = strconv.Atoi(f[0])
	case verb == "groups":
		p.groups = f
	default:
		return fmt.Errorf("%s has the wrong number of words", verb)
	}
	return err
}

// scriptTime reads "15:04", with seconds and milliseconds if wanted, behind a date and a T when it is another day.
func scriptTime(text string) (int64, error) {
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return Day.UnixMilli() + at.Sub(at.Truncate(24*time.Hour)).Milliseconds(), nil
		}
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("%q is no time such as 00:04:59.5 or 2025-10-04T12:00", text)
}

// eval reads "EXPRESSION => CELL": what the expression is in the only event of the set.
func (p *scriptReader) eval(rest string) error {
	at := strings.LastIndex(rest, " => ")
	if at < 0 {
		return fmt.Errorf("eval wants an expression, => and a value")
	}
	if len(p.set.Events) != 1 {
		return fmt.Errorf("eval wants a set of one event, this one has %d", len(p.set.Events))
	}
	p.c = &QueryCase{
		Where: p.where, Query: "display " + strings.TrimSpace(rest[:at]) + " as value",
		Groups: p.groups, Start: p.start, End: p.end, Now: p.now, Limit: p.limit, Start0: -1,
	}
	value := strings.TrimSpace(rest[at+4:])
	if value == "error" {
		p.c.Refused = true
		return nil
	}
	cells, err := splitCells("| " + value + " |")
	if err != nil {
		return err
	}
	if len(cells) != 1 {
		return fmt.Errorf("eval wants one value")
	}
	p.c.HasRows, p.c.Columns, p.c.Rows = true, []string{"value", "@ptr"}, [][]Cell{{cells[0], {Text: "E1"}}}
	return nil
}

// refusal reads "error", behind it carets under the wrong part of the line above, or a range of characters, and part of the message.
func (p *scriptReader) refusal(line string) error {
	if p.c == nil {
		return fmt.Errorf("error comes after query")
	}
	rest := strings.TrimPrefix(line, "error")
	p.c.Refused = true
	trimmed := strings.TrimLeft(rest, " ")
	if n := len(trimmed) - len(strings.TrimLeft(trimmed, "^")); n > 0 {
		at := len(line) - len(trimmed) - queryIndent // not negative: "error " is as wide
		p.c.Start0, p.c.End0 = p.lastLine+at, p.lastLine+at+n
		trimmed = strings.TrimLeft(trimmed[n:], " ")
	}
	p.c.Message = trimmed
	return nil
}

// row reads a line of a table: cells between bars. The first line names the columns.
func (p *scriptReader) row(line string) error {
	cells, err := splitCells(line)
	if err != nil {
		return err
	}
	if !p.c.HasRows {
		p.c.HasRows = true
		for _, c := range cells {
			if c.Null {
				c.Text = "-"
			}
			p.c.Columns = append(p.c.Columns, c.Text)
		}
		return nil
	}
	if len(cells) != len(p.c.Columns) {
		return fmt.Errorf("the row has %d cells, the table %d columns", len(cells), len(p.c.Columns))
	}
	p.c.Rows = append(p.c.Rows, cells)
	return nil
}

// splitCells splits "| a | b |". A cell is a text without blanks around it, a Go string literal, or - for no value.
func splitCells(line string) ([]Cell, error) {
	rest := strings.TrimSpace(line[1:])
	var cells []Cell
	for rest != "" {
		if quoted, err := strconv.QuotedPrefix(rest); err == nil && rest[0] == '"' {
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			after := strings.TrimLeft(rest[len(quoted):], " ")
			if !strings.HasPrefix(after, "|") {
				return nil, fmt.Errorf("a bar is missing behind %s", quoted)
			}
			cells, rest = append(cells, Cell{Text: text}), strings.TrimSpace(after[1:])
			continue
		}
		text, after, ok := strings.Cut(rest, "|")
		if !ok {
			return nil, fmt.Errorf("the last bar is missing")
		}
		text = strings.TrimSpace(text)
		if text == "" {
			return nil, fmt.Errorf(`a cell is empty; write - for no value and "" for an empty text`)
		}
		cells, rest = append(cells, Cell{Null: text == "-", Text: text}), strings.TrimSpace(after)
	}
	if len(cells) == 0 {
		return nil, fmt.Errorf("the line has no cells")
	}
	for i := range cells {
		if cells[i].Null {
			cells[i].Text = ""
		}
	}
	return cells, nil
}

// Difference says in what the answer to a case is not the one wanted; "" when it is.
func (c *QueryCase) Difference(columns []string, rows [][]Cell) string {
	if !slices.Equal(columns, c.Columns) {
		return fmt.Sprintf("columns %q, want %q", columns, c.Columns)
	}
	got, want := showCells(rows), showCells(c.Rows)
	if c.Unordered {
		slices.Sort(got)
		slices.Sort(want)
	}
	if slices.Equal(got, want) {
		return ""
	}
	return fmt.Sprintf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

func showCells(rows [][]Cell) []string {
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = "|"
		for _, c := range r {
			lines[i] += " " + c.String() + " |"
		}
	}
	return lines
}
