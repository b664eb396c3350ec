// Command coppice shows what a module
// does, on real data, in this process or on real servers.
//
//	coppice demo              all departures from New York in January 2013
//	coppice demo --help       the other demos, and what they run on
package main

import (
	"os"

	"github.com/coppice-run/coppice/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
