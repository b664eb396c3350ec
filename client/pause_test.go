package client

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
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
		if held, err := c.held(t.Context(), b, &module.StreamPlan{Name: "t"}, nil); err != nil || held != want {
			t.Errorf("%s: held %v, %v", status, held, err)
		}
		c.close()
	}
}

// Tasks that do not answer do not keep whoever pauses a topology for long: the setting is kept, and
// the error names them alone.
func TestPauseDoesNotWaitForSilentTasks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, l := cutOff()
		c.config.AwaitTimeout = time.Minute
		c.open, c.close = context.WithCancel(t.Context())
		defer c.close()
		b := c.modules["m"]
		begin := time.Now()
		silent, err := c.settled(t.Context(), b, b.plan.Streams[0], &wire.SettingRequest{Key: "k"}, true)
		if took := time.Since(begin); took != unheardAfter || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it took %v, %v", took, err)
		}
		var want []task.ID
		for i := range l.tasks {
			if l.owner(i) != "worker-0" {
				want = append(want, task.ID(i))
			}
		}
		if !slices.Equal(silent, want) {
			t.Errorf("silent are %v, want %v", silent, want)
		}
		e := error(&UnheardError{Module: "m", Topology: "t", Option: streamPausedOption, Value: "true", Tasks: silent, Cause: err})
		if !errors.Is(e, ErrUnheard) || !strings.Contains(e.Error(), `topology.stream.paused is set to "true"; 60 tasks, from task 1 on`) {
			t.Errorf("the error says %v", e)
		}
	})
}

// partlySilent is a worker of whose tasks one does not answer, and the others tell the status.
type partlySilent struct {
	statusLink
	silent task.ID
	asked  []task.ID
}

func (l *partlySilent) Call(ctx context.Context, to string, raw []byte) ([]byte, error) {
	r, err := wire.ParseRequest(raw)
	if err != nil {
		return nil, err
	}
	l.asked = append(l.asked, r.Task)
	if r.Task == l.silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return l.statusLink.Call(ctx, to, raw)
}

// A task that does not say that it goes on does not hide that a worker was started with the pause,
// which holds the others: "not paused" is set then, and the task is still named.
func TestResumeAsksTheOthersWhereATaskIsSilent(t *testing.T) {
	t.Parallel()
	for status, want := range map[string][]string{`{"Paused":["t"]}`: {"", "false"}, `{"Paused":[]}`: {""}} {
		synctest.Test(t, func(t *testing.T) {
			l := &partlySilent{statusLink: statusLink{status: status}, silent: 1}
			c := &Client{link: l}
			c.config.AwaitTimeout = time.Minute
			c.open, c.close = context.WithCancel(t.Context())
			defer c.close()
			b := &bound{name: "m", tasks: 3, owners: []string{"w", "w", "w"}}
			var values []string
			err := c.released(t.Context(), b, &module.StreamPlan{Name: "t"}, func(value string) error {
				values = append(values, value)
				return &UnheardError{Module: "m", Topology: "t", Option: streamPausedOption, Value: value, Tasks: []task.ID{1}, Cause: context.DeadlineExceeded}
			})
			var unheard *UnheardError
			if !slices.Equal(values, want) || !errors.As(err, &unheard) || unheard.Value != want[len(want)-1] || slices.Contains(l.asked, 1) {
				t.Errorf("%s: set are %q, the tasks %v are asked, and the error is %v", status, values, l.asked, err)
			}
		})
	}
}
