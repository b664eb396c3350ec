package worker

import (
	"context"
	"encoding/json"

	"github.com/coppice-run/coppice/runtime"
)

// status is what the task is at, as JSON, when it has taken all inputs that are there now.
func (d *driver) status(ctx context.Context) (string, error) {
	var s runtime.Status
	taken := make(chan struct{})
	d.mail.put(message{call: func() {
		s = d.engine.Status()
		close(taken)
	}})
	select {
	case <-taken:
	case <-ctx.Done():
		return "", ctx.Err()
	case <-d.loaded.ctx.Done():
		return "", errLeaving
	}
	raw, err := json.Marshal(&s)
	return string(raw), err
}
