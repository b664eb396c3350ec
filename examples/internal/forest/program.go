package forest

import (
	"errors"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/simulation"
)

// The size of a trial.
const (
	components = 12
	programs   = 5
	changes    = 10
)

// Change is what a program asks for: a creation, or a deletion.
type Change struct {
	ID, Parent, Text string
	Delete           bool
}

// IDs are few, so that programs get in each other's way.
func IDs() (all []string) {
	for i := range components {
		all = append(all, fmt.Sprintf("c%d", i))
	}
	return all
}

// Programs are the users of a trial: they create and delete at random, below each other,
// below themselves, twice, without a text, and what is not there. send appends a change;
// that it was rejected is no error.
func Programs(send func(p *simulation.Program, c Change) error) (int, func(*simulation.Program) error) {
	return programs, func(p *simulation.Program) error {
		all := IDs()
		for range changes {
			c := Change{ID: all[p.Random.IntN(len(all))], Text: "some"}
			switch p.Random.IntN(8) {
			case 0, 1, 2, 3:
				c.Parent = all[p.Random.IntN(len(all))]
			case 4:
				c.Delete = true
			case 5:
				if c.Parent = all[p.Random.IntN(len(all))]; p.Random.IntN(2) == 0 {
					c.Text = "" // against the rules
				}
			}
			if err := send(p, c); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			p.Pause(time.Duration(p.Random.IntN(60)) * time.Millisecond)
		}
		return nil
	}
}
