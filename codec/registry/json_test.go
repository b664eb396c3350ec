package registry_test

import (
	"testing"

	"github.com/coppice-run/coppice/codec/codectest"
	"github.com/coppice-run/coppice/codec/registry"
	"github.com/coppice-run/coppice/codec/registry/registrytest"
)

type payment struct {
	Account string
	Cents   int
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := registrytest.Start(t)
	schemas, err := registry.Open(registry.Config{URLs: []string{server.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := registry.JSON(schemas, "payments-value", `{"type": "object"}`)
	if err != nil {
		t.Fatal(err)
	}
	codectest.Suite[payment]{Codec: c, Values: []payment{{"a", 1}}}.Run(t)
	if raw, err := c.Append(nil, &payment{"a", 1}); err != nil || string(raw) != "\x00\x00\x00\x00\x01"+`{"Account":"a","Cents":1}` {
		t.Errorf("stored as %q, %v", raw, err)
	}
	if server.Requests() != 1 {
		t.Errorf("%d questions, want 1", server.Requests())
	}
}
