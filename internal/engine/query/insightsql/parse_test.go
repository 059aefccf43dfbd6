package insightsql_test

import (
	"errors"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
)

func TestParsePrints(t *testing.T) {
	same := func(text, want string) {
		t.Helper()
		q, err := insightsql.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if got := q.String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	same("fields @timestamp, @message", "fields @timestamp, @message")
	same("FIELDS a AS b # comment\n| SORT b DESC, c | LIMIT 20", "fields a as b | sort b desc, c asc | limit 20")
	same("filter a = 1 and not b like /x\\/y/ or c not in [1, -2, 'z']", `filter a = 1 and not b like /x\/y/ or c not in [1, -2, "z"]`)
	same("stats count( * ), sum(b)/1024 as s by bin(5m) as t, `foo-bar`.c", "stats count( * ), sum(b) / 1024 as s by bin(5m) as t, `foo-bar`.c")
	same("parse @message 'a=*, b=*' as x, y", `parse @message "a=*, b=*" as x, y`)
	same("unnest j.users[1].events into e", "unnest j.users.1.events into e")
	same("filter (a + b) * 2 ^ -c > 3 - (4 - d) / e", "filter (a + b) * 2 ^ -c > 3 - (4 - d) / e")
	same("source logGroups(namePrefix: ['a'], class: ['STANDARD']) dataSource(['x.y']) | fields a", `SOURCE logGroups(namePrefix: ["a"], class: ["STANDARD"]) dataSource(["x.y"]) | fields a`)
}

func TestParseErrors(t *testing.T) {
	fails := func(text, want string, start, end int) {
		t.Helper()
		_, err := insightsql.Parse(text)
		var e *insightsql.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", text, err)
			return
		}
		if e.Message != want || e.Start != start || e.End != end {
			t.Errorf("%s\n got %s [%d, %d)\nwant %s [%d, %d)", text, e.Message, e.Start, e.End, want, start, end)
		}
	}
	fails("fields a |", "unexpected symbol found <EOF> at line 1 and position 10", 10, 10)
	fails("fields ä,\n  é ! b", "unexpected symbol found ! at line 2 and position 4", 14, 15)
	fails("nonsense x", "unexpected symbol found nonsense at line 1 and position 0", 0, 8)
	fails("filter m like /x/i", "unexpected symbol found i at line 1 and position 17", 17, 18)
	fails("limit 100001", "unexpected symbol found 100001 at line 1 and position 6", 6, 12)
}
