// Command basic runs the example basic in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/basic"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(basic.Demo)) }
