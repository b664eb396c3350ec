package depots

import (
	"sync/atomic"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// Setting is a field of a user's profile with its value.
type Setting struct{ User, Field, Value string }

func user(s Setting) string { return s.User }

// Far has its records anywhere: each has to hop to the task of its user.
type Far struct {
	Settings module.Depot[Setting]
	Profiles pstate.MapOf[string, pstate.Map[string, string]]

	set module.Step[Setting]
}

// Define declares it.
func (m *Far) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Settings, "settings")
	s := b.Stream("profiles")
	s.PState(&m.Profiles, "profiles")
	module.DeclareStep(s, &m.set, "set", module.At(&m.Profiles, user), func(ev *module.Event, v Setting) error {
		m.Profiles.Key(v.User).Key(v.Field).Set(ev, v.Value)
		return nil
	})
	module.DeclareSource(s, m.Settings, func(ev *module.Event, v Setting) error {
		m.set.Send(ev, v)
		return nil
	})
}

// Near has each record on the task of its user, where the profile is: nothing hops, each
// record takes effect exactly once, and a user's records keep their order.
type Near struct {
	Settings module.Depot[Setting]
	Profiles pstate.MapOf[string, pstate.Map[string, string]]
}

// Define declares it.
func (m *Near) Define(b *module.Builder) {
	module.HashDepot(b, &m.Settings, "settings", user)
	s := b.Stream("profiles")
	s.PState(&m.Profiles, "profiles")
	module.DeclareSource(s, m.Settings, func(ev *module.Event, v Setting) error {
		m.Profiles.Key(v.User).Key(v.Field).Set(ev, v.Value)
		return nil
	})
}

var colocated = program.Program{
	Name:  "colocated",
	Shows: "a depot with the key of its PState needs no hop",
	Rama:  "ProfileFieldSetBadModule, ProfileFieldSetGoodModule",
	Run: func(r *program.Run) {
		var hops atomic.Int64
		r.Launched.Listener = &runtime.Listener{EventEnd: func(e runtime.EventInfo) { hops.Add(int64(e.Children)) }}
		far, near := &Far{}, &Near{}
		r.Launch(far, 4)
		r.Launch(near, 4)
		all := []Setting{{"ann", "city", "Bern"}, {"bob", "city", "Graz"}, {"ann", "city", "Genf"}}
		for _, d := range []struct {
			name     string
			settings module.Depot[Setting]
		}{{"at random", far.Settings}, {"by user", near.Settings}} {
			hops.Store(0)
			for _, s := range all {
				program.Got(d.settings.Append(r.Context, r.Client, s))
			}
			r.Printf("%s: %d hops for %d records\n", d.name, hops.Load(), len(all))
		}
		r.Println("ann lives in", program.Got(near.Profiles.Key("ann").Key("city").Get(r.Reader)))
	},
	Output: `
at random: 3 hops for 3 records
by user: 0 hops for 3 records
ann lives in Genf
`,
}
