package main

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
)

// TestQuestionsCanBeAsked: a question has one way to be asked, which is accepted, and a way to be asked of the peer.
func TestQuestionsCanBeAsked(t *testing.T) {
	for _, q := range questions() {
		ways := 0
		if q.pattern != "" {
			ways++
			if _, err := pattern.Parse(q.pattern); err != nil {
				t.Errorf("%s: %v", q.name, err)
			}
		}
		if q.insights != "" {
			ways++
			if _, err := insightsql.Parse(q.insights); err != nil {
				t.Errorf("%s: %v", q.name, err)
			}
		}
		if q.engine != "" {
			ways++
			if plans(q.engine) == nil {
				t.Errorf("%s: there is no plan %s", q.name, q.engine)
			}
		}
		if ways != 1 || len(q.peer) == 0 || q.sum == nil || len(q.kinds) == 0 {
			t.Errorf("%s can be asked in %d ways, peer %v, kinds %v", q.name, ways, q.peer, q.kinds)
		}
	}
	for _, q := range smallQueries {
		if _, err := insightsql.Parse(q.text); err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
	}
}
