package main

import (
	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/server"
)

func newInspect() *cobra.Command {
	var dir string
	var blocks bool
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "Show what a data directory holds: catalog, parts, write-ahead log, objects",
		Long:  "Prints groups, parts and write-ahead log files of the data directory of a stopped server, and where the bytes of its parts are: keys, columns, skip indexes. It changes nothing.",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return explainStart(server.Inspect(cmd.Context(), dir, cmd.OutOrStdout(), server.InspectOptions{Blocks: blocks}))
		},
	}
	bindData(cmd, &dir)
	cmd.Flags().BoolVar(&blocks, "blocks", false, "list the blocks of every part too")
	return cmd
}
