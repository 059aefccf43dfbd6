package insights_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
)

const show = "fields @message | sort @message"

func TestWaysToNameGroups(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "one"})
	w.put("/a/b", "s", map[int64]string{-1: "two"})
	w.put("/b", "s", map[int64]string{-1: "three"})
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: "/ia", Class: groups.ClassInfrequentAccess}))
	w.put("/ia", "s", map[int64]string{-1: "four"})
	w.must(w.groups.TagGroup(context.Background(), scope, "/b", map[string]string{"env": "prod", "cw:datasource:name": "shop", "cw:datasource:type": "orders"}))

	one, two, three, four := "@message=one\n", "@message=two\n", "@message=three\n", "@message=four\n"
	a := "/a"
	r := hour(show)
	r.Group = &a
	w.answers(r, one)
	w.answers(hour(show, "/a"), one)
	w.answers(hour(show, "/a", "/b", "/a"), one+three)
	for _, identifier := range []string{"/a", scope.GroupARN("/a"), scope.GroupARN("/a") + ":*", scope.GroupARN("/a") + ":"} {
		r := hour(show)
		r.Identifiers = []string{identifier}
		w.answers(r, one)
	}
	w.answers(hour("SOURCE logGroups() | "+show), one+three+two)
	w.answers(hour("SOURCE logGroups(namePrefix: ['/a']) | "+show), one+two)
	w.answers(hour("SOURCE logGroups(namePrefix: ['/a/', '/b']) | "+show), three+two)
	w.answers(hour("SOURCE logGroups(namePrefix: ['/'], class: ['INFREQUENT_ACCESS']) | "+show), four)
	w.answers(hour("SOURCE logGroups(accountIdentifiers: ['123456789012'], namePrefix: ['/b']) | "+show), three)
	w.answers(hour(`SOURCE logGroupTags([{"key":"env","values":["pro*"]}]) | `+show), three)
	w.answers(hour(`SOURCE logGroupTags([{"key":"env","values":["test"]}]) | `+show), "")
	w.answers(hour(`SOURCE dataSource(['shop.orders']) | `+show), three)
	w.answers(hour(`SOURCE dataSource(['shop.orders']) logGroups(namePrefix: ['/a']) | `+show), "")
	w.answers(hour(`SOURCE '/a' | `+show), one)

	w.refuses(hour(show), insights.ErrGroups.Error())
	r = hour(show, "/a")
	r.Group = &a
	w.refuses(r, insights.ErrGroups.Error())
	w.refuses(hour("SOURCE logGroups() | "+show, "/a"), insights.ErrSourceAndGroups.Error())
	w.refuses(hour(show, "/a", "/none"), groups.ErrGroupNotFound.Error())
	r = hour(show)
	r.Identifiers = []string{other.GroupARN("/a")}
	w.refuses(r, groups.ErrGroupNotFound.Error())
	w.refuses(hour("SOURCE logGroups(accountIdentifiers: ['111111111111']) | "+show), "Account 111111111111 is not linked to account 123456789012.")
	w.refuses(hour("pattern @message", "/ia"), "The pattern command is only supported on the Standard log class, which /ia is not of.")

	names := make([]string, insights.MaxNamed+1)
	for i := range names {
		names[i] = fmt.Sprintf("/many/%d", i)
		w.create(names[i])
	}
	w.refuses(hour(show, names...), "Too many log groups specified")
	w.answers(hour(show, names[1:]...), "")
}

func TestTimeRange(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-2000: "a", -1000: "b", -999: "c", -1: "d", 0: "e", 999: "f", 1000: "g"})
	at := func(from, to int64, want string) {
		t.Helper()
		r := hour("fields @message | sort @timestamp asc", "/a")
		r.Start, r.End = from, to
		p := w.ended(w.begin(r))
		got := ""
		for _, row := range p.Rows {
			got += row[0].Value
		}
		equal(t, fmt.Sprintf("%d to %d", from, to), got, want)
	}
	at(start/1000-2, start/1000-1, "abcd") // seconds: all of the last one
	at(start/1000, start/1000, "ef")
	at(start-1000, start-999, "bc") // ms: both ends
	at(start-1, start/1000, "def")
	for _, r := range [][2]int64{{-1, 5}, {5, -1}, {start / 1000, start/1000 - 1}, {start, start/1000 - 1}} {
		q := hour(show, "/a")
		q.Start, q.End = r[0], r[1]
		w.refuses(q, insights.ErrTimeRange.Error())
	}
}

func TestRangeWithoutEvents(t *testing.T) {
	w := newWorld(t)
	w.create("/new")
	text := func(n int) string {
		return fmt.Sprintf("Query's end date and time is either before the log groups creation time or exceeds the log groups log retention settings ([0,%d]) [0,%d)", n, n)
	}
	r := hour("fields @message", "/new")
	r.Start, r.End = 1, start/1000-10
	w.refuses(r, text(15))
	r.Query = "fields `é`"
	w.refuses(r, text(10))
	r.End = start / 1000
	w.answers(r, "")

	w.now.Add(3 * day)
	w.must(w.groups.PutRetention(context.Background(), scope, "/new", 1))
	w.refuses(r, text(10))
	w.create("/newer")
	r.Groups = append(r.Groups, "/newer")
	w.refuses(r, text(10))
	r.End = (start + 2*day + 1000) / 1000
	w.answers(r, "")
}

func TestMalformedQueries(t *testing.T) {
	w := newWorld(t)
	w.create("/a")
	w.refuses(hour("fields @message |", "/a"), "unexpected symbol found <EOF> at line 1 and position 17 [17,17)")
	w.refuses(hour("fields é\n| filter = 3", "/a"), "unexpected symbol found = at line 2 and position 9 [18,19)")
	w.refuses(hour(show+strings.Repeat(" ", insights.MaxText), "/a"), "The query has 10031 characters; at most 10000 are allowed.")
	w.answers(hour(show+strings.Repeat(" ", insights.MaxText-len(show)), "/a"), "")
	for _, language := range []string{"KQL"} {
		r := hour(show, "/a")
		r.Language = language
		w.refuses(r, "Queries in the language "+language+" are not supported by this server.")
	}
}

func TestLanguages(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-2: `{"n":1}`, -1: `{"n":2}`})
	ask := func(language, query string, names ...string) insights.StartRequest {
		r := hour(query, names...)
		r.Language = language
		return r
	}
	w.answers(ask(insights.CWLI, "filter n > 1 | fields n", "/a"), "n=2\n")
	w.answers(ask(insights.PPL, "where n > 1 | fields n", "/a"), "n=2\n")
	w.answers(ask(insights.PPL, "source = [lg:`/a`] | where n > 1 | fields n"), "n=2\n")
	w.answers(ask(insights.SQL, "SELECT n FROM `/a` WHERE n > 1"), "n=2\n")
	w.refuses(ask(insights.SQL, "SELECT n FROM `/a`", "/a"), insights.ErrSourceAndGroups.Error())
	w.refuses(ask(insights.SQL, "SELECT n FROM `/none`"), groups.ErrGroupNotFound.Error())
	w.refuses(ask(insights.PPL, "where n > 1"), insights.ErrGroups.Error())
	for _, language := range []string{insights.PPL, insights.SQL} {
		var m *insights.MalformedError
		if _, err := w.Start(context.Background(), scope, ask(language, "where where", "/a")); !errors.As(err, &m) {
			t.Errorf("%s: %v", language, err)
		}
	}
	for _, limit := range []int{-1, insights.MaxRows + 1} {
		r := hour(show, "/a")
		r.Limit = limit
		w.refuses(r, "The limit must be between 1 and 100000.")
	}
}
