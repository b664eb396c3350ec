// Command mirrors runs the example mirrors in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/mirrors"
)

func main() { os.Exit(program.Main(mirrors.Demo)) }
