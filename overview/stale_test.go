package overview

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/client"
)

// failing is a town whose slots cannot be read now and then.
type failing struct {
	*slowTown
	why error
}

func (c *failing) Tasks(ctx context.Context, name string) ([]client.TaskInfo, error) {
	if c.why != nil {
		return nil, c.why
	}
	return c.slowTown.Tasks(ctx, name)
}

// What a look saw from before a change is not told after it, though the look after the change
// failed, or was given up by who asked for it.
func TestAChangeBeforeALookThatFails(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]func(t *testing.T, c *failing, o *Overview){
		"it fails": func(t *testing.T, c *failing, o *Overview) {
			c.why = errors.New("no store answers")
			if _, err := o.Module(t.Context(), "m"); !errors.Is(err, c.why) {
				t.Errorf("%v, want %v", err, c.why)
			}
			c.why = nil
		},
		"it is given up": func(t *testing.T, _ *failing, o *Overview) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
			defer cancel()
			if _, err := o.Module(ctx, "m"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &failing{slowTown: &slowTown{town: &town{end: 100, epoch: "e1"}, describe: time.Second}}
				o := New(Config{Cluster: c, Period: time.Hour})
				first, err := o.Module(t.Context(), "m")
				if err != nil {
					t.Fatal(err)
				}
				o.Forget("m")
				look(t, c, o)
				looks := c.looks.Load()
				if again, err := o.Module(t.Context(), "m"); err != nil || again == first || c.looks.Load() != looks+1 {
					t.Errorf("what was seen before the change, or by a look that ended early, is told as if it were after it, %v", err)
				}
			})
		})
	}
}
