package events_test

import (
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func openEngine(_ *testing.T, _ *catalog.DB, _ func() time.Time) engine {
	return &oracle{events: map[logs.GroupID][]logs.Event{}}
}
