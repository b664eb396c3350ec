package main

//lint:file-ignore SA4006 what the page shows leaves the handling of errors out.

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/console"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

// The code of README.md and docs/guides/console.md that is in no example.

type Words = wordcount.Words

func inOneProcess(ctx context.Context) (total, n int, err error) {
	cluster, err := localcluster.Start(ctx, localcluster.Config{})
	if err != nil {
		return 0, 0, err
	}
	defer cluster.Close()
	words := &Words{}
	err = cluster.Launch(ctx, words, localcluster.LaunchConfig{Tasks: 4})

	acks, err := words.Sentences.Append(ctx, cluster.Client(), "to be or not to be")
	total, _ = words.Total.From(acks)                             // 6
	n, err = words.Counts.Key("be").Get(cluster.Client().At(ctx)) // 2
	return total, n, err
}

func onServers(ctx context.Context) error {
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{"kafka:9092"}})
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{"redis:6379"}})
	if err != nil {
		return err
	}
	defer state.Close()
	return worker.Run(ctx, worker.Config{
		Log: log, Store: state,
		Network:     grpctransport.New(grpctransport.Config{}), // what workers say to each other
		Nominations: log.Group(kafkadepot.GroupConfig{}),       // several workers share the tasks
	}, &Words{})
}

func serveConsole(c *client.Client, allowed func(*http.Request, httpapi.Access) error) error {
	h, err := console.New(console.Config{
		Client:    c,
		Authorize: allowed,                                                      // looks at a.Operation, a.Module, a.Changes
		Who:       func(r *http.Request) string { return r.Header.Get("From") }, // for the audit log
	})
	if err != nil {
		return err
	}
	http.Handle("/", h)
	return nil
}

// What the README says comes out.
func TestTheReadmeCounts(t *testing.T) {
	t.Parallel()
	if total, n, err := inOneProcess(t.Context()); total != 6 || n != 2 || err != nil {
		t.Errorf("%d words, be %d times, %v; want 6 and 2", total, n, err)
	}
}

// The rest compiles, and fails where nothing is.
func TestTheReadmeAgainstNoServers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := onServers(ctx); err == nil {
		t.Error("a worker ran without servers")
	}
	if err := serveConsole(nil, func(*http.Request, httpapi.Access) error { return errors.New("no") }); err == nil {
		t.Error("a console without a client")
	}
}
