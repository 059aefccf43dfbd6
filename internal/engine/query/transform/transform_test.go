package transform_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/transform"
)

// table reads rows: names in the first line, then one row a line. - is Null, t5
// the time 5, what looks like a number is one and everything else text, in which
// ~ stands for a blank.
func table(text string) *plan.Rows {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	r := &plan.Rows{Names: strings.Fields(lines[0]), Len: len(lines) - 1}
	r.Cols = make([][]plan.Value, len(r.Names))
	for _, line := range lines[1:] {
		for i, f := range strings.Fields(line) {
			r.Cols[i] = append(r.Cols[i], value(f))
		}
	}
	return r
}

func value(f string) plan.Value {
	if f == "-" {
		return plan.Value{}
	}
	if ms, err := strconv.ParseFloat(strings.TrimPrefix(f, "t"), 64); err == nil && f[0] == 't' {
		return plan.Value{Kind: plan.Time, Num: ms}
	}
	if n, ok := plan.ParseNumber([]byte(f)); ok && !strings.HasPrefix(f, "00") {
		return plan.NumberValue(n)
	}
	return plan.TextValue(strings.ReplaceAll(f, "~", " "))
}

// written is the opposite of table.
func written(r *plan.Rows) string {
	var b strings.Builder
	b.WriteString(strings.Join(r.Names, " "))
	for i := range r.Len {
		b.WriteString("\n")
		for k, c := range r.Cols {
			if k > 0 {
				b.WriteString(" ")
			}
			switch v := c[i]; v.Kind {
			case plan.Null:
				b.WriteString("-")
			case plan.Time:
				b.WriteString("t" + strconv.FormatFloat(v.Num, 'f', -1, 64))
			default:
				b.WriteString(strings.ReplaceAll(string(v.AppendText(nil)), " ", "~"))
			}
		}
	}
	return b.String()
}

func trimmed(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return strings.Join(lines, "\n")
}

var errFull = errors.New("no more memory")

// apply checks what t makes of in: the rows, that the columns are those it
// promised, that in is as it was, and that it stops when memory ends or the
// context does.
func apply(t *testing.T, s plan.Transform, err error, in, want string) {
	t.Helper()
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	rows := table(in)
	grown := 0
	rows.Grow = func(n int) error {
		grown += n
		return nil
	}
	got, err := s.Apply(t.Context(), rows)
	if err != nil {
		t.Errorf("%s: %v", s.Name, err)
		return
	}
	if diff := cmp.Diff(trimmed(want), written(got)); diff != "" {
		t.Errorf("%s: %s", s.Name, diff)
	}
	if diff := cmp.Diff(s.Columns(rows.Names), got.Names); diff != "" {
		t.Errorf("%s: the columns differ from those it promised: %s", s.Name, diff)
	}
	for i, c := range got.Cols {
		if len(c) != got.Len {
			t.Errorf("%s: column %s has %d values, not %d", s.Name, got.Names[i], len(c), got.Len)
		}
	}
	if s.Events && len(got.From) != got.Len {
		t.Errorf("%s: %d rows come from %d", s.Name, got.Len, len(got.From))
	}
	if back := written(rows); back != written(table(in)) {
		t.Errorf("%s changed its rows: %s", s.Name, back)
	}
	if grown == 0 && got.Len > 0 {
		t.Errorf("%s counts no memory", s.Name)
	}
	for after := 0; after < grown; {
		left := after
		rows.Grow = func(n int) error {
			if left -= n; left < 0 {
				after = after - left
				return errFull
			}
			return nil
		}
		if _, err := s.Apply(t.Context(), rows); !errors.Is(err, errFull) {
			t.Errorf("%s goes on without memory: %v", s.Name, err)
			break
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errFull)
	rows.Grow = nil
	if _, err := s.Apply(ctx, rows); !errors.Is(err, errFull) {
		t.Errorf("%s does not look at the context: %v", s.Name, err)
	}
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, transform.ErrParameter) {
		t.Errorf("%s: got the error %v", what, err)
	}
}

func TestFillDown(t *testing.T) {
	check := func(fields, in, want string) {
		t.Helper()
		s, err := transform.FillDown(strings.Fields(fields))
		apply(t, s, err, in, want)
	}
	const in = "a.x a.y b\n - 1 -\n 2 - q\n - - -"
	check("", in, "a.x a.y b\n - 1 -\n 2 1 q\n 2 1 q")
	check("a.x none", in, "a.x a.y b\n - 1 -\n 2 - q\n 2 - -")
	check("a.*", in, "a.x a.y b\n - 1 -\n 2 1 q\n 2 1 -")
	check("*y", in, "a.x a.y b\n - 1 -\n 2 1 q\n - 1 -")
	check("a*.*x", in, "a.x a.y b\n - 1 -\n 2 - q\n 2 - -")
	check("a.xx* *a.x.*", in, in)
	check("", "a b", "a b")
	_, err := transform.FillDown([]string{"a", "a"})
	refused(t, "a name twice", err)
	_, err = transform.FillDown([]string{""})
	refused(t, "an empty name", err)
	_, err = transform.FillDown(make([]string, transform.MaxFields+1))
	refused(t, "too many names", err)
	_, err = transform.FillDown([]string{strings.Repeat("x", transform.MaxName+1)})
	refused(t, "a long name", err)
}

func TestAccum(t *testing.T) {
	check := func(field, as, in, want string) {
		t.Helper()
		s, err := transform.Accum(field, as)
		apply(t, s, err, in, want)
	}
	check("n", "", "n k\n 1 a\n x b\n 2.5 c\n - d", "n k\n 1 a\n - b\n 3.5 c\n - d")
	check("n", "sum", "n k\n 1 a\n -4 b", "n k sum\n 1 a 1\n -4 b -3")
	check("n", "k", "n k\n 1 a\n 2 b", "n k\n 1 1\n 2 3")
	check("none", "s", "n\n 1", "n s\n 1 -")
	check("n", "s", "n", "n s")
	_, err := transform.Accum("", "s")
	refused(t, "no field", err)
	_, err = transform.Accum("a", strings.Repeat("s", transform.MaxName+1))
	refused(t, "a long name", err)
}

func TestAddTotals(t *testing.T) {
	check := func(p transform.Totals, in, want string) {
		t.Helper()
		s, err := transform.AddTotals(p)
		apply(t, s, err, in, want)
	}
	const in = "k at a b\n x t5 1 2\n y t6 - 4"
	check(transform.Totals{}, in, "k at a b Total\n x t5 1 2 3\n y t6 - 4 4")
	check(transform.Totals{As: "T", Fields: []string{"b"}}, in, "k at a b T\n x t5 1 2 2\n y t6 - 4 4")
	check(transform.Totals{NoRow: true, Col: true}, in, "k at a b\n x t5 1 2\n y t6 - 4\n - - 1 6")
	check(transform.Totals{Col: true}, in, "k at a b Total\n x t5 1 2 3\n y t6 - 4 4\n - - 1 6 7")
	check(transform.Totals{Col: true, Fields: []string{"a", "at"}}, in, "k at a b Total\n x t5 1 2 6\n y t6 - 4 6\n - 11 1 - 12")
	check(transform.Totals{}, "@timestamp @message\n 5 7", "@timestamp @message Total\n 5 7 -")
	check(transform.Totals{Col: true}, "a", "a Total\n - -")
	_, err := transform.AddTotals(transform.Totals{NoRow: true})
	refused(t, "neither", err)
}

func TestAutoregress(t *testing.T) {
	check := func(p transform.Lags, in, want string) {
		t.Helper()
		s, err := transform.Autoregress(p)
		apply(t, s, err, in, want)
	}
	check(transform.Lags{Field: "n"}, "n\n 1\n 2\n 3", "n n_p1\n 1 -\n 2 1\n 3 2")
	check(transform.Lags{Field: "n", As: "was", From: 2, To: 2}, "n\n 1\n 2\n x", "n was\n 1 -\n 2 -\n x 1")
	check(transform.Lags{Field: "n", From: 1, To: 3}, "n\n 1\n 2", "n n_p1 n_p2 n_p3\n 1 - - -\n 2 1 - -")
	check(transform.Lags{Field: "n", As: "w", From: 2, To: 3}, "n\n 1\n 2\n 3", "n w_p2 w_p3\n 1 - -\n 2 - -\n 3 1 -")
	check(transform.Lags{Field: "none"}, "n\n 1\n 2", "n none_p1\n 1 -\n 2 -")
	_, err := transform.Autoregress(transform.Lags{Field: "n", From: 2, To: 1})
	refused(t, "backwards", err)
	_, err = transform.Autoregress(transform.Lags{Field: "n", From: -1, To: 1})
	refused(t, "ahead", err)
	_, err = transform.Autoregress(transform.Lags{Field: "n", From: 1, To: transform.MaxLag + 1})
	refused(t, "far", err)
	_, err = transform.Autoregress(transform.Lags{})
	refused(t, "no field", err)
}

func TestAppendCols(t *testing.T) {
	check := func(p transform.Pasted, in, want string) {
		t.Helper()
		s, err := transform.AppendCols(p)
		apply(t, s, err, in, want)
	}
	sub := table("k m\n u 1\n v 2\n w 3")
	check(transform.Pasted{Rows: sub}, "n k\n 7 a\n 8 -", "n k m\n 7 a 1\n 8 - 2")
	check(transform.Pasted{Rows: sub, Override: true}, "n k\n 7 a\n 8 b", "n k m\n 7 u 1\n 8 v 2")
	check(transform.Pasted{Rows: sub, Max: 2}, "n\n 7\n 8\n 9\n 9", "n k m\n 7 u 1\n 8 v 2\n 9 - -\n 9 - -")
	_, err := transform.AppendCols(transform.Pasted{})
	refused(t, "no rows", err)
	_, err = transform.AppendCols(transform.Pasted{Rows: sub, Max: -1})
	refused(t, "negative", err)
}

func TestFillMissing(t *testing.T) {
	next := func(t int64) int64 { return t + 10 }
	check := func(p transform.Missing, in, want string) {
		t.Helper()
		if p.Next == nil {
			p.Next = next
		}
		s, err := transform.FillMissing(p)
		apply(t, s, err, in, want)
	}
	check(transform.Missing{Time: "t", Keys: []string{"t"}, Fills: []transform.Fill{{"n", plan.NumberValue(0)}}},
		"t n x\n t30 3 a\n t0 1 b", "t n x\n t0 1 b\n t10 0 -\n t20 0 -\n t30 3 a")
	check(transform.Missing{Time: "t", Keys: []string{"k", "t"}},
		"k t n\n b t20 1\n a t0 2", "k t n\n a t0 2\n a t10 -\n a t20 -\n b t0 -\n b t10 -\n b t20 1")
	check(transform.Missing{Time: "t", Keys: []string{"t", "k"}, From: -10, To: 20},
		"t k n\n t0 - 2\n - - 9", "t k n\n - - 9\n t-10 - -\n t0 - 2\n t10 - -")
	check(transform.Missing{Time: "t", Keys: []string{"t"}, From: 0, To: 11}, "t n", "t n\n t0 -\n t10 -")
	check(transform.Missing{Time: "t", Keys: []string{"t"}}, "t n", "t n")
	for _, p := range []transform.Missing{
		{Keys: []string{"t"}, Next: next}, {Time: "t", Keys: []string{"k"}, Next: next}, {Time: "t", Keys: []string{"t"}},
		{Time: "t", Keys: []string{"t", "t"}, Next: next}, {Time: "t", Keys: []string{"t"}, Next: next, From: 2, To: 1},
		{Time: "t", Keys: []string{"t"}, Next: next, Fills: []transform.Fill{{}}},
	} {
		_, err := transform.FillMissing(p)
		refused(t, "wrong", err)
	}
	s, err := transform.FillMissing(transform.Missing{Time: "t", Keys: []string{"t"}, Next: func(t int64) int64 { return t + 1 }, From: 0, To: transform.MaxMade + 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), table("t n")); !errors.Is(err, transform.ErrRows) {
		t.Errorf("too many rows: %v", err)
	}
}

func TestOutlier(t *testing.T) {
	check := func(p transform.Outliers, in, want string) {
		t.Helper()
		s, err := transform.Outlier(p)
		apply(t, s, err, in, want)
	}
	// Quartiles 2 and 4: bounds 2-2*2.5 and 4+2*2.5.
	const in = "n k\n 1 a\n 2 b\n 3 c\n 4 d\n 100 e"
	check(transform.Outliers{Fields: []string{"n"}}, in, "n k\n 1 a\n 2 b\n 3 c\n 4 d\n 9 e")
	check(transform.Outliers{Mark: true}, in, "n k\n 1 a\n 2 b\n 3 c\n 4 d\n 0009 e")
	check(transform.Outliers{Remove: true}, in, "n k\n 1 a\n 2 b\n 3 c\n 4 d")
	check(transform.Outliers{Param: 0.25}, in, "n k\n 1 a\n 2 b\n 3 c\n 4 d\n 4.5 e")
	check(transform.Outliers{Param: 0.25, Lower: true}, in, "n k\n 1.5 a\n 2 b\n 3 c\n 4 d\n 4.5 e")
	check(transform.Outliers{Param: 0.25, Lower: true, Remove: true}, in, "n k\n 2 b\n 3 c\n 4 d")
	check(transform.Outliers{Fields: []string{"k", "none"}}, in, in)
	check(transform.Outliers{}, "@timestamp\n 1\n 1\n 1\n 900", "@timestamp\n 1\n 1\n 1\n 900")
	check(transform.Outliers{}, "n\n -\n x", "n\n -\n x")
	_, err := transform.Outlier(transform.Outliers{Param: -1})
	refused(t, "negative", err)
	_, err = transform.Outlier(transform.Outliers{Fields: []string{"a", "a"}})
	refused(t, "twice", err)
}

func TestSessionize(t *testing.T) {
	check := func(p transform.Sessions, in, want string) {
		t.Helper()
		s, err := transform.Sessionize(p)
		apply(t, s, err, in, want)
	}
	check(transform.Sessions{Fields: []string{"u"}, Gap: 10}, `@timestamp u
		t40 a
		t29 b
		t20 a
		t10 a
		t5  -
		t0  b
		-   a`, `@timestamp u session_id
		t40 a 4
		t29 b 3
		t20 a 2
		t10 a 2
		t5  - -
		t0  b 1
		-   a -`)
	check(transform.Sessions{Fields: []string{"u", "v"}, As: "s"}, "@timestamp u v\n t0 a x\n t1800000 a x\n t3600001 a x\n t0 a y",
		"@timestamp u v s\n t0 a x 1\n t1800000 a x 1\n t3600001 a x 3\n t0 a y 2")
	_, err := transform.Sessionize(transform.Sessions{})
	refused(t, "no fields", err)
	_, err = transform.Sessionize(transform.Sessions{Fields: []string{"a"}, Gap: -1})
	refused(t, "gap", err)
	_, err = transform.Sessionize(transform.Sessions{Fields: []string{"a"}, As: "a"})
	refused(t, "name", err)
}

func TestRelevantFields(t *testing.T) {
	check := func(p transform.Relevance, in, want string) {
		t.Helper()
		s, err := transform.RelevantFields(p)
		apply(t, s, err, in, want)
	}
	const in = `@message ms path user c
		x 10  /a u1 0
		x 12  /a u2 0
		x 500 /b u1 1
		x 14  /a u2 0
		x 700 /b -  1
		x 16  /c u1 0`
	check(transform.Relevance{Cond: "c"}, in, `@fieldName @relevanceScore @topRelevanceContributors @conditionalMedian @baselineMedian
		ms   0.6667 - 600 15
		path 0.6667 /b~(100%~vs~33.3%) - -
		user 0.3333 null~(50%~vs~16.7%) - -`)
	check(transform.Relevance{Cond: "c", Fields: []string{"path"}}, in, `@fieldName @relevanceScore @topRelevanceContributors @conditionalMedian @baselineMedian
		path 0.6667 /b~(100%~vs~33.3%) - -`)
	check(transform.Relevance{Cond: "none"}, in, `@fieldName @relevanceScore @topRelevanceContributors @conditionalMedian @baselineMedian`)
	_, err := transform.RelevantFields(transform.Relevance{})
	refused(t, "no condition", err)
}

func TestDiff(t *testing.T) {
	previous := table(`@pattern @sampleCount @ratio @severityLabel
		a~<Token-1>~c 10 0.5 INFO
		gone~<ID-1> 4 0.2 WARN
		user~bob~in 6 0.3 INFO
		same 3 0.1 INFO`)
	const in = `@pattern @sampleCount @ratio @severityLabel
		a~<Token-1>~c 25 0.5 INFO
		user~<Token-1>~in 3 0.3 INFO
		new~Error 7 0.1 ERROR
		same 3 0.1 INFO`
	s, err := transform.Diff(previous)
	apply(t, s, err, in, `@pattern @sampleCount @diffEventCount @differenceDescription @severityLabel
		a~<Token-1>~c 25 15 Increased~by~150% INFO
		new~Error 7 7 New~pattern ERROR
		gone~<ID-1> 0 -4 No~longer~seen WARN
		user~<Token-1>~in 3 -3 Decreased~by~50% INFO
		same 3 0 No~change INFO`)
	s, err = transform.LogCompare(previous)
	apply(t, s, err, in, `@pattern @sampleCount @previousSampleCount @diffEventCount @differenceDescription @severityLabel
		a~<Token-1>~c 25 10 15 Increased~by~150% INFO
		new~Error 7 0 7 New~pattern ERROR
		gone~<ID-1> 0 4 -4 No~longer~seen WARN
		user~<Token-1>~in 3 6 -3 Decreased~by~50% INFO
		same 3 3 0 No~change INFO`)
	_, err = transform.Diff(nil)
	refused(t, "nothing", err)
	_, err = transform.LogCompare(nil)
	refused(t, "nothing", err)
	s, err = transform.Diff(table("x\n 1"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Apply(t.Context(), table(in))
	refused(t, "no patterns", err)
}

func TestAnomaly(t *testing.T) {
	s, err := transform.Anomaly(table(`@pattern @sampleCount
		a 100
		b 100
		c 100
		d 1
		gone 7`))
	apply(t, s, err, `@pattern @sampleCount @ratio @severityLabel
		a 400 0.5 INFO
		b 130 0.2 INFO
		c 10 0.1 WARN
		d 3 0.1 INFO
		e 8 0.1 ERROR`, `@pattern @sampleCount @ratio @severityLabel @anomaly @anomalyType @anomalyScore @anomalyDescription
		a 400 0.5 INFO 1 FrequencyIncrease 0.7703 Increased~by~300%
		b 130 0.2 INFO 0 - - -
		c 10 0.1 WARN 1 FrequencyDecrease 0.6821 Decreased~by~90%
		d 3 0.1 INFO 0 - - -
		e 8 0.1 ERROR 1 NewPattern 0.7388 New~pattern`)
	// The values of tokens.
	s, err = transform.Anomaly(table(`@pattern @sampleCount @tokens
		a 1000 [{"token":"Token-1","values":{"GET":900,"PUT":100}}]
		b 1000 [{"token":"Token-1","values":{"x":1000}}]
		c 1000 []
		d 1000 [{"token":"Number-1","values":{"200":999,"500":1}}]`))
	apply(t, s, err, `@pattern @sampleCount @severityLabel @tokens
		a 1000 INFO [{"token":"Token-1","values":{"GET":890,"PUT":90,"TRACK":20}}]
		b 1000 INFO [{"token":"Token-1","values":{"x":995,"y":5}}]
		c 1000 INFO [{"token":"Token-1","values":{"x":500,"y":500}}]
		d 1000 INFO [{"token":"Number-1","values":{"200":900,"500":100}}]`, `@pattern @sampleCount @severityLabel @tokens @anomaly @anomalyType @anomalyScore @anomalyDescription
		a 1000 INFO [{"token":"Token-1","values":{"GET":890,"PUT":90,"TRACK":20}}] 1 TokenVariation 0.5279 New~value~TRACK~of~Token-1
		b 1000 INFO [{"token":"Token-1","values":{"x":995,"y":5}}] 0 - - -
		c 1000 INFO [{"token":"Token-1","values":{"x":500,"y":500}}] 0 - - -
		d 1000 INFO [{"token":"Number-1","values":{"200":900,"500":100}}] 1 TokenVariation 0.7112 Value~500~of~Number-1~increased~by~9900%`)
	_, err = transform.Anomaly(nil)
	refused(t, "nothing", err)
}
