package overview

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/client"
)

// unlisted is a town whose log says which modules there are now and then, if it is asked long.
type unlisted struct {
	*slowTown
	why  error
	list time.Duration
}

func (c *unlisted) Modules(ctx context.Context) ([]client.ModuleInfo, error) {
	select {
	case <-time.After(c.list):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.why != nil {
		return nil, c.why
	}
	return c.slowTown.Modules(ctx)
}

func newUnlisted() (*unlisted, *Overview) {
	c := &unlisted{slowTown: &slowTown{town: &town{end: 100, epoch: "e1"}, describe: time.Second}}
	return c, New(Config{Cluster: c})
}

// Modules that cannot be listed are those that were, and each tells how it is; the list and the
// looks share their time.
func TestModulesThatCannotBeListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newUnlisted()
		c.why = errors.New("no broker answers")
		if _, err := o.All(t.Context()); !errors.Is(err, c.why) {
			t.Errorf("with no list at all: %v, want %v", err, c.why)
		}
		c.why = nil
		if all, err := o.All(t.Context()); err != nil || len(all) != 2 || all[0].Module == nil || all[1].Error == "" {
			t.Fatalf("%+v, %v", all, err)
		}
		time.Sleep(time.Minute)
		c.list, c.describe = time.Hour, 9*time.Second
		began := time.Now()
		all, err := o.All(t.Context())
		if err != nil || len(all) != 2 || all[0].Info.Name != "m" || all[0].Module == nil || !all[0].Module.At.Equal(began) || !strings.Contains(all[1].Error, client.ErrNoModule.Error()) {
			t.Errorf("%+v, %v", all, err)
		}
		if took := time.Since(began); took != o.config.ServerTimeout {
			t.Errorf("it took %v", took)
		}
		began = time.Now() // what was seen just now is no word on what was found out since
		if all, err := o.All(t.Context()); err != nil || len(all) != 2 || all[0].Module == nil || all[0].Module.At.Before(began) {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// Who is not waited for any more has no false word of the modules.
func TestAllEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]time.Duration{"while it lists": time.Second, "while it looks": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, o := newUnlisted()
				if _, err := o.All(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				c.list = list
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second/2, cancel)
				if all, err := o.All(ctx); !errors.Is(err, context.Canceled) || all != nil {
					t.Errorf("%+v, %v", all, err)
				}
			})
		})
	}
}
