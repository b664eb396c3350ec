package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// remote are the flags of commands that speak to running modules.
type remote struct {
	servers serverOptions
	json    bool
}

// Variables that stand in for --kafka and --redis.
const (
	kafkaVariable = "COPPICE_KAFKA"
	redisVariable = "COPPICE_REDIS"
)

func (r *remote) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.servers.kafka, "kafka", os.Getenv(kafkaVariable), "host:port[,host:port] of Kafka brokers; default $"+kafkaVariable)
	flags.StringVar(&r.servers.redis, "redis", os.Getenv(redisVariable), "host:port of a Redis server, or of the nodes of one cluster, with commas; default $"+redisVariable)
	flags.BoolVar(&r.json, "json", false, "print JSON")
}

// use opens a client on the servers, and closes it after use.
func (r *remote) use(ctx context.Context, do func(*client.Client) error) (err error) {
	if r.servers.kafka == "" || r.servers.redis == "" {
		return fmt.Errorf("say where the module runs: --kafka and --redis, or %s and %s", kafkaVariable, redisVariable)
	}
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: addresses(r.servers.kafka)})
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: addresses(r.servers.redis)})
	if err != nil {
		return err
	}
	defer state.Close()
	if err := errors.Join(log.Check(ctx), state.Check(ctx)); err != nil {
		return err
	}
	c, err := client.New(client.Config{Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{})})
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

// table prints rows in columns.
func table(out io.Writer, header string, rows [][]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(strings.Fields(header), "\t"))
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
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
