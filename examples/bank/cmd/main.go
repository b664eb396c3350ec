// Command bank runs the example bank in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/bank/demo"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(demo.Play)) }
