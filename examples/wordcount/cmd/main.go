// Command wordcount runs the example wordcount in this process.
package main

import (
	"os"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/examples/wordcount"
)

func main() { os.Exit(program.Main(wordcount.Demo)) }
