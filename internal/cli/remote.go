package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/depot"
)

// remote are the flags of commands that speak to running modules.
type remote struct {
	servers serverOptions
	json    bool
}

func (r *remote) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	r.servers.register(flags)
	flags.BoolVar(&r.json, "json", false, "print JSON")
}

// use opens a client on the servers, and closes it after use.
func (r *remote) use(ctx context.Context, do func(*client.Client) error) error {
	return r.useLog(ctx, func(c *client.Client, _ depot.Log) error { return do(c) })
}

// useLog is use for who asks the log itself, too.
func (r *remote) useLog(ctx context.Context, do func(*client.Client, depot.Log) error) error {
	servers := &r.servers
	if err := servers.Complete(os.Getenv); err != nil {
		return err
	}
	if len(servers.Kafka.Brokers) == 0 || len(servers.Redis.Addresses) == 0 {
		return fmt.Errorf("say where the module runs: --kafka and --redis, or %s and %s", connect.Variable("kafka"), connect.Variable("redis"))
	}
	log, err := servers.Log(ctx, nil)
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := servers.Store(ctx, nil)
	if err != nil {
		return err
	}
	defer state.Close()
	network, err := servers.Network(nil)
	if err != nil {
		return err
	}
	if err := errors.Join(log.Check(ctx), state.Check(ctx)); err != nil {
		return err
	}
	c, err := client.New(client.Config{Log: log, Store: state, Network: network})
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c, log)
}

// table prints rows in columns, each on a line of its own whatever is in it.
func table(out io.Writer, header string, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	in := header[:len(header)-len(strings.TrimLeft(header, " "))]
	fmt.Fprintln(w, in+strings.Join(strings.Fields(header), "\t"))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = legible(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// legible writes what would steer a terminal, or break a line, as escapes: values and errors
// are whatever somebody has appended.
func legible(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, steers) {
		return text
	}
	var out strings.Builder
	for _, r := range text { // a byte that is no UTF-8 is U+FFFD here
		if steers(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// legibleLines is legible of each line: errors that are several stand on a line each, those of
// flags and commands with a tab before what may be meant.
func legibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		said := strings.TrimLeft(line, "\t")
		lines[i] = line[:len(line)-len(said)] + legible(said)
	}
	return strings.Join(lines, "\n")
}

// legibleJSON writes what would steer a terminal as escapes of JSON: it stays JSON, and means the
// same. Encoders write those below a space so; others are theirs to write as they are.
func legibleJSON(raw []byte) []byte {
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return []byte(legible(string(raw)))
	}
	if !bytes.ContainsFunc(raw, steersJSON) {
		return raw
	}
	var out []byte
	for _, r := range string(raw) {
		if steersJSON(r) {
			out = fmt.Appendf(out, "\\u%04x", r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// steersJSON is steers where the gaps between JSON's words are no texts.
func steersJSON(r rune) bool { return r >= ' ' && steers(r) }

// steers reports whether a rune does something to a terminal rather than to be seen: controls,
// and what turns the direction of writing.
func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// list prints things as JSON, or as a table.
func list[T any](r *remote, out io.Writer, things []T, none, header string, row func(T) []string) error {
	if r.json {
		if things == nil {
			things = []T{}
		}
		return printJSON(out, things)
	}
	if len(things) == 0 {
		_, err := fmt.Fprintln(out, none)
		return err
	}
	rows := make([][]string, len(things))
	for i, t := range things {
		rows[i] = row(t)
	}
	return table(out, header, rows)
}
