package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	defaultWidth = 80 // of a terminal that does not tell
	minColumn    = 8  // a column is never cut to less
	narrow       = 23 // the width of a time
	columnGap    = 2
)

// print writes an answer in the format that the flags ask for.
func (q *queryFlags) print(a *queryAnswer, out io.Writer) error {
	columns, cells := a.cells(q.ptr)
	w := bufio.NewWriterSize(out, 64<<10)
	var err error
	switch q.format {
	case "csv":
		err = printCSV(w, columns, cells)
	case "json":
		err = printArray(w, columns, cells)
	case "ndjson":
		for _, row := range cells {
			if err = printObject(w, columns, row); err != nil {
				break
			}
			w.WriteByte('\n')
		}
	default:
		width := 0
		if isTerminal(out) {
			width = terminalWidth(out)
		}
		limit := width
		if q.wide {
			limit = 0
		}
		printTable(w, columns, cells, limit)
		if q.chart == "always" || q.chart == "auto" && width > 0 {
			err = printChart(w, columns, cells, width, q.chart == "always")
		}
	}
	if flushed := w.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// cells returns the answer as a rectangle; nil is no value.
func (a *queryAnswer) cells(ptr bool) (columns []string, rows [][]*string) {
	columns = slices.Clone(a.columns)
	if !ptr {
		columns = slices.DeleteFunc(columns, func(c string) bool { return c == "@ptr" })
	}
	at := map[string]int{}
	for i, c := range columns {
		at[c] = i
	}
	rows = make([][]*string, len(a.rows))
	all := make([]*string, len(rows)*len(columns))
	for i, fields := range a.rows {
		rows[i] = all[i*len(columns) : (i+1)*len(columns)]
		for _, f := range fields {
			if c, ok := at[aws.ToString(f.Field)]; ok {
				rows[i][c] = f.Value
			}
		}
	}
	return columns, rows
}

func printCSV(w io.Writer, columns []string, rows [][]*string) error {
	if len(columns) == 0 {
		return nil
	}
	c := csv.NewWriter(w)
	if err := c.Write(columns); err != nil {
		return err
	}
	line := make([]string, len(columns))
	for _, row := range rows {
		for i, v := range row {
			line[i] = aws.ToString(v)
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func printArray(w *bufio.Writer, columns []string, rows [][]*string) error {
	w.WriteByte('[')
	for i, row := range rows {
		w.WriteString([]string{"\n  ", ",\n  "}[min(i, 1)])
		if err := printObject(w, columns, row); err != nil {
			return err
		}
	}
	if len(rows) > 0 {
		w.WriteByte('\n')
	}
	_, err := w.WriteString("]\n")
	return err
}

// printObject writes a row as an object with its members in the order of the columns.
func printObject(w *bufio.Writer, columns []string, row []*string) error {
	text := func(s string) error {
		var b strings.Builder
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			return err
		}
		_, err := w.WriteString(strings.TrimSuffix(b.String(), "\n"))
		return err
	}
	w.WriteByte('{')
	first := true
	for i, v := range row {
		if v == nil {
			continue
		}
		if !first {
			w.WriteByte(',')
		}
		first = false
		if err := text(columns[i]); err != nil {
			return err
		}
		w.WriteByte(':')
		if err := text(*v); err != nil {
			return err
		}
	}
	return w.WriteByte('}')
}

// printTable writes columns under their names, numbers to the right. A width of 0 has no bound; otherwise the widest columns are cut
// until a line fits.
func printTable(w *bufio.Writer, columns []string, rows [][]*string, width int) {
	if len(columns) == 0 {
		return
	}
	widths := make([]int, len(columns))
	right := make([]bool, len(columns))
	names := make([]string, len(columns))
	for c := range columns {
		names[c] = oneLine(columns[c])
		widths[c] = displayWidth(names[c])
		numbers, others := 0, 0
		for _, row := range rows {
			if row[c] == nil {
				continue
			}
			widths[c] = max(widths[c], displayWidth(oneLine(*row[c])))
			if isNumber(*row[c]) {
				numbers++
			} else {
				others++
			}
		}
		right[c] = numbers > 0 && others == 0
	}
	if width > 0 {
		shrink(widths, width-columnGap*(len(columns)-1))
	}
	var b []byte
	line := func(cell func(c int) string) {
		b = b[:0]
		for c := range columns {
			text := cutTo(cell(c), widths[c])
			pad := strings.Repeat(" ", widths[c]-displayWidth(text))
			if c > 0 {
				b = append(b, strings.Repeat(" ", columnGap)...)
			}
			if right[c] {
				b = append(append(b, pad...), text...)
			} else {
				b = append(append(b, text...), pad...)
			}
		}
		w.WriteString(strings.TrimRight(string(b), " "))
		w.WriteByte('\n')
	}
	line(func(c int) string { return names[c] })
	line(func(c int) string { return strings.Repeat("─", widths[c]) })
	for _, row := range rows {
		line(func(c int) string { return oneLine(aws.ToString(row[c])) })
	}
}

// shrink cuts the widest of the columns until they fit into total characters, or all are at their least. Columns up to the width of a
// time are cut only when cutting the others is not enough.
func shrink(widths []int, total int) {
	if !cutWide(widths, narrow, total) {
		cutWide(widths, 0, total)
	}
}

// cutWide cuts the columns wider than from to one width, the greatest with which all fit; false: there is none from minColumn on.
func cutWide(widths []int, from, total int) bool {
	low, high := minColumn, minColumn
	for _, n := range widths {
		high = max(high, n)
	}
	cut := func(n, to int) int {
		if n <= from {
			return n
		}
		return min(n, to)
	}
	fits := func(to int) bool {
		sum := 0
		for _, n := range widths {
			sum += cut(n, to)
		}
		return sum <= total
	}
	for low < high {
		if to := (low + high + 1) / 2; fits(to) {
			low = to
		} else {
			high = to - 1
		}
	}
	if from > 0 && !fits(low) {
		return false
	}
	for i, n := range widths {
		widths[i] = cut(n, low)
	}
	return true
}

// oneLine makes text harmless for a terminal and keeps it in its line.
func oneLine(text string) string {
	plain := true
	for i := 0; i < len(text) && plain; i++ {
		plain = text[i] >= 0x20 && text[i] < 0x7f
	}
	if plain {
		return text
	}
	text = string(appendSafe(nil, text))
	return strings.NewReplacer("\n", "↵", "\t", " ").Replace(text)
}

// cutTo cuts text to a width, with an ellipsis for what is left out.
func cutTo(text string, width int) string {
	if displayWidth(text) <= width {
		return text
	}
	used := 0
	for i, r := range text {
		n := runeWidth(r)
		if used+n > width-1 {
			return text[:i] + "…"
		}
		used += n
	}
	return text
}

// displayWidth is how many places text takes on a terminal.
func displayWidth(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 2 for the wide letters of East Asia and for pictures, and 0 for marks on the letter before.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me), r == 0x200d, r >= 0xfe00 && r <= 0xfe0f:
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "+-.0123456789eE") == ""
}

// terminalWidth is how many characters fit into a line.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n := windowWidth(f); n > 0 {
			return n
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 20 && n <= 10_000 {
		return n
	}
	return defaultWidth
}
