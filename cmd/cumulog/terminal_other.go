//go:build !unix

package main

import "os"

// windowWidth does not know the width of a terminal here.
func windowWidth(*os.File) int { return 0 }
