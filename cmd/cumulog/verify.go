package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/server"
)

func newVerify() *cobra.Command {
	var dir string
	var repair, rebuild bool
	scope := logs.Scope{Account: config.Default().Account, Region: config.Default().Region}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read every byte of a data directory and check it",
		Long: `Reads the catalog, every part and the write-ahead log of a stopped server's data directory and checks every checksum.
It changes nothing, and exits with 1 when something is damaged or missing.

--repair writes what can be read of damaged parts to new parts and keeps the damaged files as *.part.damaged.
--rebuild-catalog makes the catalog anew, or completes it, from what parts and log say about themselves. The names of groups
and streams, retention, tags and keys stand in the catalog only: what a lost catalog knew comes back as
recovered/group-ID and stream-ID. Both keep a copy of nothing else: copy the directory first.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rebuild {
				cfg := config.Default()
				cfg.Account, cfg.Region = scope.Account, scope.Region
				if err := cfg.Validate(); err != nil {
					return usageError("%w", err)
				}
				if err := server.RebuildCatalog(cmd.Context(), dir, scope, cmd.OutOrStdout()); err != nil {
					return explainStart(err)
				}
			}
			if repair {
				if err := server.Repair(cmd.Context(), dir, cmd.OutOrStdout()); err != nil {
					return explainStart(err)
				}
			}
			problems, err := server.Verify(cmd.Context(), dir, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err != nil {
				return explainStart(err)
			}
			if problems > 0 {
				return hinted(fmt.Errorf("%d problems found in %s", problems, dir),
					"keep a copy of the directory before anything else; `cumulog verify --repair` moves what can be read of damaged parts to new ones")
			}
			return nil
		},
	}
	bindData(cmd, &dir)
	cmd.Flags().BoolVar(&repair, "repair", false, "write what can be read of damaged parts to new parts, then verify")
	cmd.Flags().BoolVar(&rebuild, "rebuild-catalog", false, "make the catalog anew, or complete it, from parts and log, then verify")
	cmd.Flags().StringVar(&scope.Account, "account", scope.Account, "account of the groups that --rebuild-catalog makes")
	cmd.Flags().StringVar(&scope.Region, "region", scope.Region, "region of the groups that --rebuild-catalog makes")
	return cmd
}
