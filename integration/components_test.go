package integration

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// wood is a forest of components, and an id on each of its tasks.
type wood struct {
	*testing.T
	m   *components.Module
	kit *clustertest.Kit
	id  []string
}

// onWoods runs a test on a forest on each set of servers.
func onWoods(t *testing.T, test func(w *wood)) {
	t.Helper()
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m, kit, keys := forest(t, c)
		test(&wood{t, m, kit, keys})
	})
}

// hold holds a step of the module.
func (w *wood) hold(step string) *clustertest.Hold {
	w.Helper()
	return w.kit.Hold(clustertest.Step("forest", step))
}

func (w *wood) change(c components.Change) error {
	_, err := w.m.Changes.Append(w.Context(), w.kit, c)
	return err
}

func (w *wood) must(c components.Change) {
	w.Helper()
	if err := w.change(c); err != nil {
		w.Fatal(err)
	}
}

func (w *wood) begin(c components.Change) *clustertest.Pending {
	return clustertest.Begin(w.kit, w.m.Changes, c)
}

// want checks what is there: whether a component exists, and what its parent has of it.
func (w *wood) want(when, parent, child string, exists, shown, expected bool) {
	w.Helper()
	_, there, err := w.m.Components.Key(child).Lookup(w.kit)
	if err != nil || there != exists {
		w.Errorf("%s: the child exists: %t, want %t (error %v)", when, there, exists, err)
	}
	if has, err := w.m.Children.Key(parent).Has(w.kit, child); err != nil || has != shown {
		w.Errorf("%s: the parent shows the child: %t, want %t (error %v)", when, has, shown, err)
	}
	if has, err := w.m.Awaits(w.kit, parent, child); err != nil || has != expected {
		w.Errorf("%s: the parent expects the child: %t, want %t (error %v)", when, has, expected, err)
	}
}

func (w *wood) exists(when, id string, want bool) {
	w.Helper()
	if _, there, err := w.m.Components.Key(id).Lookup(w.kit); err != nil || there != want {
		w.Errorf("%s: %s exists: %t, want %t (error %v)", when, id, there, want, err)
	}
}

// promise 0.27, promise 0.28, promise 0.31, promise 0.32, promise 0.33: a creation notes
// at the parent that the child will come, where nobody is shown it; then the child is
// there and its parent does not show it for a moment; then it does, in one event with
// the end of the note.
func TestAChildComesStepByStep(t *testing.T) {
	onWoods(t, func(w *wood) {
		parent, child := w.id[0], w.id[1]
		w.must(components.Create{ID: parent, Text: "some"})
		persisting, confirming := w.hold("persist"), w.hold("confirm")
		creation := w.begin(components.Create{ID: child, Parent: parent, Text: "some"})
		persisting.Await(1)
		w.want("reserved", parent, child, false, false, true)
		persisting.Release()
		confirming.Await(1)
		w.want("persisted", parent, child, true, false, true)
		confirming.Release()
		if _, err := creation.Await(); err != nil {
			w.Error(err)
		}
		w.want("confirmed", parent, child, true, true, false)
	})
}

// promise 0.35: a creation that fails gives its place at the parent back.
func TestACreationThatFailsLeavesNothing(t *testing.T) {
	onWoods(t, func(w *wood) {
		parent, other, child := w.id[0], w.id[1], w.id[2]
		for _, id := range []string{parent, other} {
			w.must(components.Create{ID: id, Text: "some"})
		}
		w.must(components.Create{ID: child, Parent: other, Text: "some"})
		releasing := w.hold("release")
		creation := w.begin(components.Create{ID: child, Parent: parent, Text: "some"})
		releasing.Await(1)
		w.want("refused", parent, child, true, false, true)
		releasing.Release()
		if _, err := creation.Await(); err != nil {
			w.Error(err)
		}
		w.want("given back", parent, child, true, false, false)
		w.want("where it is", other, child, true, true, false)
	})
}

// promise 0.29, promise 0.30, promise 0.34: the deletion of a parent schedules that of a
// child which is about to come, by an append to the one depot, behind the creation in
// the same partition. The child may exist for a moment, and both are gone in the end.
func TestTheDeletionOfWhatIsAboutToComeIsScheduled(t *testing.T) {
	for _, step := range []string{"persist", "confirm"} {
		t.Run("before "+step, func(t *testing.T) {
			onWoods(t, func(w *wood) {
				parent, child := w.id[0], w.id[1]
				w.must(components.Create{ID: parent, Text: "some"})
				hold := w.hold(step)
				creation := w.begin(components.Create{ID: child, Parent: parent, Text: "some"})
				hold.Await(1)
				w.must(components.Delete{ID: parent})
				w.scheduled(child, parent)
				hold.Release()
				if _, err := creation.Await(); err != nil {
					w.Error(err)
				}
				w.kit.Settle()
				w.want("in the end", parent, child, false, false, false)
				w.exists("in the end", parent, false)
			})
		})
	}
}

// scheduled checks that the partition of a child has its creation and, behind it, the
// deletion that its parent's asked for.
func (w *wood) scheduled(child, parent string) {
	w.Helper()
	log := w.kit.Cluster().Log()
	on := int32(task.Of([]byte(child), w.kit.Tasks()))
	topic, err := log.Lookup(w.Context(), depot.TopicName(w.m.ModuleName(), "changes"))
	if err != nil {
		w.Fatal(err)
	}
	reader, err := log.Reader(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Assign(depot.Position{Topic: topic.Name, TopicID: topic.ID, Partition: on, LeaderEpoch: -1}); err != nil {
		w.Fatal(err)
	}
	created := false
	for {
		var deletion *components.Delete
		err := reader.Poll(w.Context(), 0, func(d depot.Delivery) {
			for _, r := range d.Records {
				var c struct {
					Create *components.Create
					Delete *components.Delete
				}
				if err := json.Unmarshal(r.Value, &c); err != nil {
					w.Error(err)
				}
				created = created || c.Create != nil && c.Create.ID == child
				if c.Delete != nil && c.Delete.ID == child {
					deletion = c.Delete
				}
			}
		})
		switch {
		case err != nil:
			w.Fatal(err)
		case deletion != nil && (!created || deletion.Of != parent):
			w.Fatalf("the deletion %+v was scheduled, behind the creation: %t", deletion, created)
		case deletion != nil:
			return
		}
	}
}

// leaves checks that a parent has a child that is about to go, and shows it to nobody.
func (w *wood) leaves(when, parent, child string, exists bool) {
	w.Helper()
	w.want(when, parent, child, exists, false, false)
	if has, err := w.m.Leaves(w.kit, parent, child); err != nil || !has {
		w.Errorf("%s: the parent knows of the child: %t (error %v)", when, has, err)
	}
}

// promise 0.38: a parent has a child until that is gone, and goes when its last one has.
func TestASubtreeGoesFromBelow(t *testing.T) {
	onWoods(t, func(w *wood) {
		top, middle, leaf := w.id[0], w.id[1], w.id[2]
		w.must(components.Create{ID: top, Text: "some"})
		w.must(components.Create{ID: middle, Parent: top, Text: "some"})
		w.must(components.Create{ID: leaf, Parent: middle, Text: "some"})
		detaching := w.hold("detach")
		deletion := w.begin(components.Delete{ID: top})
		detaching.Await(1)
		w.leaves("when the leaf is gone", middle, leaf, false)
		w.leaves("when the leaf is gone", top, middle, true)
		detaching.Let(1, 1)
		w.kit.AwaitStatus("an event held at the task of "+top, func(at []runtime.Status) bool {
			return len(at[0].Held) > 0 && at[0].Held[0].Events > 0
		})
		w.leaves("when what is between is gone", top, middle, false)
		w.exists("when what is between is gone", top, true)
		detaching.Release()
		if _, err := deletion.Await(); err != nil {
			w.Error(err)
		}
		for _, id := range []string{top, middle, leaf} {
			w.exists("in the end", id, false)
		}
		if err := w.change(components.Create{ID: leaf, Parent: top, Text: "again"}); !errors.Is(err, client.ErrRejected) {
			w.Errorf("a child of what is gone: %v", err)
		}
	})
}

// promise 0.33, promise 0.34: a child that is deleted is hidden by its parent before it goes:
// no reader finds a parent that shows what is not there.
func TestAChildIsHiddenBeforeItGoes(t *testing.T) {
	onWoods(t, func(w *wood) {
		parent, child := w.id[0], w.id[1]
		w.must(components.Create{ID: parent, Text: "some"})
		w.must(components.Create{ID: child, Parent: parent, Text: "some"})
		hiding, clearing := w.hold("hide"), w.hold("clear")
		deletion := w.begin(components.Delete{ID: child})
		hiding.Await(1)
		w.want("closed", parent, child, true, true, false)
		hiding.Release()
		clearing.Await(1)
		w.leaves("hidden", parent, child, true)
		clearing.Release()
		if _, err := deletion.Await(); err != nil {
			w.Error(err)
		}
		w.want("gone", parent, child, false, false, false)
		w.exists("gone", parent, true)
	})
}

// promise 0.37, promise 0.39: deleting what is gone, or never was, does nothing, however
// often; and a deletion that a parent scheduled leaves what is another's by then.
func TestDeletionsThatDoNothing(t *testing.T) {
	onWoods(t, func(w *wood) {
		parent, other, child, none := w.id[0], w.id[1], w.id[2], "none"
		for _, id := range []string{parent, other} {
			w.must(components.Create{ID: id, Text: "some"})
		}
		w.must(components.Create{ID: child, Parent: other, Text: "some"})
		for range 2 {
			w.must(components.Delete{ID: none})
			w.must(components.Delete{ID: child, Of: parent})
		}
		w.want("after a deletion for another parent", other, child, true, true, false)
		for range 3 {
			w.must(components.Delete{ID: child})
		}
		w.want("deleted", other, child, false, false, false)
		w.kit.Settle()
		w.exists("in the end", other, true)
	})
}
