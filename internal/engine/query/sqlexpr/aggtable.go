package sqlexpr

import "github.com/cumulog/cumulog/internal/engine/query/plan"

// none says that no operator of the executor computes an aggregate.
const none = plan.AggFunc(255)

// aggregate is how an aggregate is computed.
type aggregate struct {
	fn       string       // the name that compute knows
	native   plan.AggFunc // or none
	min, max int          // arguments
	numeric  bool         // the result is a number
	only     string       // "sql" or "ppl": the one language that has it
}

var aggregates = map[string]aggregate{
	"count":       {"count", plan.Count, 1, 1, true, ""},
	"sum":         {"sum", plan.Sum, 1, 1, true, ""},
	"avg":         {"avg", plan.Avg, 1, 1, true, ""},
	"min":         {"min", plan.Min, 1, 1, false, ""},
	"max":         {"max", plan.Max, 1, 1, false, ""},
	"stddev":      {"stddev_samp", plan.StddevSamp, 1, 1, true, ""},
	"stddev_samp": {"stddev_samp", plan.StddevSamp, 1, 1, true, ""},
	"stddev_pop":  {"stddev_pop", plan.StddevPop, 1, 1, true, ""},
	"variance":    {"var_samp", plan.VarSamp, 1, 1, true, ""},
	"var_samp":    {"var_samp", plan.VarSamp, 1, 1, true, ""},
	"var_pop":     {"var_pop", plan.VarPop, 1, 1, true, ""},
	"first":       {"first", plan.Earliest, 1, 1, false, ""},
	"last":        {"last", plan.Latest, 1, 1, false, ""},

	"percentile":        {"percentile", plan.Pct, 2, 3, true, ""},
	"percentile_approx": {"percentile", plan.Pct, 2, 3, true, ""},
	"approx_percentile": {"percentile", plan.Pct, 2, 3, true, "sql"},
	"median":            {"percentile", plan.Pct, 1, 1, true, ""},

	"approx_count_distinct": {"count_distinct", plan.CountDistinct, 1, 2, true, "sql"},
	"distinct_count":        {"count_distinct", plan.CountDistinct, 1, 1, true, "ppl"},
	"dc":                    {"count_distinct", plan.CountDistinct, 1, 1, true, "ppl"},
	"distinct_count_approx": {"count_distinct", plan.CountDistinct, 1, 1, true, "ppl"},
	"earliest":              {"first", plan.Earliest, 1, 1, false, "ppl"},
	"latest":                {"last", plan.Latest, 1, 1, false, "ppl"},
	"take":                  {"list", none, 1, 2, false, "ppl"},
	"list":                  {"list", none, 1, 1, false, "ppl"},
	"values":                {"values", plan.Values, 1, 1, false, "ppl"},

	"mean":           {"avg", plan.Avg, 1, 1, true, "sql"},
	"try_avg":        {"avg", plan.Avg, 1, 1, true, "sql"},
	"try_sum":        {"sum", plan.Sum, 1, 1, true, "sql"},
	"std":            {"stddev_samp", plan.StddevSamp, 1, 1, true, "sql"},
	"any_value":      {"first", plan.Earliest, 1, 1, false, "sql"},
	"first_value":    {"first", plan.Earliest, 1, 1, false, "sql"},
	"last_value":     {"last", plan.Latest, 1, 1, false, "sql"},
	"count_if":       {"count_if", plan.Count, 1, 1, true, "sql"},
	"any":            {"bool_or", none, 1, 1, false, "sql"},
	"some":           {"bool_or", none, 1, 1, false, "sql"},
	"bool_or":        {"bool_or", none, 1, 1, false, "sql"},
	"every":          {"bool_and", none, 1, 1, false, "sql"},
	"bool_and":       {"bool_and", none, 1, 1, false, "sql"},
	"array_agg":      {"list", none, 1, 1, false, "sql"},
	"collect_list":   {"list", none, 1, 1, false, "sql"},
	"collect_set":    {"values", plan.Values, 1, 1, false, "sql"},
	"mode":           {"mode", none, 1, 1, false, "sql"},
	"bit_and":        {"bit_and", none, 1, 1, true, "sql"},
	"bit_or":         {"bit_or", none, 1, 1, true, "sql"},
	"bit_xor":        {"bit_xor", none, 1, 1, true, "sql"},
	"kurtosis":       {"kurtosis", none, 1, 1, true, "sql"},
	"skewness":       {"skewness", none, 1, 1, true, "sql"},
	"corr":           {"corr", none, 2, 2, true, "sql"},
	"covar_pop":      {"covar_pop", none, 2, 2, true, "sql"},
	"covar_samp":     {"covar_samp", none, 2, 2, true, "sql"},
	"max_by":         {"max_by", none, 2, 2, false, "sql"},
	"min_by":         {"min_by", none, 2, 2, false, "sql"},
	"regr_avgx":      {"regr_avgx", none, 2, 2, true, "sql"},
	"regr_avgy":      {"regr_avgy", none, 2, 2, true, "sql"},
	"regr_count":     {"regr_count", none, 2, 2, true, "sql"},
	"regr_intercept": {"regr_intercept", none, 2, 2, true, "sql"},
	"regr_r2":        {"regr_r2", none, 2, 2, true, "sql"},
	"regr_slope":     {"regr_slope", none, 2, 2, true, "sql"},
	"regr_sxx":       {"regr_sxx", none, 2, 2, true, "sql"},
	"regr_sxy":       {"regr_sxy", none, 2, 2, true, "sql"},
	"regr_syy":       {"regr_syy", none, 2, 2, true, "sql"},
}

// aggregateOf returns the aggregate of a name in a dialect.
func aggregateOf(d Dialect, name string) (aggregate, bool) {
	a, ok := aggregates[name]
	if !ok || a.only == "sql" && d != SQL || a.only == "ppl" && d != PPL {
		return aggregate{}, false
	}
	return a, true
}

// IsAggregate reports whether e is a call of an aggregate that is no window function.
func IsAggregate(d Dialect, e Expr) bool {
	c, ok := e.(*Call)
	if !ok || c.Over != nil {
		return false
	}
	_, ok = aggregateOf(d, c.Func)
	return ok
}

// HasAggregate reports whether there is an aggregate in e.
func HasAggregate(d Dialect, e Expr) bool {
	found := false
	Walk(e, func(x Expr) bool {
		found = found || IsAggregate(d, x)
		return !found
	})
	return found
}
