package payments

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/avrocodec"
	"github.com/coppice-run/coppice/codec/registry"
	"github.com/coppice-run/coppice/codec/registry/registrytest"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// theirs is a payment as its writer has it: it knows more than the module wants.
type theirs struct {
	Account string `avro:"account"`
	Cents   int32  `avro:"cents"`
	Shop    string `avro:"shop"`
}

const theirSchema = `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
	{"name": "account", "type": "string"},
	{"name": "cents", "type": "int"},
	{"name": "shop", "type": "string"}]}`

// Demo has another program write payments, and prints what the module makes of them.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	server := registrytest.New()
	defer server.Close()
	schemas, err := registry.Open(registry.Config{URLs: []string{server.URL()}})
	if err != nil {
		return err
	}
	m := &Module{Name: name, Schemas: schemas}
	if err := c.MakeTopic(ctx, m.paymentsTopic(), 3); err != nil {
		return err
	}
	if err := c.MakeTopic(ctx, m.balancesTopic(), 2); err != nil {
		return err
	}
	if err := c.Launch(ctx, m, launch); err != nil {
		return err
	}
	written, err := m.write(ctx, c, schemas)
	if err != nil {
		return err
	}
	if err := c.Client().WaitMicrobatches(ctx, m.ModuleName(), "pay", written); err != nil {
		return err
	}
	for _, account := range []string{"ada", "bob", "cyd"} {
		cents, err := m.Cents.Key(account).Get(c.Client().At(ctx))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has %d cents\n", account, cents)
	}
	parked, err := c.Client().Parked(ctx, m.ModuleName())
	if err != nil {
		return err
	}
	for _, p := range parked {
		fmt.Fprintf(out, "parked, with the key %s: %q\n", p.Key, p.Value)
	}
	return m.printBalances(ctx, c, out)
}

// write is the other program: it chooses partitions as it likes.
func (m *Module) write(ctx context.Context, c *localcluster.Cluster, schemas codec.Schemas) (written int64, err error) {
	writing, err := avrocodec.Registered(schemas, m.paymentsTopic()+"-value", theirSchema)
	if err != nil {
		return 0, err
	}
	for i, p := range []theirs{{"ada", 500, "north"}, {"bob", 300, "south"}, {"ada", -200, "south"}, {"cyd", 900, "north"}, {"bob", -300, "north"}} {
		raw, err := writing.Append(nil, &p)
		if err != nil {
			return 0, err
		}
		r := depot.Record{Key: []byte(p.Account), Value: raw, Headers: []depot.Header{{Key: "test", Value: []byte(fmt.Sprint(p.Account == "cyd"))}}}
		if err := put(ctx, c, m.paymentsTopic(), int32(i%3), r); err != nil {
			return 0, err
		}
		written++
	}
	return written + 1, put(ctx, c, m.paymentsTopic(), 0, depot.Record{Key: []byte("eve"), Value: []byte("a payment?")})
}

func put(ctx context.Context, c *localcluster.Cluster, topic string, partition int32, r depot.Record) error {
	done := make(chan error, 1)
	c.Log().Append(ctx, topic, partition, r, depot.Replicated, func(_ int64, err error) { done <- err })
	return <-done
}

// printBalances reads what others find in the topic of balances: the last record of each key.
func (m *Module) printBalances(ctx context.Context, c *localcluster.Cluster, out io.Writer) error {
	reader, err := c.Log().CommittedReader(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	var at []depot.Position
	for p := range int32(2) {
		at = append(at, depot.Position{Topic: m.balancesTopic(), Partition: p, LeaderEpoch: -1})
	}
	if err := reader.Assign(at...); err != nil {
		return err
	}
	last := map[string]string{}
	for records := 0; records < 4; { // one for each payment that counts
		err := reader.Poll(ctx, 0, func(d depot.Delivery) {
			for _, r := range d.Records {
				records++
				last[string(r.Key)] = balanceOf(r)
			}
		})
		if err != nil {
			return err
		}
	}
	var lines []string
	for key, text := range last {
		lines = append(lines, key+": "+text)
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return nil
}

func balanceOf(r depot.Record) string {
	if r.Value == nil {
		return "deleted"
	}
	var v Balance
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d cents", v.Cents)
}

var _ module.Module = (*Module)(nil)
