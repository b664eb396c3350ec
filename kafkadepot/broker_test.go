package kafkadepot_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/kafkadepot"
)

// startBroker starts a broker in memory, on a network of its own, and returns what reaches it.
func startBroker(t *testing.T) (*kfake.Cluster, kafkadepot.Config) {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(network.Listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return broker, kafkadepot.Config{Brokers: broker.ListenAddrs(), Dialer: network.DialContext}
}

// openLog opens a log until the test ends, if the test has not closed it by then.
func openLog(t *testing.T, config kafkadepot.Config) *kafkadepot.Log {
	t.Helper()
	log, err := kafkadepot.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log
}

// adminOf is an administrator of a broker.
func adminOf(t *testing.T, config kafkadepot.Config) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...), kgo.Dialer(config.Dialer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}
