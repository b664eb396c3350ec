// Command batch runs the example batch in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/batch"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(batch.Demo)) }
