package regions

import (
	"time"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/pstate"
)

// Program has some users move and click, over three minutes.
var Program = program.Program{
	Name:   "regions",
	Shows:  "a stream joined with a table, counted per region and minute",
	Source: "regions",
	Clock:  true,
	Run: func(r *program.Run) {
		m := &Module{}
		r.Launch(m, 4)
		move := func(user, region string) {
			program.Got(m.Moves.Append(r.Context, r.Client, Move{user, region}))
		}
		click := func(user string) { program.Got(m.Clicks.Append(r.Context, r.Client, Click{user, "home"})) }
		move("ann", "north")
		move("bob", "south")
		click("ann")
		click("bob")
		click("nobody")
		r.Clock.Advance(time.Minute)
		click("ann")
		click("ann")
		r.Clock.Advance(time.Minute)
		move("ann", "south")
		click("ann")
		for _, region := range []string{"north", "south"} {
			for _, e := range program.All(m.Counts.Key(region).Range(r.Reader, pstate.All[time.Time]())) {
				r.Println(region, e.Key.Format(time.TimeOnly), e.Val)
			}
		}
	},
	Output: `
north 09:00:00 1
north 09:01:00 2
south 09:00:00 1
south 09:02:00 1
`,
}
