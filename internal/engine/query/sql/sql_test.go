package sql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/query/sql"
)

var language = querytest.Language[*sql.Query]{Parse: sql.Parse}

func scriptQueries(t testing.TB) []string {
	return language.Queries(t, "../querytest/testdata/sql/*.txt", 150)
}

// TestPrinted reads what is printed back, and pins some of the forms.
func TestPrinted(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		language.Prints(t, text, want)
	}
	check("select a, b c, `d e` as f from g", "SELECT a, b AS c, `d e` AS f FROM `g`")
	check("select distinct * from `/a/b` x where x.a=1 limit 5 offset 2;", "SELECT DISTINCT * FROM `/a/b` AS x WHERE x.a = 1 LIMIT 5 OFFSET 2")
	check("select x.*, upper(a) from g x", "SELECT x.*, upper(a) FROM `g` AS x")
	check("select count(*), count(distinct a, b) from g group by c, 1+d having count(*)>1 order by 1 desc nulls first, c asc nulls first",
		"SELECT count(*), count(DISTINCT a, b) FROM `g` GROUP BY c, 1 + d HAVING count(*) > 1 ORDER BY 1 DESC NULLS FIRST, c")
	check("select a from g x left outer join `h` y on x.a=y.a and y.b>1", "SELECT a FROM `g` AS x LEFT JOIN `h` AS y ON x.a = y.a AND y.b > 1")
	check("select a from g join (select b, c.d from h) y using (b, `c.d`)", "SELECT a FROM `g` INNER JOIN (SELECT b, c.d FROM `h`) AS y USING (`b`, `c.d`)")
	check("select a from g union select b from h intersect select c from i except all select d from j",
		"SELECT a FROM `g` UNION SELECT b FROM `h` INTERSECT SELECT c FROM `i` EXCEPT ALL SELECT d FROM `j`")
	check("(select a from g union select b from h) intersect select c from i order by a",
		"(SELECT a FROM `g` UNION SELECT b FROM `h`) INTERSECT SELECT c FROM `i` ORDER BY a")
	check("select rank() over (partition by a order by b desc), sum(c) over (order by d rows 2 preceding) from g",
		"SELECT rank() OVER (PARTITION BY a ORDER BY b DESC), sum(c) OVER (ORDER BY d ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM `g`")
	check("select lag(a) ignore nulls over (order by b), count(*) filter (where c) over () from g",
		"SELECT lag(a) IGNORE NULLS OVER (ORDER BY b), count(*) FILTER (WHERE c) OVER () FROM `g`")
	check("select case a when 1 then 'x' else 'y' end, cast(a as int), try_cast(b as decimal(10,2)), a[0], b['k'] from g",
		"SELECT CASE a WHEN 1 THEN 'x' ELSE 'y' END, CAST(a AS INT), TRY_CAST(b AS DECIMAL), a.`0`, b['k'] FROM `g`")
	check("select date '2025-10-05' < a, extract(year from a), trim(both 'x' from a), substring(a from 2 for 3), position('x' in a), overlay(a placing 'x' from 2) from g",
		"SELECT CAST('2025-10-05' AS DATE) < a, extract('year' FROM a), btrim(a, 'x'), substring(a, 2, 3), position('x', a), overlay(a, 'x', 2) FROM `g`")
	check("select a from g where a in (select b from h) and not exists (select 1 from h) and a = (select max(b) from h)",
		"SELECT a FROM `g` WHERE a IN (SELECT b FROM `h`) AND NOT EXISTS (SELECT 1 FROM `h`) AND a = (SELECT max(b) FROM `h`)")
	check("select a from `logGroups(logGroupIdentifier: ['x','y']) dataSource(['a.b'])`", "SELECT a FROM `logGroups(logGroupIdentifier: ['x','y']) dataSource(['a.b'])`")
	check("select a is not true, b is distinct from c, not d <=> e, f like 'x' escape '!' from g",
		"SELECT a IS NOT TRUE, NOT b <=> c, NOT d <=> e, f LIKE 'x' ESCAPE '!' FROM `g`")
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
	const sel = "SELECT a FROM g"
	fits("10,000 characters", sel+strings.Repeat(" ", 10_000-len(sel)))
	refused("10,001 characters", sel+strings.Repeat(" ", 10_001-len(sel)), "longer than 10000 characters")
	refused("deep parentheses", sel+" WHERE "+strings.Repeat("(", 100)+"a"+strings.Repeat(")", 100), "levels deep")
	refused("deep statements", strings.Repeat("(", 100)+sel+strings.Repeat(")", 100), "levels deep")
	fits("20 queries", sel+strings.Repeat(" UNION "+sel, 19))
	refused("21 queries", sel+strings.Repeat(" UNION "+sel, 20), "more than 20 queries")
	fits("500 columns", "SELECT a0"+querytest.Numbered(", a", 499)+" FROM g")
	refused("501 columns", "SELECT a0"+querytest.Numbered(", a", 500)+" FROM g", "more than 500 items")
	fits("50 groups", sel[:14]+"`logGroups(logGroupIdentifier: ['g'"+strings.Repeat(",'g'", 49)+"])`")
	refused("51 groups", sel[:14]+"`logGroups(logGroupIdentifier: ['g'"+strings.Repeat(",'g'", 50)+"])`", "more than 50 log groups")
	fits("10 data sources", sel[:14]+"`dataSource(['g'"+strings.Repeat(",'g'", 9)+"])`")
	refused("11 data sources", sel[:14]+"`dataSource(['g'"+strings.Repeat(",'g'", 10)+"])`", "more than 10 data sources")
}

// TestSelectors is about the groups that the outermost query reads.
func TestSelectors(t *testing.T) {
	check := func(text string, want ...string) {
		t.Helper()
		q, err := sql.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		var got []string
		for _, s := range q.Selectors() {
			got = append(got, fmt.Sprint(s.Kind, s.Names))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	}
	check("SELECT a FROM `/aws/lambda/f`", "0 [/aws/lambda/f]")
	check("SELECT a FROM `logGroups(logGroupIdentifier: ['A', \"B\"])`", "0 [A B]")
	check("SELECT a FROM `dataSource(['x.y']) logGroups(logGroupIdentifier:['A'])`", "2 [x.y]", "0 [A]")
	check("SELECT a FROM `filterIndex('region' = 'us-east-1', 'status' IN [200, 404])`", "1 []")
	check("SELECT t.a FROM (SELECT a FROM `x` UNION SELECT a FROM `y`) t JOIN `z` u ON t.a = u.a", "0 [x]")
}

func FuzzParse(f *testing.F) { language.Fuzz(f, scriptQueries(f)) }
