package worker

import (
	"context"
	"encoding/json"

	"github.com/coppice-run/coppice/runtime"
)

// engineStatus is what the task is at, when it has taken all inputs that are there now.
func (d *driver) engineStatus(ctx context.Context) (runtime.Status, error) {
	taken := make(chan runtime.Status, 1)
	d.mail.put(message{call: func() {
		s := d.engine.Status()
		if s.Running {
			s.TookAt = d.w.now().Add(-s.OwnedFor)
		}
		taken <- s
	}})
	select {
	case s := <-taken:
		return s, nil
	case <-ctx.Done():
		return runtime.Status{}, ctx.Err()
	case <-d.loaded.ctx.Done():
		return runtime.Status{}, errLeaving
	}
}

// status is the same as JSON.
func (d *driver) status(ctx context.Context) (string, error) {
	s, err := d.engineStatus(ctx)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(&s)
	return string(raw), err
}
