// Command payments runs the example payments in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/payments"
)

func main() { os.Exit(program.Main(payments.Demo)) }
