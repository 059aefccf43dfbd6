package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/server"
)

// bindData adds --data for commands that work on a directory without being a server.
func bindData(cmd *cobra.Command, dir *string) {
	initial := os.Getenv(config.EnvName("data"))
	if initial == "" {
		initial = config.Default().Data
	}
	cmd.Flags().StringVar(dir, "data", initial, "data directory [$"+config.EnvName("data")+"]")
}

// explainStart adds what to do about errors that keep a directory or an address from being used.
func explainStart(err error) error {
	switch {
	case errors.Is(err, server.ErrBusy):
		return hinted(err, "stop that server first, or name another directory with --data")
	case errors.Is(err, server.ErrNoKeys):
		return hinted(err, "make one with `cumulog keys create`")
	case errors.Is(err, server.ErrListen):
		return hinted(err, "another program may use the port: name a free one with --listen 127.0.0.1:PORT")
	case errors.Is(err, server.ErrDamagedLog):
		return hinted(err, "restore the file from a copy; or keep what can be read, and lose the rest, with `cumulog serve --salvage`")
	case errors.Is(err, server.ErrNoCatalog):
		return hinted(err, "restore catalog.db from a copy; or make a new one from the events, without the names of groups and streams, with `cumulog verify --rebuild-catalog`")
	case errors.Is(err, server.ErrNoData):
		return hinted(err, "name the directory of a server with --data")
	}
	return err
}
