package server

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/logsapi"
	"github.com/cumulog/cumulog/internal/edge/metricsapi"
)

// makeFaults makes the faults that are asked for. A name that is no operation would be a
// fault that never comes, so it is refused.
func (c *components) makeFaults(context.Context) error {
	if len(c.cfg.Faults) == 0 {
		return nil
	}
	built := logsapi.New(logsapi.Services{}).Service().Operations
	metrics := metricsapi.New(metricsapi.Services{}).Service().Operations
	rules := map[string]awshttp.Fault{}
	for _, f := range c.cfg.Faults {
		_, ofLogs := built[f.Operation]
		_, ofMetrics := metrics[f.Operation]
		if !ofLogs && !ofMetrics && f.Operation != config.AnyOperation {
			return fmt.Errorf("--faults: at %d: this server has no operation %q of CloudWatch Logs or CloudWatch", f.At+1, f.Operation)
		}
		rules[f.Operation] = awshttp.Fault{Throttle: f.Throttle, Delay: f.Delay, Empty: f.Empty}
	}
	c.faults = awshttp.NewFaults(rules, rand.NewPCG(rand.Uint64(), rand.Uint64()))
	c.log.Warn("calls fail on purpose", "faults", c.cfg.Faults.String())
	return nil
}
