package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Parked records are listed with their reasons; one that is skipped is gone; one
// that is retried leaves when it succeeds, and stays with the new reason when it
// fails; an edited value is what runs.
func TestParkedRecords(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		for name, mode := range map[string]module.SourceOption{"individual": module.SourceID("numbers"), "all after": module.RetryAllAfter()} {
			broken := true
			m := &modes{options: []module.SourceOption{mode, module.MaxAttempts(2)}}
			m.root = func(ev *module.Event, v int) error {
				if v == 2 && broken {
					return errors.New("root on purpose")
				}
				return nil
			}
			m.leaf = func(ev *module.Event, v int) error {
				if v == 5 && broken {
					return errors.New("leaf on purpose")
				}
				return nil
			}
			m.launch(t, c, runtime.Options{AckFailureOnRetryOnly: true})
			for v := range 8 {
				if err := m.append(t, c, v); (v == 2 || v == 5) != errors.Is(err, client.ErrFailed) {
					t.Fatalf("%s: record %d: %v", name, v, err)
				}
			}
			if _, err := m.Numbers.Append(t.Context(), c.Client(), 9); err != nil {
				t.Fatal(err)
			}
			list := func() (text []string, refs []client.ParkedRef) {
				t.Helper()
				parked, err := c.Client().Parked(t.Context(), m.name)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range parked {
					text = append(text, fmt.Sprintf("%s %s %d %q", p.Value, p.Topology, p.Attempts, p.Reason))
					refs = append(refs, p.ParkedRef)
				}
				return text, refs
			}
			text, refs := list()
			if want := `[2 modes 2 "root on purpose" 5 modes 2 "step leaf: leaf on purpose"]`; fmt.Sprint(text) != want {
				t.Fatalf("%s: parked are %s, want %s", name, text, want)
			}
			two, five := refs[0], refs[1]

			var failed *client.FailedError
			if err := c.Client().RetryParked(t.Context(), five); !errors.As(err, &failed) || !failed.Parked {
				t.Errorf("%s: a retry that fails says %v", name, err)
			}
			if text, _ := list(); len(text) != 2 || !strings.HasPrefix(text[1], "5 modes 3 ") {
				t.Errorf("%s: after a retry that failed, parked are %s", name, text)
			}
			for _, bad := range []string{"", `{"id": bad`} { // they would be parked again
				if err := c.Client().EditParked(t.Context(), two, []byte(bad)); !errors.Is(err, client.ErrWrongRecord) || errors.Is(err, client.ErrNotParked) || !strings.Contains(err.Error(), "the value is left as it was") {
					t.Errorf("%s: an edit to %q says %v", name, bad, err)
				}
			}
			if kept, err := c.Client().FindParked(t.Context(), two); err != nil || string(kept.Value) != "2" || kept.Edited {
				t.Errorf("%s: behind edits that were refused it is %+v, %v", name, kept, err)
			}
			if err := c.Client().EditParked(t.Context(), two, []byte("22")); err != nil {
				t.Errorf("%s: edit: %v", name, err)
			}
			broken = false
			for _, ref := range refs {
				if err := c.Client().RetryParked(t.Context(), ref); err != nil {
					t.Errorf("%s: retry of %v: %v", name, ref, err)
				}
			}
			if text, _ := list(); len(text) != 0 {
				t.Errorf("%s: still parked: %s", name, text)
			}
			for v, want := range map[int]int{2: 0, 22: 1, 5: 1} {
				if n, err := m.Leaves.Key(v).Get(c.Client().AtTask(t.Context(), task.ID(v%4))); err != nil || n != want {
					t.Errorf("%s: record %d took effect %d times (error %v), want %d", name, v, n, err, want)
				}
			}
			if err := c.Client().SkipParked(t.Context(), two); !errors.Is(err, client.ErrNotParked) {
				t.Errorf("%s: skipping what is not parked says %v", name, err)
			}
		}
	})
}

// promise 3.92 promise 3.94 promise 3.100: an option that is set takes effect at
// once, for one topology or for the module; what is wrong is refused with what
// there is.
func TestOptions(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		begun, release := make(chan struct{}, 10), make(chan struct{})
		m := &modes{}
		m.leaf = func(ev *module.Event, v int) error {
			if v == 1 {
				begun <- struct{}{}
				<-release
			}
			return nil
		}
		m.launch(t, c, runtime.Options{})
		set := func(scope client.OptionScope, name, value string) error {
			return c.Client().SetOption(t.Context(), m.name, scope, name, value)
		}
		const executing = "topology.stream.max.executing.per.task"
		if err := set(client.OptionScope{Topology: "modes"}, executing, "1"); err != nil {
			t.Fatal(err)
		}
		value := func(scope client.OptionScope, name string) string {
			t.Helper()
			values, err := c.Client().Options(t.Context(), m.name, scope)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if v.Name == name {
					return v.Value + " from " + v.From + ", default " + v.Default
				}
			}
			return "absent"
		}
		if got := value(client.OptionScope{Topology: "modes"}, executing); got != "1 from topology modes, default 10000" {
			t.Errorf("the option is %s", got)
		}
		if got := value(client.OptionScope{}, executing); got != "10000 from default, default 10000" {
			t.Errorf("for the module the option is %s", got)
		}
		// One record is under way: from some moment on, the next is throttled.
		first := make(chan error, 1)
		go func() { first <- m.append(t, c, 1) }()
		<-begun
		var err error
		for range 1000 {
			if err = m.append(t, c, 2); errors.Is(err, client.ErrThrottled) {
				break
			}
		}
		if !errors.Is(err, client.ErrThrottled) {
			t.Errorf("with a limit of one record, an append beside another says %v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
		if err := set(client.OptionScope{Topology: "modes"}, executing, ""); err != nil {
			t.Fatal(err)
		}
		if got := value(client.OptionScope{Topology: "modes"}, executing); got != "10000 from default, default 10000" {
			t.Errorf("after it was taken back the option is %s", got)
		}
		for _, bad := range []struct {
			scope       client.OptionScope
			name, value string
			want        error
			text        string
		}{
			{client.OptionScope{}, "topology.stream.timeout", "3", client.ErrUnknownOption, "topology.stream.timeout.seconds"},
			{client.OptionScope{}, "topology.stream.timeout.seconds", "soon", nil, "want a number of seconds"},
			{client.OptionScope{Topology: "nodes"}, executing, "1", client.ErrUnknownPlace, "it has modes"},
			{client.OptionScope{Depot: "numbers"}, executing, "1", client.ErrWrongPlace, "the module or a topology"},
		} {
			err := set(bad.scope, bad.name, bad.value)
			if err == nil || bad.want != nil && !errors.Is(err, bad.want) || !strings.Contains(err.Error(), bad.text) {
				t.Errorf("setting %s to %q for %v says %v, want %v with %q", bad.name, bad.value, bad.scope, err, bad.want, bad.text)
			}
		}
	})
}
