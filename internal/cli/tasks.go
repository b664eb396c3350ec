package cli

import (
	"context"
	"io"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/coppice-run/coppice/client"
)

// ownedTask is a task by its slot, with what its owner tells of how it took it.
type ownedTask struct {
	client.TaskInfo
	TookAt          time.Time `json:"tookAt,omitzero"` // zero: the owner does not answer, or does not tell
	TakeOverSeconds float64   `json:"takeOverSeconds,omitempty"`
	TookFrom        string    `json:"tookFrom,omitempty"` // who had it before; the owner itself where it took it anew
}

// ownersTimeout bounds how long all owners have for telling, and ownersAsked how many are
// asked side by side.
const (
	ownersTimeout = 2 * time.Second
	ownersAsked   = 64
)

// ownedTasks lists the tasks of a module. An owner that does not answer is no error: what the
// slots say is there all the same.
func ownedTasks(ctx context.Context, c *client.Client, module string) ([]ownedTask, error) {
	infos, err := c.Tasks(ctx, module)
	if err != nil {
		return nil, err
	}
	all := make([]ownedTask, len(infos))
	ctx, cancel := context.WithTimeout(ctx, ownersTimeout)
	defer cancel()
	var group errgroup.Group
	group.SetLimit(ownersAsked)
	for i, info := range infos {
		all[i].TaskInfo = info
		if info.Owner == "" {
			continue
		}
		group.Go(func() error {
			if s, err := c.TaskStatus(ctx, module, info.Task); err == nil {
				all[i].TookAt, all[i].TakeOverSeconds, all[i].TookFrom = s.TookAt, s.TakeOver.Seconds(), s.TookFrom
			}
			return nil
		})
	}
	_ = group.Wait() // it returns no error
	return all, nil
}

func listTasks(r *remote, out io.Writer, all []ownedTask) error {
	return list(r, out, all, "", "TASK OWNER SINCE COMMITS PARKED SLOT", func(t ownedTask) []string {
		slot, since := "has data", "-"
		if t.Empty {
			slot = "empty"
		}
		if !t.TookAt.IsZero() {
			since = tookIn(t.TookAt, time.Duration(t.TakeOverSeconds*float64(time.Second)))
		}
		return []string{strconv.Itoa(int(t.Task)), t.Owner, since, strconv.FormatUint(t.Commits, 10), strconv.Itoa(t.Parked), slot}
	})
}
