package discover_test

import (
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/discover"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// TestNeeds: what is found in a message is found only where the message has what
// the name needs.
func TestNeeds(t *testing.T) {
	for _, m := range []string{start, end, report, flow, noData, route53, "2026-11-25T03:04:05.123Z\t8f507cfc-0000-4697-b07a-ac58fc910001\tINFO\t{\"level\":\"x\"}"} {
		names := []string{"@type", "@duration", "@x", "@", "level", "a.b"}
		discover.Fields([]byte(m), func(name []byte, _ *plan.Value) { names = append(names, string(name)) })
		for _, name := range names {
			var a plan.Arena
			if v := discover.Field([]byte(m), name, &a); v.Kind == plan.Null {
				continue
			}
			if text, ok := discover.Needs(name); !ok || !strings.Contains(m, text) {
				t.Errorf("%s of %q needs %q, %v", name, m, text, ok)
			}
		}
	}
	if _, ok := discover.Needs("@unknown"); ok {
		t.Error("@unknown can be found")
	}
}
