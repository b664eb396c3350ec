// Command reach runs the example reach in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/reach"
)

func main() { os.Exit(program.Main(reach.Demo)) }
