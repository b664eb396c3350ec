package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/redisstate"
)

// serverOptions say which servers to run on.
type serverOptions struct{ kafka, redis string }

func (s *serverOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.kafka, "kafka", "", "host:port[,host:port] of Kafka brokers")
	flags.StringVar(&s.redis, "redis", "", "host:port of a Redis server, or of the nodes of one cluster, with commas")
}

// none reports whether everything is in this process.
func (s *serverOptions) none() bool { return s.kafka == "" && s.redis == "" }

// open connects to the servers that are named; what is not named is in memory.
// The servers are reached before anything is started, and an error says which
// one was not.
func (s *serverOptions) open(ctx context.Context) (config localcluster.Config, release func(), err error) {
	var closers []func() error
	closeAll := func() {
		for _, c := range closers {
			_ = c() // everything that it did is done
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	if s.kafka != "" {
		log, openErr := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: addresses(s.kafka)})
		if openErr != nil {
			return config, nil, openErr
		}
		closers = append(closers, log.Close)
		config.Log = log
		err = log.Check(ctx)
	}
	if s.redis != "" {
		state, openErr := redisstate.Open(ctx, redisstate.Config{Addresses: addresses(s.redis)})
		if openErr != nil {
			return config, nil, errors.Join(err, openErr)
		}
		closers = append(closers, state.Close)
		config.Store = state
		err = errors.Join(err, state.Check(ctx))
	}
	return config, closeAll, err
}

func addresses(list string) []string {
	var out []string
	for a := range strings.SplitSeq(list, ",") {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	return out
}
