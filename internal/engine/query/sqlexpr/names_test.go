package sqlexpr_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// sqlFunctions are the functions of the reference for OpenSearch SQL, pplFunctions
// those for PPL. What stands in the parser as a form of its own is left out.
const sqlFunctions = `
ascii base64 bit_length btrim char char_length chr concat concat_ws contains decode elt encode endswith find_in_set format_number format_string initcap
instr lcase left len length levenshtein locate lower lpad ltrim luhn_check mask octet_length overlay position printf regexp_count regexp_extract
regexp_extract_all regexp_instr regexp_replace regexp_substr repeat replace reverse right rpad rtrim sentences soundex space split split_part startswith
substr substring substring_index to_binary to_char to_number translate trim ucase unbase64 upper
add_months convert_timezone curdate current_date current_timestamp current_timezone date_add date_diff datediff date_format date_from_unix_date date_part
date_sub date_trunc day dayofmonth dayofweek dayofyear extract from_unixtime from_utc_timestamp hour last_day localtimestamp make_date make_timestamp minute
month months_between next_day now quarter second timestamp_micros timestamp_millis timestamp_seconds to_date to_timestamp to_unix_timestamp
to_utc_timestamp trunc unix_date unix_millis unix_seconds unix_timestamp weekday weekofyear window year
coalesce if ifnull nanvl nullif nvl nvl2
from_json get_json_object json_array_length json_object_keys json_tuple schema_of_json to_json
array array_append array_compact array_contains array_distinct array_except array_insert array_intersect array_join array_max array_min array_position
array_prepend array_remove array_repeat array_union arrays_overlap arrays_zip flatten get sequence shuffle size slice sort_array
bigint binary boolean date decimal double float int smallint string timestamp tinyint
isnan isnotnull isnull regexp regexp_like rlike like ilike
abs acos acosh asin asinh atan atan2 atanh bin bround cbrt ceil ceiling conv cos cosh cot csc degrees e exp expm1 factorial floor greatest hex hypot least ln
log log10 log1p log2 mod negative pi pmod positive pow power radians rand randn rint round sec sign signum sin sinh sqrt tan tanh try_add try_divide
try_multiply try_subtract unhex width_bucket`

const pplFunctions = `
concat concat_ws length lower ltrim position reverse right rtrim substring trim upper
day dayofmonth dayofweek dayofyear dayname day_of_month day_of_week day_of_year from_unixtime hour last_day localtime localtimestamp make_date minute month
monthname now quarter second adddate subdate date_add date_sub date_format datediff sysdate timestamp timestampadd timestampdiff unix_timestamp
utc_timestamp week weekday current_date current_timezone year
if ifnull nullif isnull isnotnull coalesce
abs acos asin atan atan2 cbrt ceil ceiling conv cos cot crc32 degrees e exp floor ln log log2 log10 mod pi pow power radians rand round sign sin sqrt
json json_array json_object array_length json_array_length json_extract json_keys json_valid to_json_string
md5 sha1 sha2 cidrmatch`

func TestEveryFunctionOfTheReference(t *testing.T) {
	for _, c := range []struct {
		dialect sqlexpr.Dialect
		names   string
		find    func(string) *plan.Function
	}{{sqlexpr.SQL, sqlFunctions, function.SQL}, {sqlexpr.PPL, pplFunctions, function.PPL}} {
		var missing []string
		for _, name := range strings.Fields(c.names) {
			for n := 0; ; n++ {
				err := compileCall(c.dialect, c.find, name, n)
				if err == nil || n == 8 || !strings.Contains(err.Error(), "argument") {
					if err != nil && strings.Contains(err.Error(), "unknown function") {
						missing = append(missing, name)
					}
					break
				}
			}
		}
		if len(missing) > 0 {
			t.Errorf("dialect %d has no functions %v", c.dialect, missing)
		}
	}
}

// compileCall translates a call with n columns as arguments.
func compileCall(d sqlexpr.Dialect, find func(string) *plan.Function, name string, n int) error {
	args := make([]string, n)
	for i := range args {
		args[i] = "a"
	}
	text := name + "(" + strings.Join(args, ", ") + ")"
	p, err := sqlexpr.NewParser(text, d)
	if err != nil {
		return err
	}
	e, err := p.Expr()
	if err != nil {
		return err
	}
	c := sqlexpr.NewCompiler(text, d, &insightsql.Env{})
	c.Function = find
	c.Column = func(n *sqlexpr.Name) (plan.Expr, error) { return plan.Field{Name: strings.Join(n.Parts, ".")}, nil }
	_, err = c.Value(e)
	return err
}
