package function

import (
	"maps"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// SQL returns the scalar function that OpenSearch SQL calls by a name, whose case
// does not matter; nil when there is none. The functions are those of Spark:
//
//   - Null makes every function Null that does not say otherwise.
//   - Truth is the values true and false, of kind plan.Bool.
//   - A time as a text is written 2025-10-05 13:45:07.123; a text or a number of ms
//     counts as a time where one is needed. A date is the time it begins, in UTC.
//   - An array or a structure is a list, as JSON.
//   - Characters and elements are counted from 1 where Spark does so.
func SQL(name string) *plan.Function { return sparkTable[strings.ToLower(name)] }

// SQLNames returns the names of all functions of OpenSearch SQL, sorted.
func SQLNames() []string { return slices.Sorted(maps.Keys(sparkTable)) }

// PPL is SQL for the functions of OpenSearch PPL.
func PPL(name string) *plan.Function { return pplTable[strings.ToLower(name)] }

// PPLNames returns the names of all functions of OpenSearch PPL, sorted.
func PPLNames() []string { return slices.Sorted(maps.Keys(pplTable)) }

var sparkTable = table(sparkTexts, sparkMath, sparkDates, sparkRegexps, sparkJSON, sparkArrays, sparkFormats)

var pplTable = table(without(sparkTable, "date_format from_unixtime"), pplDates, pplJSON, []*plan.Function{binding("cidrmatch", 2, 2, cidrMatch)})

// MakesTime reports whether every result of a function of SQL or PPL is a time or Null.
func MakesTime(f *plan.Function) bool { return timeMakers[f] }

var timeMakers = func() map[*plan.Function]bool {
	all := map[*plan.Function]bool{SQL("to_date"): true, SQL("to_timestamp"): true, PPL("from_unixtime"): true}
	for _, f := range slicesOf(dateMakers, pplTimes) {
		all[f] = true
	}
	return all
}()

// without returns the functions of a table but those of the names in a list.
func without(t map[string]*plan.Function, names string) []*plan.Function {
	var fs []*plan.Function
	for _, n := range slices.Sorted(maps.Keys(t)) {
		if !slices.Contains(strings.Fields(names), n) {
			fs = append(fs, t[n])
		}
	}
	return fs
}

// alias returns a function under more names.
func alias(f *plan.Function, names ...string) []*plan.Function {
	fs := []*plan.Function{f}
	for _, n := range names {
		g := *f
		g.Name = n
		fs = append(fs, &g)
	}
	return fs
}

var (
	trueText  = []byte("true")
	falseText = []byte("false")
)

// truth is the value true or false.
func truth(b bool) plan.Value {
	if b {
		return plan.Value{Kind: plan.Bool, Num: 1, Text: trueText}
	}
	return plan.Value{Kind: plan.Bool, Text: falseText}
}

// dated makes of functions of texts ones that see times as they are written.
func dated(fs ...*plan.Function) []*plan.Function {
	for i, f := range fs {
		g := *f
		g.Eval, g.Bind = nil, func(consts []*plan.Value) (plan.Eval, error) {
			eval := f.Eval
			if f.Bind != nil {
				var err error
				if eval, err = f.Bind(consts); err != nil {
					return nil, err
				}
			}
			var scratch []plan.Value
			return func(args []plan.Value, a *plan.Arena) plan.Value {
				for i := range args {
					if args[i].Kind == plan.Time {
						scratch = append(scratch[:0], args...)
						for j := range scratch {
							timeText(&scratch[j], a)
						}
						return eval(scratch, a)
					}
				}
				return eval(args, a)
			}, nil
		}
		fs[i] = &g
	}
	return fs
}

// timeText makes a text of a time.
func timeText(v *plan.Value, a *plan.Arena) {
	if v.Kind == plan.Time {
		from := len(a.Bytes)
		if a.Bytes = appendTime(a.Bytes, v.Num); len(a.Bytes) > from {
			*v = text(a.Text(from))
		} else {
			*v = plan.Value{}
		}
	}
}
