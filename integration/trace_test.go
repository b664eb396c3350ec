package integration

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/telemetry"
)

// A record's trace goes from the append over its events on all tasks, and their
// commits, to the end of its tree.
func TestATraceFollowsARecord(t *testing.T) {
	t.Parallel()
	spans := newRecorder()
	c, err := localcluster.Start(t.Context(), localcluster.Config{Tracing: spans})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &words{name: "Traced"}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 3, Listener: telemetry.Listener(spans)}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sentences.Append(t.Context(), c.Client(), "one two"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	// append, root event, two words, their two commits, done: the root wrote
	// nothing, so nothing of it was to be committed; its batch is a commit all the
	// same if a write of another event shares it.
	all := spans.await(ctx, func(all []*span) bool {
		return count(all, "append") > 0 && count(all, "done") > 0 && count(all, "commit") >= 2
	})
	byID := map[string]*span{}
	for _, s := range all {
		byID[s.context.SpanID().String()] = s
	}
	for _, s := range all {
		parent := byID[s.parent.SpanID().String()]
		want := ""
		switch name, _, _ := strings.Cut(s.name, " "); name {
		case "append":
			if s.parent.IsValid() {
				t.Errorf("%s has a parent", s.name)
			}
			continue
		case "event":
			want = "append Traced.sentences"
			if s.name == "event count" {
				want = "event sentences"
			}
		case "commit":
			want = "event "
		case "done":
			want = "append Traced.sentences"
		}
		if parent == nil || !strings.HasPrefix(parent.name, want) {
			t.Errorf("the parent of %q is %v, want %q", s.name, parent, want)
		}
		if s.context.TraceID() != all[0].context.TraceID() {
			t.Errorf("%s is of another trace", s.name)
		}
	}
	if n := count(all, "event count"); n != 2 {
		t.Errorf("%d events of step count, want 2", n)
	}
}

func count(all []*span, prefix string) (n int) {
	for _, s := range all {
		if strings.HasPrefix(s.name, prefix) {
			n++
		}
	}
	return n
}
