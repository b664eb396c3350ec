// Command first is the module of the guide docs/guides/first.md.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if len(os.Args) == 3 { // the addresses of Kafka and Redis
		err = serve(ctx, os.Args[1], os.Args[2])
	} else {
		err = try(ctx, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// try runs the module in this process, and uses it.
func try(ctx context.Context, out io.Writer) error {
	cluster, err := localcluster.Start(ctx, localcluster.Config{})
	if err != nil {
		return err
	}
	defer cluster.Close()
	visits := &Visits{}
	if err := cluster.Launch(ctx, visits, localcluster.LaunchConfig{Tasks: 4}); err != nil {
		return err
	}
	for _, v := range []Visit{{"home", "ann"}, {"home", "bob"}, {"news", "ann"}} {
		acks, err := visits.Visits.Append(ctx, cluster.Client(), v)
		if err != nil {
			return err
		}
		count, _ := visits.Count.From(acks)
		fmt.Fprintf(out, "%s looks at %s: visit number %d\n", v.Who, v.Page, count)
	}
	for page, err := range visits.Seen.Key("ann").Range(cluster.Client().At(ctx), pstate.All[string]()) {
		if err != nil {
			return err
		}
		fmt.Fprintln(out, "ann has seen", page)
	}
	return nil
}

// serve runs a worker of the module on real servers, until it is interrupted.
func serve(ctx context.Context, kafka, redis string) error {
	depots, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{kafka}})
	if err != nil {
		return err
	}
	defer depots.Close()
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{redis}})
	if err != nil {
		return err
	}
	defer state.Close()
	return worker.Run(ctx, worker.Config{
		Log: depots, Store: state,
		Network:     grpctransport.New(grpctransport.Config{}), // what workers say to each other
		Nominations: depots.Group(kafkadepot.GroupConfig{}),    // they share the tasks
	}, &Visits{})
}
