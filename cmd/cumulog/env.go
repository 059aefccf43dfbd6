package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func newEnv() *cobra.Command {
	var r remote
	var open bool
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print the lines that point a shell's AWS clients at the server",
		Long: `Prints export lines for a POSIX shell. Every AWS SDK since 2023 and the AWS CLI from 1.29 and 2.13 on read AWS_ENDPOINT_URL;
older ones need --endpoint-url. The variable for logs alone is AWS_ENDPOINT_URL_CLOUDWATCH_LOGS, that for metrics, alarms and
dashboards alone is AWS_ENDPOINT_URL_CLOUDWATCH; AWS_ENDPOINT_URL_LOGS and AWS_ENDPOINT_URL_MONITORING are ignored by every client.`,
		Example: `  eval "$(cumulog env)"`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			region := cmp.Or(r.region, "us-east-1")
			// The AWS variables that shall be replaced must not decide what replaces them.
			url := strings.TrimRight(cmp.Or(r.endpoint, os.Getenv("CUMULOG_ENDPOINT"), defaultEndpoint), "/")
			if !isURL(url) {
				return usageError("endpoint %q is not an http or https URL", url)
			}
			for _, line := range environment(url, region, open) {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&r.endpoint, "endpoint", "", "base URL of the server [$CUMULOG_ENDPOINT, else "+defaultEndpoint+"]")
	cmd.Flags().StringVar(&r.region, "region", "", "region to sign for [us-east-1]")
	cmd.Flags().BoolVar(&open, "credentials", true, "print placeholder credentials, which --auth open accepts")
	return cmd
}

// environment is what a shell needs to use the server at url. SDKs put "stream-" before the host of streaming calls, which no
// IP address survives; the last line switches that off where a variable can.
func environment(url, region string, credentials bool) []string {
	lines := []string{
		"export AWS_ENDPOINT_URL=" + quote(url),
		"export AWS_REGION=" + quote(region) + " AWS_DEFAULT_REGION=" + quote(region),
	}
	if credentials {
		lines = append(lines, "export AWS_ACCESS_KEY_ID=cumulog AWS_SECRET_ACCESS_KEY=cumulog")
	}
	return append(lines, "export AWS_DISABLE_HOST_PREFIX_INJECTION=true")
}

// quote makes a word of a POSIX shell that means s and nothing else.
func quote(s string) string {
	plain := s != ""
	for _, c := range []byte(s) {
		plain = plain && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_./:@%+,", c) >= 0)
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
