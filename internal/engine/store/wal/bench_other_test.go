//go:build !unix

package wal

import "time"

func cpuTime() time.Duration { return 0 }
