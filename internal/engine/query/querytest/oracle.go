package querytest

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/discover"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Naive runs a plan as it was written, one row after the other.
func Naive(p *plan.Plan, rows []Row) (cols []string, out [][]plan.Value) {
	var recs []record
	for i := range rows {
		r := &rows[i]
		if slices.Contains(p.Scan.Groups, r.Group) && r.Timestamp >= p.Scan.Start && r.Timestamp < p.Scan.End &&
			(p.Scan.Streams == nil || slices.Contains(p.Scan.Streams, r.Stream)) {
			recs = append(recs, record{of: r, open: true})
		}
	}
	slices.SortStableFunc(recs, func(x, y record) int {
		a, b := x.of, y.of
		if c := b.Key.Compare(a.Key); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Stream, b.Stream))
	})
	names := []string{plan.Timestamp, plan.Message}
	for _, s := range p.Steps {
		switch s := s.(type) {
		case plan.Filter:
			recs = slices.DeleteFunc(recs, func(r record) bool { v := r.eval(s.Cond); return !v.True() })
		case plan.Extend:
			for i := range recs {
				recs[i].cols = slices.Clone(recs[i].cols)
				for _, c := range s.Cols {
					recs[i].cols = append(recs[i].cols, cell{c.As, recs[i].eval(c.Expr)})
				}
			}
			for _, c := range s.Cols {
				if !slices.Contains(names, c.As) {
					names = append(names, c.As)
				}
			}
		case plan.Project:
			names = nil
			for i := range recs {
				var cols []cell
				for _, c := range s.Cols {
					cols = append(cols, cell{c.As, recs[i].eval(c.Expr)})
				}
				recs[i].cols, recs[i].open = cols, false
			}
			for _, c := range s.Cols {
				names = append(names, c.As)
			}
		case plan.Sort:
			for i := range recs {
				recs[i].keys = nil
				for _, k := range s.Keys {
					recs[i].keys = append(recs[i].keys, recs[i].eval(k.Expr))
				}
			}
			slices.SortStableFunc(recs, func(a, b record) int {
				for i, k := range s.Keys {
					c := plan.Order(&a.keys[i], &b.keys[i])
					if k.Desc {
						c = -c
					}
					if c != 0 {
						return c
					}
				}
				return 0
			})
			if s.Limit > 0 && s.Limit < len(recs) {
				recs = recs[:s.Limit]
			}
		case plan.Limit:
			recs = recs[:min(s.N, len(recs))]
		case plan.Stats:
			names, recs = naiveStats(s, recs)
		case plan.Unnest:
			recs = naiveUnnest(s, recs)
			if !slices.Contains(names, s.As) {
				names = append(names, s.As)
			}
		case plan.Dedup:
			recs = naiveDedup(s, recs)
		case plan.Cluster:
			names, recs = naiveCluster(s, recs)
		case plan.Transform:
			names, recs = naiveTransform(s, names, recs)
		}
	}
	for _, r := range recs {
		var vals []plan.Value
		for _, n := range names {
			vals = append(vals, r.eval(plan.Field{Name: n}))
		}
		out = append(out, vals)
	}
	return names, out
}

type cell struct {
	name string
	v    plan.Value
}

type record struct {
	of   *Row
	open bool // the event's own fields exist
	cols []cell
	keys []plan.Value // of the last Sort
}

func (r *record) field(name string) plan.Value {
	for i := len(r.cols) - 1; i >= 0; i-- {
		if r.cols[i].name == name {
			return r.cols[i].v
		}
	}
	if !r.open {
		return plan.Value{}
	}
	switch name {
	case plan.Timestamp:
		return plan.Value{Kind: plan.Time, Num: float64(r.of.Timestamp)}
	case plan.Ingestion:
		return plan.Value{Kind: plan.Time, Num: float64(r.of.Ingestion)}
	case plan.LogStream:
		return plan.NumberValue(float64(r.of.Stream))
	case plan.LogGroup:
		return plan.NumberValue(float64(r.of.Group))
	case plan.Message:
		return plan.TextValue(r.of.Message())
	}
	json, ok := plan.JSONName(name)
	t := ""
	if ok {
		t, ok = r.of.Value(json)
	}
	if name == "1.status" && r.of.Raw == rootArray {
		t, ok = "200", true
	}
	if !ok && r.of.Raw != "" {
		var a plan.Arena
		return discover.Field([]byte(r.of.Raw), name, &a)
	}
	if !ok {
		return plan.Value{}
	}
	return written(t)
}

// written returns the value of a JSON text.
func written(t string) plan.Value {
	if t == "null" {
		return plan.Value{}
	}
	switch t[0] {
	case '"':
		s := t[1 : len(t)-1]
		if strings.Contains(s, `\`) && json.Unmarshal([]byte(t), &s) != nil {
			panic(t)
		}
		return plan.TextValue(s)
	case 't':
		return plan.Value{Kind: plan.Bool, Num: 1, Text: []byte(t)}
	case 'f':
		return plan.Value{Kind: plan.Bool, Text: []byte(t)}
	case '[', '{':
		return plan.Value{Kind: plan.List, Text: []byte(t)}
	}
	f, err := strconv.ParseFloat(t, 64)
	if err != nil {
		return plan.TextValue(t)
	}
	return plan.Value{Kind: plan.Raw, Num: f, Text: []byte(t)}
}

func (r *record) eval(e plan.Expr) plan.Value {
	truth := func(x plan.Expr) bool { v := r.eval(x); return v.True() }
	switch e := e.(type) {
	case plan.Field:
		return r.field(e.Name)
	case plan.Const:
		return e.V
	case plan.Cmp:
		a, b := r.eval(e.A), r.eval(e.B)
		return plan.BoolValue(plan.Holds(e.Op, &a, &b))
	case plan.And:
		return plan.BoolValue(!slices.ContainsFunc(e.X, func(x plan.Expr) bool { return !truth(x) }))
	case plan.Or:
		return plan.BoolValue(slices.ContainsFunc(e.X, truth))
	case plan.Not:
		return plan.BoolValue(!truth(e.X))
	case plan.Contains:
		v := r.eval(e.X)
		return plan.BoolValue(plan.HasText(&v) && strings.Contains(string(v.AppendText(nil)), e.Sub))
	case plan.Match:
		v := r.eval(e.X)
		return plan.BoolValue(plan.HasText(&v) && e.Re.MatchString(string(v.AppendText(nil))))
	case plan.In:
		v := r.eval(e.X)
		return plan.BoolValue(slices.ContainsFunc(e.List, func(x plan.Value) bool { return plan.Holds(plan.Eq, &v, &x) }))
	case plan.Present:
		return plan.BoolValue(r.eval(e.X).Kind != plan.Null)
	case plan.Arith:
		a, b := r.eval(e.A), r.eval(e.B)
		return plan.Arithmetic(e.Op, &a, &b)
	case plan.Bin:
		v := r.eval(e.X)
		return plan.BinValue(&v, e.Every)
	case plan.Extract:
		v := r.eval(e.X)
		out := make([][]byte, e.By.Parts)
		if !plan.HasText(&v) || !e.By.New()(v.AppendText(nil), out) || out[e.Part] == nil {
			return plan.Value{}
		}
		return plan.TextValue(string(out[e.Part]))
	case plan.Call:
		v := r.eval(e.Args[0])
		switch e.Func.Name {
		case "toupper":
			if !plan.HasText(&v) {
				return plan.Value{}
			}
			return plan.TextValue(strings.ToUpper(string(v.AppendText(nil))))
		case "coalesce":
			for _, x := range e.Args {
				if v := r.eval(x); v.Kind != plan.Null {
					return v
				}
			}
			return plan.Value{}
		}
	}
	panic(e.String())
}

func naiveStats(s plan.Stats, recs []record) (names []string, out []record) {
	type group struct {
		keys []plan.Value
		recs []record
	}
	var groups []*group
	at := map[string]int{}
	for _, b := range s.By {
		names = append(names, b.As)
	}
	for _, a := range s.Aggs {
		names = append(names, a.As)
	}
	if len(s.By) == 0 {
		groups, at[Show([][]plan.Value{nil})] = append(groups, &group{}), 0
	}
	for _, r := range recs {
		var keys []plan.Value
		var kinds []byte // a time is not the text that it shows as
		for _, b := range s.By {
			v := r.eval(b.Expr)
			switch v.Kind {
			case plan.Null, plan.Time:
			default:
				v = plan.TextValue(string(v.AppendText(nil)))
			}
			keys, kinds = append(keys, v), append(kinds, byte(v.Kind))
		}
		key := string(kinds) + Show([][]plan.Value{keys})
		i, known := at[key]
		if !known {
			i = len(groups)
			at[key] = i
			groups = append(groups, &group{keys: keys})
		}
		groups[i].recs = append(groups[i].recs, r)
	}
	slices.SortStableFunc(groups, func(a, b *group) int {
		for k := range s.By {
			if c := plan.Order(&a.keys[k], &b.keys[k]); c != 0 {
				return c
			}
		}
		return 0
	})
	for _, g := range groups {
		var r record
		for i, k := range g.keys {
			r.cols = append(r.cols, cell{names[i], k})
		}
		for _, a := range s.Aggs {
			r.cols = append(r.cols, cell{a.As, naiveAgg(a, g.recs)})
		}
		out = append(out, r)
	}
	return names, out
}

func naiveAgg(a plan.Agg, recs []record) plan.Value {
	var vals []plan.Value
	var nums []float64
	var texts []plan.Value
	times := false
	distinct := map[string]int{}
	bare := map[string]bool{} // was not quoted
	first, last := -1, -1
	for i, r := range recs {
		if a.Arg == nil {
			vals = append(vals, plan.Value{})
			continue
		}
		v := r.eval(a.Arg)
		if v.Kind == plan.Null {
			continue
		}
		vals = append(vals, v)
		text := string(v.AppendText(nil))
		distinct[text]++
		bare[text] = bare[text] || v.Kind != plan.Text
		if x, ok := v.Float(); ok {
			nums = append(nums, x)
			times = times || v.Kind == plan.Time
		} else {
			texts = append(texts, v)
		}
		before := func(i, j int) bool {
			if recs[i].of == nil {
				return i < j
			}
			if c := recs[i].of.Key.Compare(recs[j].of.Key); c != 0 {
				return c < 0
			}
			return recs[i].of.Group < recs[j].of.Group
		}
		if first < 0 || before(i, first) {
			first = i
		}
		if last < 0 || before(last, i) {
			last = i
		}
	}
	sum := new(big.Float).SetPrec(2400)
	for _, x := range nums {
		sum.Add(sum, big.NewFloat(x))
	}
	total, _ := sum.Float64()
	n := float64(len(nums))
	slices.Sort(nums)
	slices.SortFunc(texts, func(a, b plan.Value) int { return plan.Order(&a, &b) })
	extreme := func(i, j int) plan.Value {
		switch {
		case len(nums) > 0 && times:
			return plan.Value{Kind: plan.Time, Num: nums[i]}
		case len(nums) > 0:
			return plan.NumberValue(nums[i])
		case len(texts) > 0:
			return plan.TextValue(string(texts[j].Text))
		}
		return plan.Value{}
	}
	switch a.Func {
	case plan.Count:
		return plan.NumberValue(float64(len(vals)))
	case plan.CountDistinct:
		return plan.NumberValue(float64(len(distinct)))
	case plan.Values, plan.TopK:
		return naiveValues(a, distinct, bare)
	case plan.SortsFirst, plan.SortsLast:
		if len(vals) == 0 {
			return plan.Value{}
		}
		return slices.MinFunc(vals, func(v, w plan.Value) int {
			c := plan.Order(&v, &w)
			if a.Func == plan.SortsLast {
				c = -c
			}
			return cmp.Or(c, cmp.Compare(v.Kind, w.Kind))
		})
	case plan.Min:
		return extreme(0, 0)
	case plan.Max:
		return extreme(len(nums)-1, len(texts)-1)
	case plan.Earliest, plan.Latest:
		if first < 0 {
			return plan.Value{}
		}
		if a.Func == plan.Latest {
			first = last
		}
		return recs[first].eval(a.Arg)
	}
	if len(nums) == 0 {
		return plan.Value{}
	}
	switch a.Func {
	case plan.Sum:
		return plan.NumberValue(total)
	case plan.Avg:
		return plan.NumberValue(total / n)
	case plan.Pct:
		return plan.NumberValue(nums[max(int(math.Ceil(a.P*n/100)), 1)-1])
	}
	less := 0.0
	if a.Func == plan.StddevSamp || a.Func == plan.VarSamp {
		less = 1
	}
	if n <= less {
		return plan.Value{}
	}
	mean := new(big.Float).Quo(sum, big.NewFloat(n))
	v := new(big.Float).SetPrec(2400)
	for _, x := range nums {
		d := new(big.Float).SetPrec(2400).SetFloat64(x)
		d.Sub(d, mean)
		v.Add(v, d.Mul(d, d))
	}
	f, _ := v.Quo(v, big.NewFloat(n-less)).Float64()
	if a.Func == plan.StddevPop || a.Func == plan.StddevSamp {
		f = math.Sqrt(f)
	}
	return plan.NumberValue(f)
}

func naiveValues(a plan.Agg, distinct map[string]int, bare map[string]bool) plan.Value {
	var texts []string
	for t := range distinct {
		texts = append(texts, t)
	}
	order := func(x, y string) int {
		v, w := plan.TextValue(x), plan.TextValue(y)
		return plan.Order(&v, &w)
	}
	slices.SortFunc(texts, order)
	if a.Func == plan.TopK {
		slices.SortStableFunc(texts, func(x, y string) int { return distinct[y] - distinct[x] })
		texts = texts[:min(len(texts), int(a.P))]
	}
	list := []byte("[")
	for i, t := range texts {
		if i > 0 {
			list = append(list, ',')
		}
		if bare[t] {
			list = append(list, t...)
		} else {
			list = jsontext.Quote(list, []byte(t))
		}
	}
	return plan.Value{Kind: plan.List, Text: append(list, ']')}
}
