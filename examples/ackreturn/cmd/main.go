// Command ackreturn runs the example ackreturn in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/ackreturn"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(ackreturn.Demo)) }
