package insights_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/service/insights"
)

func TestDefinitions(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	put := func(d insights.Definition, token string) string {
		t.Helper()
		id, err := w.PutDefinition(ctx, scope, d, token)
		w.must(err)
		return id
	}
	value, what := "ERROR", "the level"
	full := insights.Definition{Name: "team/errors", Query: "filter level = '{{level}}' | limit {{n}}", Groups: []string{"/a", "/b"},
		Parameters: []insights.Parameter{{Name: "level", Default: &value, Description: &what}, {Name: "n"}}}
	full.ID = put(full, "")
	list := func(r insights.DefinitionsRequest) insights.DefinitionsPage {
		t.Helper()
		p, err := w.Definitions(ctx, scope, r)
		w.must(err)
		return p
	}
	want := full
	want.Language, want.ModifiedMS = insights.CWLI, start
	equal(t, "created", list(insights.DefinitionsRequest{}).Definitions, []insights.Definition{want})

	// A replacement keeps nothing of what it does not name.
	w.now.Add(5)
	equal(t, "id after a replacement", put(insights.Definition{ID: full.ID, Name: "team/all", Query: "fields a"}, ""), full.ID)
	equal(t, "replaced", list(insights.DefinitionsRequest{}).Definitions,
		[]insights.Definition{{ID: full.ID, Name: "team/all", Language: insights.CWLI, Query: "fields a", ModifiedMS: start + 5}})

	// One token makes one saved query, for a while.
	token := strings.Repeat("t", 36)
	first := put(insights.Definition{Name: "a", Query: "fields a"}, token)
	equal(t, "same token", put(insights.Definition{Name: "a", Query: "fields a"}, token), first)
	w.now.Add(int64(9 * time.Hour / time.Millisecond))
	if again := put(insights.Definition{Name: "a", Query: "fields a"}, token); again == first {
		t.Errorf("the token stands for %s nine hours later", first)
	}
	put(insights.Definition{Name: "b", Language: insights.PPL, Query: "fields a"}, "")

	names := func(p insights.DefinitionsPage) (out string) {
		for _, d := range p.Definitions {
			out += d.Name + " "
		}
		return out
	}
	equal(t, "all", names(list(insights.DefinitionsRequest{})), "a a b team/all ")
	equal(t, "of a folder", names(list(insights.DefinitionsRequest{Prefix: "team/"})), "team/all ")
	equal(t, "of a language", names(list(insights.DefinitionsRequest{Language: insights.PPL})), "b ")
	page := list(insights.DefinitionsRequest{Limit: 3})
	equal(t, "first page", names(page), "a a b ")
	page2 := list(insights.DefinitionsRequest{Limit: 3, Token: &page.Next})
	equal(t, "second page", names(page2)+page2.Next, "team/all ")
	if _, err := w.Definitions(ctx, scope, insights.DefinitionsRequest{Prefix: "a", Token: &page.Next}); !errors.Is(err, insights.ErrBadToken) {
		t.Errorf("token of another list: %v", err)
	}
	p, err := w.Definitions(ctx, other, insights.DefinitionsRequest{})
	if err != nil || len(p.Definitions) > 0 {
		t.Errorf("elsewhere: %v, %v", p, err)
	}

	for what, err := range map[string]error{
		"delete from elsewhere": w.DeleteDefinition(ctx, other, first),
		"delete what is not":    w.DeleteDefinition(ctx, scope, "none"),
		"delete":                w.DeleteDefinition(ctx, scope, first),
		"delete again":          w.DeleteDefinition(ctx, scope, first),
	} {
		if missing := errors.Is(err, insights.ErrDefinitionNotFound); what != "delete" && what != "delete again" && !missing {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.PutDefinition(ctx, scope, insights.Definition{ID: "none", Name: "a", Query: "fields a"}, ""); !errors.Is(err, insights.ErrDefinitionNotFound) {
		t.Errorf("replace what is not: %v", err)
	}
}

func TestDefinitionsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	refuses := func(d insights.Definition, want string) {
		t.Helper()
		d.Name = "x"
		if _, err := w.PutDefinition(context.Background(), scope, d, ""); err == nil || err.Error() != want {
			t.Errorf("%+v: got %v, want %s", d, err, want)
		}
	}
	p := func(names ...string) (out []insights.Parameter) {
		for _, n := range names {
			out = append(out, insights.Parameter{Name: n})
		}
		return out
	}
	refuses(insights.Definition{Query: "fields a", Groups: make([]string, 51)}, "Too many log groups specified")
	refuses(insights.Definition{Query: "fields {{a}}", Language: insights.SQL, Parameters: p("a")}, "Parameters are only supported for CWLI query language")
	refuses(insights.Definition{Query: "fields {{a}}", Parameters: p("a", "b")}, "Required parameters not found in queryString")
	refuses(insights.Definition{Query: "fields {{a}}", Parameters: p("a", "a")}, "Duplicate parameter name")
	many := insights.Definition{}
	for i := range 21 {
		many.Parameters = append(many.Parameters, insights.Parameter{Name: fmt.Sprintf("p%d", i)})
		many.Query += fmt.Sprintf("{{p%d}}", i)
	}
	refuses(many, "Parameter count exceeds the maximum of 20")
}

func TestDefinitionLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand commits")
	}
	w := newWorld(t)
	errs := make(chan error, insights.MaxDefinitions)
	for i := range insights.MaxDefinitions {
		go func() {
			_, err := w.PutDefinition(context.Background(), scope, insights.Definition{Name: fmt.Sprint(i), Query: "fields a"}, "")
			errs <- err
		}()
	}
	for range insights.MaxDefinitions {
		w.must(<-errs)
	}
	if _, err := w.PutDefinition(context.Background(), scope, insights.Definition{Name: "x", Query: "fields a"}, ""); !errors.Is(err, insights.ErrDefinitionLimit) {
		t.Errorf("one too many: %v", err)
	}
}

func TestCallsOfSavedQueries(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-3: `{"level":"ERROR","n":1}`, -2: `{"level":"INFO","n":2}`, -1: `{"level":"a \"b\"","n":3}`})
	value := "ERROR"
	for name, query := range map[string]string{
		"errors":     "filter level = 'ERROR'",
		"my/level":   "filter level = '{{level}}'",
		"With blank": "filter n >= {{from}}",
		"twice":      "$errors() | fields n",
		"loop":       "$loop",
		"commented":  "filter n > 2 # of the last",
		"bad":        "filter level = = 3",
		"long":       "fields n " + strings.Repeat(" ", 9985),
	} {
		d := insights.Definition{Name: name, Query: query}
		switch name {
		case "my/level":
			d.Parameters = []insights.Parameter{{Name: "level", Default: &value}}
		case "With blank":
			d.Parameters = []insights.Parameter{{Name: "from"}}
		}
		_, err := w.PutDefinition(context.Background(), scope, d, "")
		w.must(err)
	}
	_, err := w.PutDefinition(context.Background(), scope, insights.Definition{Name: "ppl", Language: insights.PPL, Query: "fields a"}, "")
	w.must(err)

	w.answers(hour("$errors() | fields n", "/a"), "n=1\n")
	w.answers(hour("$errors | fields n", "/a"), "n=1\n")
	w.answers(hour("# a comment\n  $twice()", "/a"), "n=1\n")
	w.answers(hour("$my/level() | fields n", "/a"), "n=1\n")
	w.answers(hour(`$my/level( level = "INFO" ) | fields n`, "/a"), "n=2\n")
	w.answers(hour(`$my/level(level='a "b"') | fields n`, "/a"), "n=3\n")
	w.answers(hour("$commented() | fields n", "/a"), "n=3\n")
	w.answers(hour("$`With blank`(from=2) | fields n | sort n", "/a"), "n=2\nn=3\n")

	w.refuses(hour("$none() | fields n", "/a"), "there is no saved query with the name none [0,7)")
	w.refuses(hour(" $ppl() | fields n", "/a"), "the saved query ppl is in the language PPL [1,7)")
	w.refuses(hour("$`With blank`() | fields n", "/a"), "the parameter from of the saved query With blank has no value [0,15)")
	w.refuses(hour("$errors(x=1) | fields n", "/a"), "the saved query errors has no parameter x [0,12)")
	w.refuses(hour("$my/level(level=1, level=2)", "/a"), "the parameter level is given twice [19,26)")
	w.refuses(hour("$my/level(level)", "/a"), "unexpected symbol found ) at line 1 and position 15 [15,16)")
	w.refuses(hour("$my/level(level=\n", "/a"), "unexpected symbol found <EOF> at line 2 and position 0 [17,17)")
	w.refuses(hour("$`x", "/a"), "the name of a saved query has no end [0,3)")
	w.refuses(hour("$ | fields a", "/a"), "the name of a saved query is missing [0,2)")
	w.refuses(hour("$loop()", "/a"), "saved queries call each other more than 5 times [0,7)")
	// Places behind the call are those of the text as it was sent, places in it are the call.
	w.refuses(hour("$errors() | filter = 3", "/a"), "unexpected symbol found = at line 1 and position 19 [19,20)")
	w.refuses(hour("$errors()\n| filter = 3", "/a"), "unexpected symbol found = at line 2 and position 9 [19,20)")
	w.refuses(hour("$bad() | fields n", "/a"), "unexpected symbol found = at line 1 and position 15 [0,6)")
	w.refuses(hour("$long() | limit 1", "/a"), "The query has 10004 characters after saved queries were put in; at most 10000 are allowed.")

	found, err := w.Describe(context.Background(), scope, insights.DescribeRequest{Limit: 1})
	w.must(err)
	if got := found.Queries[0].Text; !strings.HasSuffix(got, "|\n$`With blank`(from=2) | fields n | sort n") {
		t.Errorf("the list shows %q", got)
	}
}

func TestDescribe(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "four"})
	w.put("/b", "s", nil)
	r := hour(show, "/a", "/b")
	r.User = "me"
	var ids []string
	for _, r := range []insights.StartRequest{r, hour(show, "/b"), hour("SOURCE logGroups() | " + show), hour(show, "/a")} {
		id := w.begin(r)
		w.ended(id)
		ids = append(ids, id)
		w.now.Add(1)
	}
	ctx := context.Background()
	list := func(r insights.DescribeRequest) insights.Queries {
		t.Helper()
		q, err := w.Describe(ctx, scope, r)
		w.must(err)
		return q
	}
	which := func(q insights.Queries) (out string) {
		for _, i := range q.Queries {
			for n, id := range ids {
				if id == i.ID {
					out += fmt.Sprint(n)
				}
			}
		}
		return out
	}
	equal(t, "all", which(list(insights.DescribeRequest{})), "3210")
	equal(t, "of a group", which(list(insights.DescribeRequest{Group: "/a"})), "320")
	equal(t, "of a status", which(list(insights.DescribeRequest{Status: insights.Complete})), "3210")
	equal(t, "of another status", which(list(insights.DescribeRequest{Status: insights.Failed})), "")
	equal(t, "of a language", which(list(insights.DescribeRequest{Language: insights.SQL})), "")
	page := list(insights.DescribeRequest{Limit: 3})
	equal(t, "first page", which(page), "321")
	page2 := list(insights.DescribeRequest{Limit: 3, Token: &page.Next})
	equal(t, "second page", which(page2)+page2.Next, "0")
	if _, err := w.Describe(ctx, scope, insights.DescribeRequest{Group: "/a", Token: &page.Next}); !errors.Is(err, insights.ErrBadToken) {
		t.Errorf("token of another list: %v", err)
	}
	all := list(insights.DescribeRequest{}).Queries
	equal(t, "with its own SOURCE", all[1].Text, "SOURCE logGroups() | "+show)
	want := insights.Info{ID: ids[0], Language: insights.CWLI, Text: "SOURCE [\"/a\", \"/b\"] START=-3600s END=0s |\n" + show, Status: insights.Complete,
		Group: "/a", CreatedMS: start, Bytes: 4, User: "me"}
	equal(t, "as it is shown", all[3], want)
	w.answers(hour(all[3].Text), "@message=four\n") // and can be run again

	g, err := w.Groups(ctx, scope, ids[0], nil, 0)
	w.must(err)
	equal(t, "groups", g, insights.GroupsPage{Identifiers: []string{"/a", "/b"}})
	r = hour(show)
	r.Identifiers = []string{scope.GroupARN("/b")}
	g, err = w.Groups(ctx, scope, w.begin(r), nil, 0)
	w.must(err)
	equal(t, "groups by ARN", g.Identifiers, []string{scope.GroupARN("/b")})
}

func TestPagesOfGroups(t *testing.T) {
	w := newWorld(t)
	const n = 120
	errs := make(chan error, n)
	for i := range n {
		go func() {
			errs <- w.groups.Create(context.Background(), scope, groupsNamed(i))
		}()
	}
	for range n {
		w.must(<-errs)
	}
	id := w.begin(hour("SOURCE logGroups(namePrefix: ['/many']) | " + show))
	equal(t, "status", w.ended(id).Status, insights.Complete)
	var token *string
	for _, want := range []int{50, 50, 20} {
		g, err := w.Groups(context.Background(), scope, id, token, 50)
		w.must(err)
		equal(t, "groups of a page", len(g.Identifiers), want)
		token = &g.Next
	}
	equal(t, "token of the last page", *token, "")
}
