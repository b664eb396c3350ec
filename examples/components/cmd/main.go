// Command components runs the example components in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/components/demo"
	"github.com/coppice-run/coppice/examples/internal/program"
)

func main() { os.Exit(program.Main(demo.Play)) }
