// Command aggregate runs the example aggregate in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/aggregate"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(aggregate.Demo)) }
