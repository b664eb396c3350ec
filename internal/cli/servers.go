package cli

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/spf13/pflag"

	"github.com/coppice-run/coppice/connect"
	"github.com/coppice-run/coppice/localcluster"
)

// serverOptions say which servers to run on.
type serverOptions struct{ connect.Config }

func (s *serverOptions) register(flags *pflag.FlagSet) {
	own := flag.NewFlagSet("", flag.ContinueOnError)
	s.Register(own)
	flags.AddGoFlagSet(own)
}

// none reports whether everything is in this process.
func (s *serverOptions) none() bool { return len(s.Kafka.Brokers) == 0 && len(s.Redis.Addresses) == 0 }

// complete takes what no flag says from the environment, but not which servers there are.
func (s *serverOptions) complete() error {
	brokers, addresses := s.Kafka.Brokers, s.Redis.Addresses
	err := s.Complete(os.Getenv)
	s.Kafka.Brokers, s.Redis.Addresses = brokers, addresses
	return err
}

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
	if err := s.complete(); err != nil {
		return config, nil, err
	}
	if len(s.Kafka.Brokers) > 0 {
		log, openErr := s.Log(ctx, nil)
		if openErr != nil {
			return config, nil, openErr
		}
		closers = append(closers, log.Close)
		config.Log = log
		err = log.Check(ctx)
	}
	if len(s.Redis.Addresses) > 0 {
		state, openErr := s.Store(ctx, nil)
		if openErr != nil {
			return config, nil, errors.Join(err, openErr)
		}
		closers = append(closers, state.Close)
		config.Store = state
		err = errors.Join(err, state.Check(ctx))
	}
	return config, closeAll, err
}
