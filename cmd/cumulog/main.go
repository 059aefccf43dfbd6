// Command cumulog is CloudWatch Logs with S3 export in one process, and the tools around it.
//
// Every command is one file here and stays thin: it reads flags, calls internal/server or the wire API, and prints.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.ExecuteContext(ctx); err != nil {
		return report(errOut, err)
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "cumulog",
		Short: "CloudWatch Logs on your own machine",
		Long: `Cumulog answers the Amazon CloudWatch Logs API (and the S3 calls around exports) from one process and one directory.
Point the AWS CLI or any AWS SDK at it with AWS_ENDPOINT_URL.

  cumulog serve            start the server on 127.0.0.1:4566
  eval "$(cumulog env)"    point this shell's AWS clients at it
  cumulog doctor           find out what is wrong`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("there is no command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError("%w", err) })
	root.AddCommand(
		newServe(), newEnv(), newDoctor(), newReset(), newKeys(), newPut(), newTail(), newQuery(), newTestPattern(), newInspect(), newVerify(), newVersion(),
	)
	return root
}

// exactly checks the number of arguments and names them when they are missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usageError("%s needs %s", cmd.CommandPath(), names[len(args)])
		case len(args) > len(names):
			return usageError("%s takes no argument %q", cmd.CommandPath(), args[len(names)])
		}
		return nil
	}
}
