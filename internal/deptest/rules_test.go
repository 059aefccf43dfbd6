package deptest_test

import (
	"slices"
	"strings"
)

// Layers, lowest first. A package may import its own layer only where allowed below, and every lower one.
const (
	layerNouns = iota
	layerPlatform
	layerEngine
	layerService
	layerEdge
	layerServer
	layerCommand
)

// layerOf places a package (path relative to the module) in a layer; ok is false for packages outside the layers.
func layerOf(pkg string) (layer int, ok bool) {
	for _, p := range []struct {
		prefix string
		layer  int
	}{
		{"internal/logs", layerNouns},
		{"internal/platform/", layerPlatform},
		{"internal/engine/", layerEngine},
		{"internal/service/", layerService},
		{"internal/edge/", layerEdge},
		{"internal/server", layerServer},
		{"internal/config", layerPlatform},
		{"cumulogtest", layerCommand},
		{"cmd/", layerCommand},
	} {
		if pkg == strings.TrimSuffix(p.prefix, "/") || strings.HasPrefix(pkg, strings.TrimSuffix(p.prefix, "/")+"/") {
			return p.layer, true
		}
	}
	return 0, false
}

// serviceOrder: a service may import those before it.
var serviceOrder = []string{
	"access", "objects", "groups", "ingest", "patterns", "events", "explore", "lookups", "fieldindex", "insights", "schedules", "exports",
	"metrics", "metricfilters", "actions", "alarms", "subscriptions", "livetail", "anomalies",
}

// edgeShared are the edge packages that its siblings may import.
var edgeShared = []string{"internal/edge/awsproto", "internal/edge/awshttp", "internal/edge/sigv4"}

// banned maps an import to what to use instead.
var banned = map[string]string{
	"log":                         "log/slog with a logger that was passed in",
	"math/rand":                   "math/rand/v2",
	"io/ioutil":                   "io and os",
	"testing/quick":               "fuzz targets",
	"github.com/stretchr/testify": "testing and go-cmp",
	"github.com/pkg/errors":       "errors and fmt.Errorf with %w",
}

// sdkUsers may import the AWS SDK outside tests: the client of remote stores and the server that hands it credentials, the commands that are clients, the public test
// package that hands out client configurations, and what tests and benchmarks are made of.
var sdkUsers = []string{"internal/platform/objstore", "internal/server", "cmd/cumulog", "cumulogtest", "test/"}

// problem says what is wrong with pkg importing dep (both relative to the module when inside it), or "".
func problem(pkg, dep string) string {
	if why, ok := banned[dep]; ok {
		return "is banned here: use " + why
	}
	if strings.HasPrefix(dep, "github.com/aws/") && !within(pkg, sdkUsers) {
		return "is for tests, objstore and the client commands: server code has its own types"
	}
	if within(pkg, []string{"test/"}) {
		return ""
	}
	if strings.HasSuffix(dep, "test") && dep != pkg && strings.HasPrefix(dep, "internal/") && !strings.HasSuffix(pkg, "test") {
		return "is a test suite: only tests import it"
	}
	from, known := layerOf(pkg)
	to, inside := layerOf(dep)
	if !known || !inside {
		return ""
	}
	switch {
	case dep == "internal/config" && pkg != "internal/config":
		if from < layerServer {
			return "is read by cmd and server only: components take their own Options"
		}
		return ""
	case dep == "internal/server" || strings.HasPrefix(dep, "cmd/"):
		if from < layerCommand {
			return "is the composition root: nothing below it imports it"
		}
		return ""
	case to > from:
		return "is in a higher layer"
	case from == layerNouns && pkg != dep:
		return "cannot be imported by the nouns"
	case from == layerEdge:
		return edgeProblem(pkg, dep, to)
	case from == layerService && to == layerService:
		return serviceProblem(pkg, dep)
	case from == layerEngine && to == layerEngine:
		return engineProblem(pkg, dep)
	}
	return ""
}

func edgeProblem(pkg, dep string, to int) string {
	switch to {
	case layerEngine:
		return "is in the engine: the edge goes through a service"
	case layerPlatform:
		if dep != "internal/platform/telemetry" {
			return "is in the platform: the edge goes through a service"
		}
	case layerEdge:
		if !slices.Contains(edgeShared, dep) && !strings.HasPrefix(dep, pkg+"/") && !strings.HasPrefix(pkg, dep+"/") {
			return "is a sibling: edge packages share only awsproto, awshttp and sigv4"
		}
	}
	return ""
}

func serviceProblem(pkg, dep string) string {
	name := func(p string) string {
		p, _, _ = strings.Cut(strings.TrimPrefix(p, "internal/service/"), "/")
		return p
	}
	a, b := slices.Index(serviceOrder, name(pkg)), slices.Index(serviceOrder, name(dep))
	switch {
	case a < 0:
		return "is imported by a service that has no place in the order of docs/architecture.md"
	case b < 0:
		return "has no place in the order of services of docs/architecture.md"
	case b > a:
		return "comes after it in the order of services"
	}
	return ""
}

func engineProblem(pkg, dep string) string {
	store := func(p string) bool { return strings.HasPrefix(p, "internal/engine/store") }
	query := func(p string) bool { return strings.HasPrefix(p, "internal/engine/query") }
	if store(pkg) && query(dep) || query(pkg) && store(dep) {
		return "must not meet it: a scan takes a function"
	}
	return ""
}

func within(pkg string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return pkg == strings.TrimSuffix(p, "/") || strings.HasPrefix(pkg, strings.TrimSuffix(p, "/")+"/")
	})
}
