package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/coppice-run/coppice/examples/flights"
	"github.com/coppice-run/coppice/localcluster"
)

// playFlights runs the flights demo and prints its report.
func (o *demoOptions) playFlights(ctx context.Context, out, errs io.Writer) error {
	options := flights.Options{Records: o.records, Launch: o.launch(), Name: o.name("Flights")}
	if o.input != "" {
		file, err := os.Open(o.input)
		if err != nil {
			return fmt.Errorf("--input: %w", err)
		}
		defer file.Close()
		options.Input = file
	}
	return o.onCluster(ctx, func(c *localcluster.Cluster) error {
		progress := newBar(errs, "flights")
		options.Progress = progress.set
		report, err := flights.Run(ctx, c, options)
		progress.end()
		if err != nil {
			return err
		}
		switch {
		case o.plain:
			return report.Plain(out)
		case o.json:
			return report.JSON(out)
		}
		return report.Tables(out)
	})
}

func printJSON(out io.Writer, v any) error {
	return encoded(out, v, "  ", true)
}

// encoded prints something as JSON that does not steer a terminal.
func encoded(out io.Writer, v any, indent string, html bool) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(html)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(legibleJSON(text.Bytes()))
	return err
}
