package ppl_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/ppl"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
)

var language = querytest.Language[*ppl.Query]{Parse: ppl.Parse}

func scriptQueries(t testing.TB) []string {
	return language.Queries(t, "../querytest/testdata/ppl/*.txt", 100)
}

// TestPrinted reads what is printed back, and pins some of the forms.
func TestPrinted(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		language.Prints(t, text, want)
	}
	check("", "")
	check("search source = app | fields + a , `b c` , @message", "source = [lg:`app`] | fields a, `b c`, `@message`")
	check("source=`a` level=\"x\" | head", "source = [lg:`a`] | where level = 'x' | head 10")
	check("source=[ds:`a.b`, lg:`g`, `aws:fieldIndex` in ('x','y'), `r`=1]",
		"source = [ds:`a.b`, lg:`g`, `aws:fieldIndex` = 'x', `aws:fieldIndex` = 'y', r IN ('1')]")
	check("where NOT (a=1 or b<>2) AND c==3", "where NOT (a = 1 OR b != 2) AND c = 3")
	check("where a not in (1,'x') and b is not null and c not between 1 and 2+3", "where a NOT IN (1, 'x') AND b IS NOT NULL AND c NOT BETWEEN 1 AND 2 + 3")
	check(`where a like 'x\'y\d' or b rlike "\\."`, `where a LIKE 'x\'y\\d' OR b RLIKE '\\.'`)
	check("eval x = (1+2)*3 - -4 % a.b.0, y = case(a=1, 'p' else 'q')", "eval x = (1 + 2) * 3 - -4 % a.b.`0`, y = CASE WHEN a = 1 THEN 'p' ELSE 'q' END")
	check("stats count() as n, avg(a)/2 by span(t, 5m) as s, span(x, 0.5), b",
		"stats count() as `n`, avg(a) / 2 by span(t, 5 minute) as `s`, span(x, 0.5), b")
	check("sort -num(a), +b, c desc", "sort - num(a), b, - c")
	check("dedup a, b keepempty=TRUE consecutive=false", "dedup 1 a, b keepempty=true")
	check("rename a as b, c as `d e`", "rename a as b, c as `d e`")
	check("top 3 a, b by c | rare a", "top 3 a, b by c | rare 10 a")
	check("left join left=l, right=r on l.a=r.b `g` | fields l.a", "left join left = l, right = r on l.a = r.b [ source = [lg:`g`] ] | fields l.a")
	check("where a in [ source=`g` | fields b ] or exists [source=`h`]", "where a IN [ source = [lg:`g`] | fields b ] OR EXISTS [ source = [lg:`h`] ]")
	check("trendline sort - t sma(2, a) as x wma(3,b)", "trendline sort - t sma(2, a) as `x` wma(3, b)")
	check("eventstats avg(a) as m by b", "eventstats avg(a) as `m` by b")
	check("flatten a as (b, c)", "flatten a as (`b`, `c`)")
	check("expand a as b | expand c", "expand a as b | expand c")
	check("fieldsummary includefields=a nulls=true", "fieldsummary includefields=a nulls=true")
	check("fillnull with 0 in a, b | fillnull using a = 1, b = 'x'", "fillnull with 0 in a, b | fillnull using a = 1, b = 'x'")
	check("grok a '%{IP:b} x' | parse c '(?<d>.)'", "grok a '%{IP:b} x' | parse c '(?<d>.)'")
	check("eval t = date_add(a, INTERVAL 1 DAYS), u = timestampadd(HOUR, 2, a)", "eval t = date_add(a, INTERVAL 1 day), u = timestampadd(HOUR, 2, a)")
}

func TestLimits(t *testing.T) {
	fits := func(what, text string) {
		t.Helper()
		language.Fits(t, what, text)
	}
	refused := func(what, text, want string) {
		t.Helper()
		language.Refuses(t, what, text, want)
	}
	fits("10,000 characters", "fields é"+strings.Repeat(" ", 9_992))
	refused("10,001 characters", "fields é"+strings.Repeat(" ", 9_993), "longer than 10000 characters")
	refused("bytes that are no UTF-8", "fields \xff", "not valid UTF-8")
	fits("60 commands", strings.Repeat("where a = 1 | ", 59)+"head")
	refused("61 commands", strings.Repeat("where a = 1 | ", 60)+"head", "more than 60 commands")
	refused("deep parentheses", "where "+strings.Repeat("(", 100)+"a"+strings.Repeat(")", 100), "levels deep")
	refused("many negations", "where "+strings.Repeat("not ", 100)+"a", "levels deep")
	refused("many signs", "eval b = "+strings.Repeat("- ", 100)+"a", "levels deep")
	refused("a long sum", "eval b = a"+strings.Repeat("+a", 100), "levels deep")
	fits("a long condition", "where a = 0"+strings.Repeat(" or a = 1", 900))
	fits("a list of 500", "fields a0"+querytest.Numbered(", a", 499))
	refused("a list of 501", "fields a0"+querytest.Numbered(", a", 500), "more than 500 items")
	fits("2,000 values", "where a in (1"+strings.Repeat(",1", 1999)+")")
	refused("2,001 values", "where a in (1"+strings.Repeat(",1", 2000)+")", "more than 2000 values")
	fits("50 groups", "source=[lg:g"+strings.Repeat(", lg:g", 49)+"]")
	refused("51 groups", "source=[lg:g"+strings.Repeat(", lg:g", 50)+"]", "more than 50 log groups")
	fits("10 data sources", "source=[ds:g"+strings.Repeat(", ds:g", 9)+"]")
	refused("11 data sources", "source=[ds:g"+strings.Repeat(", ds:g", 10)+"]", "more than 10 data sources")
	refused("a column that doubles", "eval b = a"+strings.Repeat(", b = b + b", 40)+" | where b > 1", "too complex")
}

func FuzzParse(f *testing.F) { language.Fuzz(f, scriptQueries(f)) }
