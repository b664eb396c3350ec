package client

import (
	"context"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/transport"
)

// statusLink answers every question with the same status.
type statusLink struct {
	transport.Link
	status string
}

func (l statusLink) Call(context.Context, string, []byte) ([]byte, error) {
	return wire.AppendAnswer(nil, &wire.Answer{Text: l.status}), nil
}

// A worker of a version that does not tell what is paused may hold a topology.
func TestHeldGoesByWhatWorkersTell(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{`{}`: true, `{"Paused":[]}`: false, `{"Paused":["other"]}`: false, `{"Paused":["t"]}`: true} {
		c := &Client{link: statusLink{status: status}}
		c.config.AwaitTimeout = workerTimeout
		c.open, c.close = context.WithCancel(t.Context())
		b := &bound{name: "m", tasks: 1, owners: []string{"w"}}
		if held, err := c.held(t.Context(), b, &module.StreamPlan{Name: "t"}); err != nil || held != want {
			t.Errorf("%s: held %v, %v", status, held, err)
		}
		c.close()
	}
}
