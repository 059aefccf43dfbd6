package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/server"
)

func newReset() *cobra.Command {
	var (
		dir string
		yes bool
	)
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Delete everything a stopped server keeps",
		Long: `Deletes all log groups, events, buckets, objects and keys of a data directory, after asking. It refuses while a server runs
on the directory, and leaves files alone that Cumulog did not make.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				fmt.Fprintf(cmd.ErrOrStderr(), "Delete all data in %s? Type yes: ", dir)
				answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
				if strings.TrimSpace(answer) != "yes" {
					if err != nil {
						return hinted(errors.New("nothing was deleted"), "without a terminal, say --yes")
					}
					return errors.New("nothing was deleted")
				}
			}
			if err := server.Reset(cmd.Context(), dir); err != nil {
				return explainStart(err)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is empty\n", dir)
			return err
		},
	}
	bindData(cmd, &dir)
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
