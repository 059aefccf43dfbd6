package alarms_test

import (
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/service/alarms"
)

// An alarm that changes between its evaluation and the transaction is evaluated again: its transition and its actions are not
// lost.
func TestChangeMeanwhile(t *testing.T) {
	w := newWorld(t)
	enable := func(name string) {
		if err := w.SetActionsEnabled(ctx, scope, []string{name}, true); err != nil {
			t.Error(err)
		}
	}
	// disabled returns a configuration without actions, which Enable brings back.
	disabled := func(c alarms.Config) alarms.Config {
		c.ActionsEnabled = false
		return c
	}
	w.set("errors", time.Minute, "9")
	w.put("a", disabled(simple()))
	w.points.asked = func() {
		w.points.asked = nil
		enable("a")
	}
	w.at(5 * time.Second)
	w.is("a", alarms.Insufficient)
	w.tick()
	w.is("a", alarms.Alarming)
	if got := w.drain(); got != "a ops ALARM" {
		t.Errorf("actions %q", got)
	}

	// Composite alarms are weighed after the time was asked for twice, for Tick and for another composite alarm.
	w.put("c", disabled(composite("OK(a)")))
	w.put("other", composite("INSUFFICIENT_DATA(a)"))
	w.tick()
	w.is("c", alarms.OK)
	w.is("other", alarms.OK)
	if err := w.SetState(ctx, scope, "a", alarms.OK, "a test", ""); err != nil {
		t.Fatal(err)
	}
	w.drain()
	asked := 0
	w.asked = func() {
		if asked++; asked == 2 {
			w.asked = nil
			enable("c")
		}
	}
	w.tick()
	if w.asked != nil {
		t.Fatal("nothing changed meanwhile")
	}
	w.is("c", alarms.Alarming)
	if got := w.drain(); got != "c ops ALARM" {
		t.Errorf("actions %q", got)
	}
}
