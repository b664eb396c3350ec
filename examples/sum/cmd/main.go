// Command sum runs the example sum in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/sum"
)

func main() { os.Exit(program.Main(sum.Demo)) }
