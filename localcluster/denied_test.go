package localcluster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/task"
)

// denying lets everybody in, and nobody take a slot, as a Redis does whose user may not write.
type denying struct{ store.Store }

func (denying) Take(context.Context, store.Slot, task.Head) (store.Session, task.Head, error) {
	return nil, task.Head{}, fmt.Errorf("%w: allow the user to write", store.ErrDenied)
}

// A start that the store denies ends with what it says, and not when the time for it is over.
func TestAStartThatIsDenied(t *testing.T) {
	t.Parallel()
	cluster, err := localcluster.Start(t.Context(), localcluster.Config{Store: denying{memstore.New()}})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	m := &costly{handlers: map[string]func(*module.Event){"nothing": func(*module.Event) {}}}
	err = cluster.Launch(t.Context(), m, localcluster.LaunchConfig{})
	if !errors.Is(err, store.ErrDenied) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want an ErrDenied, and not that the time is over", err)
	}
}
