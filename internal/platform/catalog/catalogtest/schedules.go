package catalogtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func testSettings(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	g := newGroup(t, db, "g")
	_, err := db.GroupSetting(ctx, g.ID, "a")
	wantErr(t, "none yet", err, catalog.ErrNotFound)
	wantErr(t, "delete none", db.DeleteGroupSetting(ctx, g.ID, "a"), catalog.ErrNotFound)
	ok(t, "put", db.PutGroupSetting(ctx, g.ID, "a", catalog.GroupSetting{Body: "1", UpdatedMS: 5}))
	ok(t, "put again", db.PutGroupSetting(ctx, g.ID, "a", catalog.GroupSetting{Body: "2", UpdatedMS: 6}))
	ok(t, "put another", db.PutGroupSetting(ctx, g.ID, "b", catalog.GroupSetting{Body: "3", UpdatedMS: 7}))
	ok(t, "close", db.Close())
	db = open(t, h)
	same(t, "setting", get[catalog.GroupSetting](t)(db.GroupSetting(ctx, g.ID, "a")), catalog.GroupSetting{Body: "2", UpdatedMS: 6})
	ok(t, "delete", db.DeleteGroupSetting(ctx, g.ID, "a"))
	_, err = db.GroupSetting(ctx, g.ID, "a")
	wantErr(t, "deleted", err, catalog.ErrNotFound)
	ok(t, "delete group", db.DeleteGroup(ctx, g.ID))
	_, err = db.GroupSetting(ctx, g.ID, "b")
	wantErr(t, "of a deleted group", err, catalog.ErrNotFound)
	wantErr(t, "put on a deleted group", db.PutGroupSetting(ctx, g.ID, "a", catalog.GroupSetting{}), catalog.ErrNotFound)
}

func testResourceTags(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	type tags = map[string]string
	of := func(want tags) {
		t.Helper()
		same(t, "tags", get[tags](t)(db.Tags(ctx, "arn:x")), want)
	}
	ok(t, "put", db.PutTags(ctx, "arn:x", tags{"a": "1", "b": "2"}, 2))
	wantErr(t, "one too many", db.PutTags(ctx, "arn:x", tags{"a": "9", "c": "3"}, 2), catalog.ErrTooMany)
	of(tags{"a": "1", "b": "2"})
	ok(t, "remove", db.RemoveTags(ctx, "arn:x", []string{"a", "unknown"}))
	of(tags{"b": "2"})
	ok(t, "replace", db.ReplaceTags(ctx, "arn:x", tags{"z": ""}))
	of(tags{"z": ""})
	ok(t, "clear", db.ReplaceTags(ctx, "arn:x", nil))
	of(tags{})
}

func testSchedules(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	create := func(s logs.Scope, name, state string, due int64, limit int) error {
		return db.CreateSchedule(ctx, catalog.Schedule{ID: "id-" + s.Account + name, Scope: s, Name: name, State: state, CreatedMS: 1, UpdatedMS: 1, DueMS: due,
			Spec: []byte(`{"a":1}`)}, "arn:"+s.Account+name, map[string]string{"k": name}, limit)
	}
	ok(t, "create", create(scope, "b", "ENABLED", 50, 2))
	wantErr(t, "same name", create(scope, "b", "ENABLED", 50, 0), catalog.ErrExists)
	ok(t, "create", create(scope, "a", "DISABLED", -1, 2))
	wantErr(t, "too many", create(scope, "c", "ENABLED", 1, 2), catalog.ErrTooMany)
	ok(t, "another scope", create(other, "b", "ENABLED", 20, 2))

	list := func(state, after string, limit int) []string {
		t.Helper()
		return names(get[[]catalog.Schedule](t)(db.Schedules(ctx, scope, state, after, limit)), func(s catalog.Schedule) string { return s.Name })
	}
	same(t, "by name", list("", "", 9), []string{"a", "b"})
	same(t, "page", list("", "a", 1), []string{"b"})
	same(t, "enabled", list("ENABLED", "", 9), []string{"b"})
	due := func() []string {
		t.Helper()
		return names(get[[]catalog.Schedule](t)(db.DueSchedules(ctx, 9)), func(s catalog.Schedule) string { return fmt.Sprint(s.Scope.Account[:1], s.Name, s.DueMS) })
	}
	same(t, "due", due(), []string{"1b20", "0b50"})

	b := get[catalog.Schedule](t)(db.ScheduleByName(ctx, scope, "b"))
	same(t, "by id", get[catalog.Schedule](t)(db.Schedule(ctx, b.ID)), b)
	_, err := db.ScheduleByName(ctx, other, "a")
	wantErr(t, "of another scope", err, catalog.ErrNotFound)
	begin := func(was catalog.Schedule, at int64) (catalog.ScheduleRun, error) {
		return db.BeginRun(ctx, was, catalog.ScheduleRun{Schedule: was.ID, TriggeredMS: at, Status: "Running", Body: []byte(`{}`)}, at+100)
	}
	r1 := get[catalog.ScheduleRun](t)(begin(b, 50))
	_, err = begin(b, 50)
	wantErr(t, "the same trigger again", err, catalog.ErrConflict)
	b = get[catalog.Schedule](t)(db.Schedule(ctx, b.ID))
	if b.DueMS != 150 || b.LastMS != 50 || b.LastRun != r1.Seq || b.LastStatus != "Running" {
		t.Errorf("schedule %+v", b)
	}
	r2 := get[catalog.ScheduleRun](t)(begin(b, 150))
	r1.Status, r1.Body = "Complete", []byte(`{"q":1}`)
	ok(t, "finish", db.UpdateRun(ctx, r1))
	ok(t, "close", db.Close())
	db = open(t, h)
	same(t, "an older run leaves the status", get[catalog.Schedule](t)(db.Schedule(ctx, b.ID)).LastStatus, "Running")
	runs := func(f catalog.RunFilter) []catalog.ScheduleRun {
		t.Helper()
		return get[[]catalog.ScheduleRun](t)(db.Runs(ctx, b.ID, f))
	}
	same(t, "newest first", runs(catalog.RunFilter{ToMS: 999, Limit: 9}), []catalog.ScheduleRun{r2, r1})
	same(t, "page", runs(catalog.RunFilter{ToMS: 999, Before: r2.Seq, Limit: 9}), []catalog.ScheduleRun{r1})
	same(t, "range", runs(catalog.RunFilter{FromMS: 51, ToMS: 150, Limit: 9}), []catalog.ScheduleRun{r2})
	same(t, "status", runs(catalog.RunFilter{ToMS: 999, Statuses: []string{"Complete", "x"}, Limit: 9}), []catalog.ScheduleRun{r1})
	same(t, "under way", get[[]catalog.ScheduleRun](t)(db.RunsIn(ctx, "Running", 9)), []catalog.ScheduleRun{r2})
	same(t, "forgotten", get[int](t)(db.ForgetRuns(ctx, 150, 9)), 1)
	same(t, "left", runs(catalog.RunFilter{ToMS: 999, Limit: 9}), []catalog.ScheduleRun{r2})
	wantErr(t, "update a run that is gone", db.UpdateRun(ctx, r1), catalog.ErrNotFound)

	b = get[catalog.Schedule](t)(db.Schedule(ctx, b.ID))
	changed := b
	changed.State, changed.UpdatedMS, changed.DueMS, changed.Spec = "DISABLED", 9, -1, []byte(`{}`)
	ok(t, "update", db.UpdateSchedule(ctx, changed))
	_, err = begin(b, 250)
	wantErr(t, "run of what was changed", err, catalog.ErrConflict)
	same(t, "updated", get[catalog.Schedule](t)(db.Schedule(ctx, b.ID)), changed)
	same(t, "due", due(), []string{"1b20"})
	ok(t, "delete", db.DeleteSchedule(ctx, b.ID, "arn:"+scope.Account+"b"))
	wantErr(t, "delete again", db.DeleteSchedule(ctx, b.ID, "x"), catalog.ErrNotFound)
	wantErr(t, "update what is gone", db.UpdateSchedule(ctx, b), catalog.ErrNotFound)
	_, err = begin(b, 250)
	wantErr(t, "run of what is gone", err, catalog.ErrNotFound)
	same(t, "runs", len(runs(catalog.RunFilter{ToMS: 999, Limit: 9})), 0)
	same(t, "tags", len(get[map[string]string](t)(db.Tags(ctx, "arn:"+scope.Account+"b"))), 0)
}
