package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/platform/telemetry"
	"github.com/cumulog/cumulog/internal/server"
)

// gcPercent is below Go's 100 because most of the heap is message bytes, which cost the collector nothing to mark: measured while
// ingesting 1 MB batches, it takes a third off the peak memory for at most a tenth more CPU.
const gcPercent = 40

func newServe() *cobra.Command {
	cfg := config.Default()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the server",
		Long: `Starts the server and runs until SIGINT or SIGTERM, which let running requests end.

On a loopback address any credentials are accepted (--auth open). On any other address the server starts only with
--auth required and at least one key (cumulog keys create).
Every flag can be given as an environment variable, shown in brackets, or in the file of --config; flags win over
variables, variables over the file.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := load(&cfg, cmd); err != nil {
				return err
			}
			logger, err := telemetry.NewLogger(cmd.ErrOrStderr(), cfg.LogLevel, cfg.LogFormat)
			if err != nil {
				return err
			}
			if os.Getenv("GOMEMLIMIT") == "" {
				debug.SetMemoryLimit(int64(cfg.Memory))
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			s, err := server.Open(cmd.Context(), server.Options{Config: cfg, Logger: logger, Version: version()})
			if err != nil {
				return explainStart(err)
			}
			banner(cmd.OutOrStdout(), s.URL(), cfg)
			ctx, stop := context.WithCancel(cmd.Context())
			var trimming sync.WaitGroup
			trimming.Go(func() { trimMemory(ctx) })
			defer trimming.Wait()
			defer stop()
			return s.Run(ctx)
		},
	}
	cfg.Bind(cmd.Flags())
	return cmd
}

// load completes and checks a configuration bound to cmd's flags.
func load(cfg *config.Config, cmd *cobra.Command) error {
	if err := cfg.Load(cmd.Flags(), config.Source{Getenv: os.Getenv, ReadFile: os.ReadFile}); err != nil {
		return usageError("%w", err)
	}
	if err := cfg.Validate(); err != nil {
		return usageError("%w", err)
	}
	return nil
}

// banner prints what to paste to use the server that just started.
func banner(w io.Writer, url string, cfg config.Config) {
	fmt.Fprintf(w, "Cumulog %s answers at %s, data in %s\n\n", version(), url, cfg.Data)
	fmt.Fprintln(w, "AWS CLI and SDKs (paste into a shell):")
	for _, line := range environment(url, cfg.Region, cfg.Auth == config.AuthOpen) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	fmt.Fprintln(w, "Then: aws logs create-log-group --log-group-name my-log-group")
	fmt.Fprintf(w, "boto3 without variables: boto3.client(\"logs\", endpoint_url=%q, region_name=%q, …)\n\n", url, cfg.Region)
}
