// Command componentsexact runs the example componentsexact in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/componentsexact/demo"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(demo.Play)) }
