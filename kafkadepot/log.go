package kafkadepot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// Log is a depot.Log on Kafka.
type Log struct {
	config   Config
	producer *kgo.Client
	admin    *kadm.Client
	close    sync.Once
	closed   atomic.Bool
	stale    sync.Map // topics whose name means another one now: the producer must forget them first
}

var _ depot.Log = (*Log)(nil)

// Open makes the clients; it reaches no broker yet, Check does.
func Open(_ context.Context, config Config) (*Log, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	producer, err := kgo.NewClient(config.producing()...)
	if err != nil {
		return nil, fmt.Errorf("kafkadepot: %w", err)
	}
	return &Log{config: config, producer: producer, admin: kadm.NewClient(producer)}, nil
}

// Check tries to reach the brokers. The error names the addresses.
func (l *Log) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.config.CheckTimeout)
	defer cancel()
	if err := l.producer.Ping(ctx); err != nil {
		return l.unreachable(err)
	}
	return nil
}

func (l *Log) unreachable(err error) error {
	if access := l.config.access(err); errors.Is(access, depot.ErrDenied) {
		return fmt.Errorf("brokers %s: %w", l.config.names(), access) // somebody has answered
	}
	return fmt.Errorf("%w: brokers %s: %w", depot.ErrUnreachable, l.config.names(), err)
}

// failed names what was asked of the brokers.
func (l *Log) failed(what string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", what, l.unreachable(err))
	}
	return fmt.Errorf("%s (brokers %s): %w", what, l.config.names(), l.config.access(err))
}

// unless is failed, or nil where nothing failed.
func (l *Log) unless(err error, what string) error {
	if err == nil {
		return nil
	}
	return l.failed(what, err)
}

// Close waits for nothing: appends under way end with an error.
func (l *Log) Close() error {
	l.closed.Store(true)
	l.close.Do(l.producer.Close)
	return nil
}
