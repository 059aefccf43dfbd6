package function_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
)

// documented are the functions that the documentation of each language has, but
// for those that the languages translate themselves.
var documented = map[string]string{
	"insights": `abs ceil floor greatest least log sqrt round haversine toNumber toInt toLong toDouble
		datefloor date_floor dateceil fromMillis toMillis parseDate formatDate strftime ispresent coalesce case if isNumeric
		jsonParse jsonStringify jsonArraySize jsonArrayContains
		isValidIp isValidIpV4 isValidIpV6 isIpInSubnet isIpv4InSubnet isIpv6InSubnet ipv4ToNumber isPrivateIP isPublicIP isReservedIP
		isempty isblank concat trim ltrim rtrim strlen toupper tolower substr replace strcontains startsWith endsWith
		regexReplace regex_replace split urlencode urldecode base64encode base64decode hexToAscii hexToDec decToHex md5 sha256`,
	"ppl": `concat concat_ws length lower ltrim position reverse right rtrim substring trim upper
		day dayofmonth dayofweek dayofyear dayname day_of_month day_of_week day_of_year from_unixtime hour last_day make_date minute month monthname
		quarter second date_format timestamp unix_timestamp week weekday year
		abs acos asin atan atan2 cbrt ceil ceiling conv cos cot crc32 degrees e exp floor ln log log2 log10 mod pi pow power radians rand round sign sin sqrt
		json json_array json_object array_length json_array_length json_extract json_keys json_valid to_json_string md5 sha1 sha2 cidrmatch`,
	"sql": `ascii base64 bit_length btrim char char_length chr concat concat_ws contains decode elt encode endswith find_in_set format_number
		format_string initcap instr lcase left len length levenshtein locate lower lpad ltrim luhn_check mask octet_length overlay position printf
		regexp_count regexp_extract regexp_extract_all regexp_instr regexp_replace regexp_substr repeat replace reverse right rpad rtrim sentences
		soundex space split split_part startswith substr substring substring_index to_binary to_char to_number translate trim ucase unbase64 upper
		add_months convert_timezone date_format date_from_unix_date date_part date_trunc day dayofmonth dayofweek dayofyear extract from_unixtime
		from_utc_timestamp hour last_day make_date make_timestamp minute month months_between next_day quarter second timestamp_micros
		timestamp_millis timestamp_seconds to_date to_timestamp to_unix_timestamp to_utc_timestamp trunc unix_date unix_millis unix_seconds
		unix_timestamp weekday weekofyear year nanvl from_json get_json_object json_array_length json_object_keys schema_of_json to_json
		array array_append array_compact array_contains array_distinct array_except array_insert array_intersect array_join array_max array_min
		array_position array_prepend array_remove array_repeat array_union arrays_overlap arrays_zip flatten get sequence shuffle size slice sort_array
		isnan abs acos acosh asin asinh atan atan2 atanh bin bround cbrt ceil ceiling conv cos cosh cot csc degrees e exp expm1 factorial floor
		greatest hex hypot least ln log log10 log1p log2 mod negative pi pmod positive pow power radians rand randn rint round sec sign signum sin
		sinh sqrt tan tanh try_add try_divide try_multiply try_subtract unhex width_bucket`,
}

func TestDocumentedFunctionsExist(t *testing.T) {
	for lang, names := range documented {
		for _, n := range strings.Fields(names) {
			if tables[lang].get(n) == nil {
				t.Errorf("%s has no function %s", lang, n)
			}
		}
	}
}

func TestNamesTellFunctionsApart(t *testing.T) {
	for lang, table := range tables {
		for _, n := range table.names() {
			f := table.get(n)
			if f.Name != n || f.Min > f.Max || (f.Eval == nil) == (f.Bind == nil) {
				t.Errorf("%s: %s is %+v", lang, n, f)
			}
		}
	}
	if function.DateFloor(function.Period{N: 1, Unit: function.Day}).Name == function.DateFloor(function.Period{N: 2, Unit: function.Day}).Name {
		t.Error("two periods have one name")
	}
}
