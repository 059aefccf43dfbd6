package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/server"
)

func newVerify() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read every byte of a data directory and check it",
		Long: `Reads the catalog, every part and the write-ahead log of a stopped server's data directory and checks every checksum.
It changes nothing, and exits with 1 when something is damaged or missing.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			problems, err := server.Verify(cmd.Context(), dir, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err != nil {
				return explainStart(err)
			}
			if problems > 0 {
				return hinted(fmt.Errorf("%d problems found in %s", problems, dir),
					"keep a copy of the directory before anything else; answers leave damaged blocks out and the server reports them")
			}
			return nil
		},
	}
	bindData(cmd, &dir)
	return cmd
}
