package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/server"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Create, list and delete access keys",
		Long: `Access keys are what --auth required checks signatures against. The commands work on the data directory of a stopped server,
and through the running server of this machine when it holds the directory.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("keys knows create, list and delete, not %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysCreate(), newKeysList(), newKeysDelete())
	return cmd
}

func newKeysCreate() *cobra.Command {
	var dir, account, description string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an access key and print it as export lines",
		Long:  "Makes an access key. The secret is printed once, now; it cannot be shown again.",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := server.OpenKeys(cmd.Context(), dir)
			if err != nil {
				return explainStart(err)
			}
			defer keys.Close()
			k, err := keys.Create(cmd.Context(), account, description)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", k.ID, k.Secret)
			return err
		},
	}
	bindData(cmd, &dir)
	cmd.Flags().StringVar(&account, "account", config.Default().Account, "account the key acts for")
	cmd.Flags().StringVar(&description, "description", "", "note shown by `cumulog keys list`")
	return cmd
}

func newKeysList() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List access keys, without their secrets",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := server.OpenExistingKeys(cmd.Context(), dir)
			if err != nil {
				return explainStart(err)
			}
			defer keys.Close()
			all, err := keys.List(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
			fmt.Fprintln(w, "KEY\tACCOUNT\tCREATED\tDESCRIPTION")
			for _, k := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.Account, k.Created.UTC().Format("2006-01-02 15:04:05Z"), k.Description)
			}
			return w.Flush()
		},
	}
	bindData(cmd, &dir)
	return cmd
}

func newKeysDelete() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "delete KEY",
		Short: "Delete an access key; requests signed with it are refused from then on",
		Args:  exactly("an access key id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := server.OpenExistingKeys(cmd.Context(), dir)
			if err != nil {
				return explainStart(err)
			}
			defer keys.Close()
			if err := keys.Delete(cmd.Context(), args[0]); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "deleted %s\n", args[0])
			return err
		},
	}
	bindData(cmd, &dir)
	return cmd
}
