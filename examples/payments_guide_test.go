package examples_test

import (
	"context"
	"net"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/avrocodec"
	"github.com/coppice-run/coppice/codec/codectest"
	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/codec/protobufcodec"
	"github.com/coppice-run/coppice/codec/registry"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"

	"google.golang.org/protobuf/types/known/timestamppb"

	"testing"
)

// What docs/guides/existing-topics.md shows besides the example.

type Click struct {
	User string
	Page string
}

const clickSchema = `{"type": "record", "name": "Click", "fields": [{"name": "User", "type": "string"}, {"name": "Page", "type": "string"}]}`

type guided struct {
	Raw    module.Topic[[]byte]
	Plain  module.Topic[Click]
	Packed module.Topic[Click]
	Stamps module.Topic[*timestamppb.Timestamp]
	Kept   module.Depot[Click]
	Last   pstate.Map[string, Click]
	Line   module.Object[net.Conn]
}

func (m *guided) Define(b *module.Builder) {
	module.DeclareTopic(b, &m.Raw, "raw", module.Text())                                     // the bytes as they are
	module.DeclareTopic(b, &m.Plain, "clicks")                                               // JSON
	module.DeclareTopic(b, &m.Packed, "packed", module.Codec(msgpackcodec.Codec))            // MessagePack
	module.DeclareTopic(b, &m.Stamps, "stamps", module.Codec(protobufcodec.Codec))           // protocol buffers
	module.HashDepot(b, &m.Kept, "kept", user, module.Codec(avrocodec.MustNew(clickSchema))) // a depot in Avro
	s := b.Stream("clicks")
	s.PState(&m.Last, "last", pstate.Codec(avrocodec.MustNew(clickSchema))) // and a PState
	module.DeclareObject(b, &m.Line, "line", func(ctx context.Context, at module.ObjectPlace) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", "pages:7000")
	}, net.Conn.Close)
	module.DeclareTopicSource(s, m.Plain, func(ev *module.Event, r module.TopicRecord[Click]) error {
		if r.Tombstone {
			return nil
		}
		_, err := m.Line.Of(ev).Write([]byte(r.Value.Page))
		return err
	})
}

func user(c Click) string { return c.User }

func registered(b *module.Builder, m *guided) error {
	schemas, err := registry.Open(registry.Config{URLs: []string{"http://registry:8081"}})
	if err != nil {
		return err
	}
	stamps, err := protobufcodec.Registered(schemas, "stamps-value", stampsProto)
	if err != nil {
		return err
	}
	module.DeclareTopic(b, &m.Stamps, "stamps", module.Codec(stamps))
	return nil
}

const stampsProto = `syntax = "proto3"; import "google/protobuf/timestamp.proto";`

// mine is a codec of one's own, for one type.
var mine = codec.Of("page", func(dst []byte, c *Click) ([]byte, error) { return append(dst, c.Page...), nil },
	func(raw []byte, c *Click) error {
		*c = Click{Page: string(raw)}
		return nil
	})

func TestMine(t *testing.T) {
	codectest.Suite[Click]{Codec: mine, Values: []Click{{Page: "start"}}}.Run(t)
}

func FuzzMine(f *testing.F) {
	codectest.Suite[Click]{Codec: mine, Values: []Click{{Page: "start"}}}.Fuzz(f)
}

// What the guide declares is taken.
func TestTheGuideToTopicsDeclares(t *testing.T) {
	t.Parallel()
	if _, err := module.Compile(&guided{}); err != nil {
		t.Error(err)
	}
	_ = registered
}
