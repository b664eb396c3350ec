// Command eventtree runs the example eventtree in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/eventtree"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(eventtree.Demo)) }
