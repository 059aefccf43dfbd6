package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/schedules"
)

func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		began := time.Now().UnixMilli()
		start := int64(123)
		p := spec("cron(0 9 * * ? *)", lookBack(60), to("s3://b/p"), func(p *schedules.Spec) { p.Description, p.Zone, p.Start = "d", "Europe/Berlin", &start })
		made, err := w.Create(ctx, scope, "a/b.c#1", p, map[string]string{"k": "v"})
		if err != nil {
			t.Fatal(err)
		}
		want := schedules.Query{ARN: made.ARN, Name: "a/b.c#1", Spec: p, CreatedMS: began, UpdatedMS: began, LastMS: -1}
		want.State = "ENABLED"
		same(t, "created", made, want)
		if !strings.HasPrefix(made.ARN, "arn:aws:logs:us-east-1:000000000000:scheduled-query:") || len(made.ARN) != 52+36 {
			t.Errorf("ARN %s", made.ARN)
		}
		same(t, "by name", w.get("a/b.c#1"), want)
		same(t, "by ARN", w.get(made.ARN), want)
		_, err = w.Create(ctx, scope, "a/b.c#1", p, nil)
		wantErr(t, "name taken", err, schedules.ErrExists)

		w.stop()
		time.Sleep(time.Minute)
		w.open()
		defer func() { w.stop() }()
		same(t, "after a restart", w.get(made.ARN), want)
		next := spec("cron(0 8 * * ? *)", func(p *schedules.Spec) { p.State = "DISABLED" })
		updated, err := w.Update(ctx, scope, made.ARN, next)
		if err != nil {
			t.Fatal(err)
		}
		want.Spec, want.UpdatedMS = next, began+60_000
		same(t, "updated", updated, want)
		same(t, "what was left out is cleared", w.get("a/b.c#1"), want)
		tags, err := w.Tags(ctx, scope, made.ARN)
		if err != nil || cmp.Diff(map[string]string{"k": "v"}, tags) != "" {
			t.Errorf("tags %v, %v", tags, err)
		}

		for what, identifier := range map[string]string{
			"another name": "a", "another kind": scope.LookupTableARN("a"), "unknown id": scope.ScheduledQueryARN("x"),
			"another region": logs.Scope{Account: scope.Account, Region: "eu-west-1"}.ScheduledQueryARN(strings.TrimPrefix(made.ARN, scope.ScheduledQueryARN(""))),
			"no name":        "",
		} {
			_, err := w.Get(ctx, scope, identifier)
			wantErr(t, what, err, schedules.ErrNotFound)
			_, err = w.Update(ctx, scope, identifier, next)
			wantErr(t, what, err, schedules.ErrNotFound)
			wantErr(t, what, w.Delete(ctx, scope, identifier), schedules.ErrNotFound)
			_, err = w.History(ctx, scope, schedules.HistoryRequest{Identifier: identifier})
			wantErr(t, what, err, schedules.ErrNotFound)
		}
		elsewhere := logs.Scope{Account: "111111111111", Region: scope.Region}
		_, err = w.Get(ctx, elsewhere, made.ARN)
		wantErr(t, "from another account", err, schedules.ErrNotFound)
		_, err = w.Get(ctx, elsewhere, "a/b.c#1")
		wantErr(t, "from another account", err, schedules.ErrNotFound)

		if err := w.Delete(ctx, scope, "a/b.c#1"); err != nil {
			t.Fatal(err)
		}
		_, err = w.Get(ctx, scope, made.ARN)
		wantErr(t, "deleted", err, schedules.ErrNotFound)
		if again := w.create("a/b.c#1", p); again.ARN == made.ARN {
			t.Error("an ARN was given twice")
		}
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		f := func(p schedules.Spec, want string) {
			t.Helper()
			_, err := w.Create(ctx, scope, "q", p, nil)
			var e *schedules.ParameterError
			if !errors.As(err, &e) || e.Message != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		const good = "cron(0 9 * * ? *)"
		f(spec("rate(5 minutes)"), "The schedule expression must be of the form cron(minutes hours day-of-month month day-of-week year).")
		f(spec(good, func(p *schedules.Spec) { p.Query = "bad" }), "unexpected symbol found bad at line 1 and position 1 ([1,4])")
		for _, zone := range []string{"Mars/Phobos", "Local", "../etc/passwd"} {
			f(spec(good, func(p *schedules.Spec) { p.Zone = zone }), zone+" is not the name of a time zone.")
		}
		f(spec(good, lookBack(0)), "startTimeOffset must be from 1 to 316224000 seconds.")
		f(spec(good, lookBack(316224001)), "startTimeOffset must be from 1 to 316224000 seconds.")
		for _, until := range []int64{-1, 3600, 3601} {
			f(spec(good, lookBack(3600), lookUntil(until)), "endTimeOffset must not be negative, and less than startTimeOffset.")
		}
		f(spec(good, lookUntil(316224000)), "endTimeOffset must not be negative, and less than startTimeOffset.")
		f(spec(good, to("results/p")), "results/p is not of the form s3://bucket/prefix.")
		f(spec(good, to("s3:///p")), "s3:///p is not of the form s3://bucket/prefix.")
		f(spec(good, func(p *schedules.Spec) {
			start, end := int64(200), int64(200_000)
			p.Start, p.End = &start, &end // both in seconds
			*p.End = 100
		}), "scheduleStartTime must be before scheduleEndTime.")
		_, err := w.Create(ctx, scope, "q", spec(good), map[string]string{"aws:x": ""})
		var e *schedules.ParameterError
		if !errors.As(err, &e) {
			t.Errorf("reserved tag: %v", err)
		}
		w.create("at the limit", spec(good, lookBack(316224000)))
		_, err = w.Update(ctx, scope, "at the limit", spec("x"))
		if !errors.As(err, &e) {
			t.Errorf("update: %v", err)
		}
	})
}

func TestListPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		var all, off []string
		for i := range 60 {
			name := fmt.Sprintf("q%02d", i)
			all = append(all, name)
			w.create(name, spec("cron(0 9 1 1 ? 2100)", func(p *schedules.Spec) {
				if i%3 == 0 {
					p.State = schedules.Disabled
					off = append(off, name)
				}
			}))
		}
		list := func(state string, limit int, want []string, wantPages int) {
			t.Helper()
			var got []string
			var token *string
			for n := 1; ; n++ {
				p, err := w.List(ctx, scope, state, token, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, q := range p.Queries {
					got = append(got, q.Name)
				}
				if p.Next == "" {
					same(t, "pages", n, wantPages)
					break
				}
				token = &p.Next
			}
			same(t, "names", got, want)
		}
		list("", 0, all, 2)
		list("", 1000, all, 1)
		list("", 7, all, 9)
		list(schedules.Disabled, 5, off, 4)
		p, err := w.List(ctx, scope, "", nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.List(ctx, scope, schedules.Enabled, &p.Next, 1)
		wantErr(t, "token of another listing", err, schedules.ErrBadToken)
		bad := "x"
		_, err = w.List(ctx, scope, "", &bad, 1)
		wantErr(t, "no token", err, schedules.ErrBadToken)
	})
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		var work sync.WaitGroup
		for i := range schedules.MaxSchedules {
			work.Go(func() {
				if _, err := w.Create(ctx, scope, fmt.Sprint("q", i), spec("cron(0 9 1 1 ? 2100)"), nil); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		_, err := w.Create(ctx, scope, "more", spec("cron(0 9 1 1 ? 2100)"), nil)
		wantErr(t, "one more", err, schedules.ErrTooMany)
		if _, err := w.Create(ctx, logs.Scope{Account: "111111111111", Region: scope.Region}, "more", spec("cron(0 9 1 1 ? 2100)"), nil); err != nil {
			t.Errorf("in another account: %v", err)
		}
	})
}

func TestHistoryPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		w.create("q", spec("cron(0/10 * * * ? *)", lookBack(60)))
		sleep(10*time.Hour + time.Second)
		second := func(hour int) int64 { return time.Date(2000, 1, 1, hour, 0, 0, 0, time.UTC).Unix() }
		history := func(r schedules.HistoryRequest, want, wantPages int) {
			t.Helper()
			r.Identifier = "q"
			got, last := 0, int64(1<<62)
			for n := 1; ; n++ {
				p, err := w.History(ctx, scope, r)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range p.Runs {
					if x.AtMS >= last || p.Name != "q" || p.ARN != w.get("q").ARN {
						t.Errorf("run %+v after %d", x, last)
					}
					last = x.AtMS
					got++
				}
				if p.Next == "" {
					same(t, "pages", n, wantPages)
					break
				}
				r.Token = &p.Next
			}
			same(t, "runs", got, want)
		}
		history(schedules.HistoryRequest{Start: 0, End: second(24)}, 60, 2)
		history(schedules.HistoryRequest{Start: 0, End: second(24), Limit: 7}, 60, 9)
		history(schedules.HistoryRequest{Start: second(2), End: second(3)}, 7, 1)
		history(schedules.HistoryRequest{Start: second(2)*1000 + 1, End: second(3)*1000 - 1}, 5, 1)
		history(schedules.HistoryRequest{End: second(24), Statuses: []string{"Complete", "Failed"}}, 60, 2)
		history(schedules.HistoryRequest{End: second(24), Statuses: []string{"Failed"}}, 0, 1)

		_, err := w.History(ctx, scope, schedules.HistoryRequest{Identifier: "q", Start: 2, End: 1})
		var e *schedules.ParameterError
		if !errors.As(err, &e) || e.Message != "startTime must not be after endTime." {
			t.Errorf("wrong order: %v", err)
		}
		p, err := w.History(context.Background(), scope, schedules.HistoryRequest{Identifier: "q", End: second(24)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.History(ctx, scope, schedules.HistoryRequest{Identifier: "q", End: second(23), Token: &p.Next})
		wantErr(t, "token of another question", err, schedules.ErrBadToken)
	})
}
