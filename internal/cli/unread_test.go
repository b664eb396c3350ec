package cli

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/overview"
)

// A topic that is gone is told of by its name, and what is left of the module, too.
func TestTopicIsGone(t *testing.T) {
	t.Parallel()
	c, flags := remoteFlags(t)
	if err := c.Launch(t.Context(), &orders{}, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	kafka, err := kgo.NewClient(kgo.SeedBrokers(strings.TrimPrefix(flags[0], "--kafka=")))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	const topic = "coppice.orders.orders"
	if _, err := kadm.NewClient(kafka).DeleteTopics(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (int, string, string) { return coppice(t.Context(), append(args, flags...)...) }
	code, out, errs := run("progress", "orders")
	if code != exitError || strings.Count(out, "unread") < 2 || !strings.Contains(errs, topic) {
		t.Errorf("exit code %d, %q\n%s", code, errs, out)
	}
	code, out, errs = run("top", "orders", "--looks", "1")
	said(t, code, out, errs, "the progress with depot orders cannot be read: topic "+topic+", partitions 0, 1", "of 2 tasks")
	if _, out, _ = run("doctor"); !strings.Contains(out, "the progress with depot orders cannot be read") || strings.Contains(out, "of a version that this program reads") {
		t.Errorf("the doctor says\n%s", out)
	}
}

// That workers are of another version is said where a registration does not decode alone.
func TestMendOfAModuleThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	for want, info := range map[string]client.ModuleInfo{
		"coppice doctor looks at each": {Name: "m"}, "of a version that this program reads": {Name: "m", Error: "it does not decode"},
	} {
		var f findings
		judgeModule(t.Context(), &f, nil, nil, &overview.Entry{Info: info, Error: "it does not go"}, nil)
		if len(f) != 1 || !strings.Contains(f[0].Mend, want) {
			t.Errorf("want %q, found %+v", want, f)
		}
	}
}
