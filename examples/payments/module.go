// Package payments reads a topic that another program writes, in Avro with a registry of
// schemas, and writes one that others read: what is left of each account.
package payments

import (
	"cmp"
	"errors"
	"strconv"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/avrocodec"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Payment is what the module wants to know of a payment.
type Payment struct {
	Account string `avro:"account"`
	Cents   int64  `avro:"cents"`
}

// Schema is that of Payment: what the topic's own schema has besides is left out.
const Schema = `{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
	{"name": "account", "type": "string"},
	{"name": "cents", "type": "long"}]}`

// Balance is what is left of an account, for others.
type Balance struct {
	Account string
	Cents   int64
}

// Module is the example.
type Module struct {
	Name    string        // of the module, and of its topics with something behind; default Payments
	Schemas codec.Schemas // the registry that the topic's writers use

	Payments module.Topic[Payment] // others write it
	Balances module.Topic[Balance] // others read it; compacted, by account
	Cents    pstate.Map[string, int64]

	pay module.Step[Payment]
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Payments") }

func (m *Module) paymentsTopic() string { return m.ModuleName() + ".payments" }
func (m *Module) balancesTopic() string { return m.ModuleName() + ".balances" }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.DeclareTopic(b, &m.Payments, m.paymentsTopic(), module.Codec(m.payments()))
	module.DeclareKeyedTopic(b, &m.Balances, m.balancesTopic(), func(v Balance) string { return v.Account })

	s := b.Microbatch("pay")
	s.PState(&m.Cents, "cents")
	module.DeclareStep(s, &m.pay, "pay", module.At(&m.Cents, func(p Payment) string { return p.Account }), m.onPay)
	module.DeclareTopicSource(s, m.Payments, m.onPayment, module.StartFromBeginning())
}

// payments is how payments are stored; where the registry is not known, as for a client
// that only reads the state, without one.
func (m *Module) payments() codec.Codec {
	c, err := avrocodec.Registered(m.Schemas, "", Schema)
	if err != nil {
		return avrocodec.MustNew(Schema)
	}
	return c
}

// onPayment runs on the task that has the topic's partition, which says nothing of where
// the account is.
func (m *Module) onPayment(ev *module.Event, r module.TopicRecord[Payment]) error {
	if r.Tombstone {
		return module.Park(errors.New("a payment is not deleted"))
	}
	if test, _ := r.Header("test"); string(test) == "true" {
		return nil
	}
	m.pay.Send(ev, r.Value) // to the task that keeps the account
	return nil
}

func (m *Module) onPay(ev *module.Event, p Payment) error {
	var left int64
	m.Cents.Key(p.Account).Update(ev, func(n int64) int64 {
		left = n + p.Cents
		return left
	})
	m.Balances.EmitRecord(ev, module.TopicRecord[Balance]{
		Key:       []byte(p.Account),
		Value:     Balance{p.Account, left},
		Tombstone: left == 0, // a compacted topic forgets the account
		Headers:   []module.Header{{Key: "microbatch", Value: strconv.AppendUint(nil, ev.MicrobatchID(), 10)}},
	})
	return nil
}
