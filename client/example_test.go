package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/transport"
)

// Words is a module that runs somewhere; its handles are all that a client needs of it.
type Words struct {
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int]
}

func (m *Words) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Sentences, func(*module.Event, string) error { return nil })
}

var (
	ctx     context.Context
	log     depot.Log         // kafkadepot.Open
	state   store.Store       // redisstate.Open
	network transport.Network // grpctransport.New
)

// A client appends to depots and reads PStates of modules that run on the same servers.
func Example() {
	c, err := client.New(client.Config{Log: log, Store: state, Network: network})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	words := &Words{}
	if err := c.Use(ctx, words); err != nil { // it runs, and is declared alike
		panic(err)
	}
	_, err = words.Sentences.Append(ctx, c, "to be or not to be")
	var unknown *client.UnknownError
	if errors.As(err, &unknown) && unknown.Place.Offset >= 0 {
		_, err = c.Await(ctx, unknown.Place) // it is in the depot: how does it end?
	}
	if err != nil {
		panic(err)
	}
	n, err := words.Counts.Key("be").Get(c.At(ctx))
	fmt.Println(n, err)
}

// A watch calls a function again whenever what it has read may have changed.
func ExampleWatch() {
	var c *client.Client
	words := &Words{}
	read := func(r pstate.Reader) (int, error) { return words.Counts.Key("be").Get(r) }
	for change, err := range client.Watch(ctx, c, client.WatchOptions{}, read) {
		if err != nil {
			panic(err)
		}
		fmt.Println(change.Value)
	}
}
