package schedules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/objects"
	"github.com/cumulog/cumulog/internal/service/schedules"
)

// sleep lets time pass, and everything that happens in it happen.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		w.create("q", spec("cron(0/20 * * * ? *)", lookBack(3600)))
		same(t, "before", len(w.runs("q")), 0)
		if q := w.get("q"); q.LastMS != -1 || q.LastStatus != "" {
			t.Errorf("before it ran: %+v", q)
		}
		sleep(61 * time.Minute)
		same(t, "queries", w.queries.started(), []string{
			"[31 23:20, 01 00:20] at 01 00:20:00", "[31 23:40, 01 00:40] at 01 00:40:00", "[01 00:00, 01 01:00] at 01 01:00:00",
		})
		same(t, "history", w.history("q"), []string{"01 01:00 Complete query-3", "01 00:40 Complete query-2", "01 00:20 Complete query-1"})
		if q := w.get("q"); clock(q.LastMS) != "01 01:00" || q.LastStatus != "Complete" {
			t.Errorf("after it ran: %+v", q)
		}
		r := w.queries.all[0]
		if r.scope != scope || r.request.Query != "fields @message" || r.request.Language != "CWLI" || r.request.Identifiers[0] != "app" {
			t.Errorf("request %+v", r)
		}

		// A range may end before the run.
		if _, err := w.Update(ctx, scope, "q", spec("cron(0 3 * * ? *)", lookBack(3600), lookUntil(600))); err != nil {
			t.Fatal(err)
		}
		sleep(2 * time.Hour)
		same(t, "queries", w.queries.started()[3:], []string{"[01 02:00, 01 02:50] at 01 03:00:00"})

		// Every look-back that is not given is the time since the run before.
		_, err := w.Update(ctx, scope, "q", spec("cron(0 6,12 * * ? *)"))
		if err != nil {
			t.Fatal(err)
		}
		sleep(24 * time.Hour)
		same(t, "queries", w.queries.started()[4:], []string{"[31 12:00, 01 06:00] at 01 06:00:00", "[01 06:00, 01 12:00] at 01 12:00:00"})
	})
}

func TestStartAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		day := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC).Unix()
		w.create("bounded", spec("cron(0 0/6 * * ? *)", func(p *schedules.Spec) {
			start, end := day, (day+12*3600)*1000
			p.Start, p.End = &start, &end
		}))
		w.create("off", spec("cron(0 0/6 * * ? *)", func(p *schedules.Spec) { p.State = schedules.Disabled }))
		w.create("zone", spec("cron(30 9 * * ? *)", func(p *schedules.Spec) { p.Zone = "Asia/Tokyo" }))
		sleep(47 * time.Hour)
		same(t, "bounded", w.history("bounded"), []string{"02 12:00 Complete query-5", "02 06:00 Complete query-4", "02 00:00 Complete query-2"})
		same(t, "off", len(w.history("off")), 0)
		same(t, "zone", w.history("zone"), []string{"02 00:30 Complete query-3", "01 00:30 Complete query-1"})

		p := spec("cron(0 0/6 * * ? *)", func(p *schedules.Spec) { p.State = schedules.Enabled })
		if _, err := w.Update(ctx, scope, "off", p); err != nil {
			t.Fatal(err)
		}
		sleep(2 * time.Hour)
		same(t, "on", w.history("off"), []string{"03 00:00 Complete query-6"})
		if err := w.Delete(ctx, scope, "off"); err != nil {
			t.Fatal(err)
		}
		sleep(12 * time.Hour)
		same(t, "deleted", len(w.queries.all), 7) // and zone
	})
}

// After a time of no service there is one run, for the last of the times.
func TestCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.create("q", spec("cron(0/10 * * * ? *)", lookBack(600)))
		w.create("ended", spec("cron(0/10 * * * ? *)", lookBack(600), func(p *schedules.Spec) {
			end := time.Date(2000, 1, 1, 1, 15, 0, 0, time.UTC).Unix()
			p.End = &end
		}))
		sleep(11 * time.Minute)
		w.stop()
		time.Sleep(3*time.Hour - 6*time.Minute)
		w.open()
		defer func() { w.stop() }()
		sleep(time.Second)
		same(t, "at once", w.times("q"), []string{"01 03:00 Complete", "01 00:10 Complete"})
		same(t, "the last time before its end", w.times("ended"), []string{"01 01:10 Complete", "01 00:10 Complete"})
		if started := w.queries.started(); started[3] != "[01 02:50, 01 03:00] at 01 03:05:00" && started[2] != "[01 02:50, 01 03:00] at 01 03:05:00" {
			t.Errorf("started %q", started)
		}
		sleep(5 * time.Minute)
		same(t, "as before", w.history("q")[0], "01 03:10 Complete query-5")
	})
}

func TestRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.queries.wait = time.Hour
		w.queries.outcome.Rows = [][]insights.Cell{{{Name: "a", Value: "1"}}}
		w.create("q", spec("cron(0 0/6 * * ? *)", lookBack(60), to("s3://results/p")))
		sleep(6*time.Hour + time.Minute)
		same(t, "under way", w.history("q"), []string{"01 06:00 Running query-1"})
		same(t, "under way", w.get("q").LastStatus, "Running")
		same(t, "delivery", *w.runs("q")[0].Delivery, schedules.Delivery{URI: "s3://results/p", Status: "IN_PROGRESS"})
		w.stop()
		w.open()
		sleep(time.Minute)
		same(t, "not started again", w.history("q"), []string{"01 06:00 Running query-1"})
		w.stop()
		time.Sleep(2 * time.Hour)
		w.open()
		sleep(time.Second)
		same(t, "ended meanwhile", w.history("q"), []string{"01 06:00 Complete query-1"})
		same(t, "objects", len(w.buckets.objects), 1)

		// Nobody knows the query any more.
		sleep(4*time.Hour + 30*time.Minute)
		w.stop()
		w.queries.all = nil
		w.open()
		sleep(time.Second)
		run := w.runs("q")[0]
		if run.Status != "Failed" || run.Error != "The result could not be read: query does not exist" || run.Delivery.Status != "FAILED" {
			t.Errorf("run %+v, delivery %+v", run, run.Delivery)
		}

		// A run that did not get to its query.
		w.queries.refuse = func(insights.StartRequest) error { return groups.ErrUnavailable }
		w.create("r", spec("cron(0 5 ? * MON *)", lookBack(60)))
		trigger := time.Date(2000, 1, 3, 5, 0, 0, 0, time.UTC)
		sleep(time.Until(trigger) + 5*time.Second)
		same(t, "no query", w.history("r"), []string{"03 05:00 Running"})
		w.stop()
		w.queries.refuse, w.queries.wait = nil, 0
		w.open()
		defer func() { w.stop() }()
		sleep(time.Second)
		run = w.runs("r")[0]
		same(t, "after all", run.Status, "Complete")
		last := w.queries.find(run.QueryID).request
		same(t, "range", clock(last.Start)+" "+clock(last.End), "03 04:59 03 05:00")
	})
}

func TestRunsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		w.create("q", spec("cron(0 * * * ? *)", lookBack(60), to("s3://results")))
		next := func(refuse error, outcome insights.Page) schedules.RunInfo {
			t.Helper()
			w.queries.mu.Lock()
			w.queries.refuse = func(insights.StartRequest) error { return refuse }
			w.queries.outcome = outcome
			w.queries.mu.Unlock()
			sleep(time.Hour)
			run := w.runs("q")[0]
			if run.Delivery.Status != "FAILED" || run.Delivery.Error != "There is no result." || run.Delivery.Object != "" {
				t.Errorf("%v %+v: delivery %+v", refuse, outcome, run.Delivery)
			}
			same(t, "status of the schedule", w.get("q").LastStatus, run.Status)
			return run
		}
		check := func(run schedules.RunInfo, status, text string) {
			t.Helper()
			if run.Status != status || run.Error != text {
				t.Errorf("got %s: %s, want %s: %s", run.Status, run.Error, status, text)
			}
		}
		sleep(time.Minute)
		check(next(&insights.MalformedError{Start: 2, End: 3, Message: "unknown lookup table"}, insights.Page{}), "InvalidQuery", "unknown lookup table ([2,3])")
		check(next(groups.ErrGroupNotFound, insights.Page{}), "InvalidQuery", "A log group of the query does not exist.")
		check(next(insights.ErrClass, insights.Page{}), "InvalidQuery", "Log groups of this log class cannot be queried.")
		check(next(nil, insights.Page{Status: insights.Failed, Reason: "no memory"}), "Failed", "no memory")
		check(next(nil, insights.Page{Status: insights.Timeout, Reason: "too long"}), "Timeout", "too long")
		check(next(nil, insights.Page{Status: insights.Cancelled, Reason: "The query was stopped."}), "Failed", "The query was stopped.")
		n := len(w.queries.all)
		check(next(&insights.ConcurrencyError{Limit: 1}, insights.Page{}), "Failed", "Account maximum query concurrency limit of [1] reached.")
		same(t, "queries", len(w.queries.all), n)
		failures := 3
		w.queries.mu.Lock()
		w.queries.refuse = func(insights.StartRequest) error {
			if failures--; failures >= 0 {
				return errors.New("disk on fire")
			}
			return nil
		}
		w.queries.outcome = insights.Page{}
		w.queries.mu.Unlock()
		sleep(time.Hour)
		if run := w.runs("q")[0]; run.Status != "Complete" || run.Delivery.Status != "COMPLETE" {
			t.Errorf("after trouble that passed: %+v %+v", run, run.Delivery)
		}
	})
}

func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		cell := func(name, value string) insights.Cell { return insights.Cell{Name: name, Value: value} }
		w.queries.outcome = insights.Page{
			Rows:  [][]insights.Cell{{cell("a", "1"), cell("b", "\"x\n")}, {cell("a", "2")}, {}, {cell("a", "4")}, {cell("a", "5")}},
			Stats: insights.Statistics{RecordsMatched: 5, RecordsScanned: 9, BytesScanned: 77},
		}
		w.create("team/err#1", spec("cron(0 12 * * ? *)", lookBack(3600), to("s3://results/daily/q/")))
		w.create("missing", spec("cron(0 12 * * ? *)", to("s3://nowhere/p")))
		w.create("none", spec("cron(0 12 * * ? *)"))
		w.create("empty", spec("cron(0 11 * * ? *)", to("s3://results")))
		sleep(13 * time.Hour)

		run := w.runs("team/err#1")[0]
		key := "daily/q/team-err-1/20000101T120000Z-" + run.QueryID + ".json"
		same(t, "delivery", *run.Delivery, schedules.Delivery{URI: "s3://results/daily/q/", Status: "COMPLETE", Object: "s3://results/" + key})
		var got struct {
			ScheduledQueryArn, ScheduledQueryName, QueryID, QueryLanguage, QueryString, Status string
			LogGroupIdentifiers                                                                []string
			TriggeredTimestamp, StartTime, EndTime                                             int64
			Statistics                                                                         struct{ RecordsMatched, RecordsScanned, BytesScanned int64 }
			Results                                                                            [][]struct{ Field, Value string }
		}
		if err := json.Unmarshal([]byte(w.buckets.objects[key]), &got); err != nil {
			t.Fatalf("%s: %v", w.buckets.objects[key], err)
		}
		text := fmt.Sprintf("%+v", got)
		noon := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC).UnixMilli()
		want := fmt.Sprintf("{ScheduledQueryArn:%s ScheduledQueryName:team/err#1 QueryID:%s QueryLanguage:CWLI QueryString:fields @message Status:Complete LogGroupIdentifiers:[app] TriggeredTimestamp:%d StartTime:%d EndTime:%d "+
			"Statistics:{RecordsMatched:5 RecordsScanned:9 BytesScanned:77} Results:[[{Field:a Value:1} {Field:b Value:\"x\n}] [{Field:a Value:2}] [] [{Field:a Value:4}] [{Field:a Value:5}]]}",
			w.get("team/err#1").ARN, run.QueryID, noon, noon-3600_000, noon)
		same(t, "object", text, want)

		missing := w.runs("missing")[0]
		same(t, "status", missing.Status, "Complete")
		same(t, "no bucket", *missing.Delivery, schedules.Delivery{URI: "s3://nowhere/p", Status: "CLIENT_ERROR", Error: "The bucket does not exist."})
		if d := w.runs("none")[0].Delivery; d != nil {
			t.Errorf("delivery %+v without a destination", d)
		}

		fail := func(after int, err error) schedules.Delivery {
			t.Helper()
			w.buckets.mu.Lock()
			w.buckets.fail = func(string, string) error {
				if after--; after < 0 {
					return nil
				}
				return err
			}
			w.buckets.mu.Unlock()
			sleep(24 * time.Hour)
			return *w.runs("empty")[0].Delivery
		}
		same(t, "denied", fail(1, objects.ErrAccessDenied), schedules.Delivery{URI: "s3://results", Status: "CLIENT_ERROR", Error: "Access to the bucket is denied."})
		same(t, "bad key", fail(1, objects.ErrKeyTooLong).Error, "The prefix and the name of the scheduled query make no key that an object can have.")
		if d := fail(100, errors.New("disk on fire")); d.Status != "FAILED" || !strings.Contains(d.Error, "disk on fire") {
			t.Errorf("trouble: %+v", d)
		}
		if d := fail(3, errors.New("disk on fire")); d.Status != "COMPLETE" || d.Error != "" || !strings.HasPrefix(d.Object, "s3://results/empty/") {
			t.Errorf("trouble that passed: %+v", d)
		}
	})
}

func TestFewRunsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.stop()
		w.open(func(o *schedules.Options) { o.Tune(2) })
		defer func() { w.stop() }()
		w.queries.wait = 10 * time.Minute
		for i := range 5 {
			w.create(fmt.Sprint("q", i), spec("cron(0 1 * * ? *)", lookBack(60)))
		}
		sleep(65 * time.Minute)
		same(t, "at first", len(w.queries.started()), 2)
		sleep(10 * time.Minute)
		same(t, "later", len(w.queries.started()), 4)
		sleep(30 * time.Minute)
		for i := range 5 {
			same(t, "run", w.history(fmt.Sprint("q", i))[0][:17], "01 01:00 Complete")
		}
	})
}

func TestHistoryIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.stop()
		w.open(func(o *schedules.Options) { o.TuneLook(6 * time.Hour) })
		defer func() { w.stop() }()
		w.create("q", spec("cron(0 12 * * ? *)", lookBack(60)))
		sleep(40 * 24 * time.Hour)
		same(t, "runs of 30 days", len(w.runs("q")), 30)
		row, err := w.db.ScheduleByName(ctx, scope, "q")
		if err != nil {
			t.Fatal(err)
		}
		n, err := w.db.ForgetRuns(ctx, time.Now().Add(-30*24*time.Hour).UnixMilli(), 1000)
		if err != nil || n > 1 || row.LastRun != 40 {
			t.Errorf("%d old runs were left, %v; %d runs", n, err, row.LastRun)
		}
	})
}
