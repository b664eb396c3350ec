package cli

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// orders refuses to count orders that are not numbers.
type orders struct {
	Orders module.Depot[string]
	Counts pstate.Map[string, int64]
}

func (m *orders) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(v string) string { return v }, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Orders, func(ev *module.Event, v string) error {
		if strings.Contains(v, "bad") {
			return errors.New("not a number")
		}
		agg.Inc(ev, m.Counts.Key(v))
		return nil
	}, module.MaxAttempts(1))
}

// remoteCluster runs orders on servers that other processes could reach, and
// returns the flags that name them.
func remoteCluster(t testing.TB) (*orders, *localcluster.Cluster, func(args ...string) (int, string, string)) {
	t.Helper()
	c, run := remoteServers(t)
	m := &orders{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	return m, c, run
}

// remoteServers are servers that other processes could reach, with a cluster on them.
func remoteServers(t testing.TB) (*localcluster.Cluster, func(args ...string) (int, string, string)) {
	t.Helper()
	c, servers := remoteFlags(t)
	return c, func(args ...string) (int, string, string) {
		if args[0] == "__complete" { // what is completed is the last argument
			return coppice(t.Context(), slices.Insert(args, len(args)-1, servers...)...)
		}
		return coppice(t.Context(), append(args, servers...)...)
	}
}

// remoteFlags is a cluster on such servers, and the flags that name them.
func remoteFlags(t testing.TB) (c *localcluster.Cluster, flags []string) {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	server := miniredis.RunT(t)
	return clusterOn(t, broker.ListenAddrs(), []string{server.Addr()}), []string{"--kafka=" + strings.Join(broker.ListenAddrs(), ","), "--redis=" + server.Addr()}
}

// clusterOn is a cluster on servers.
func clusterOn(t testing.TB, kafka, redis []string) *localcluster.Cluster {
	t.Helper()
	log, err := kafkadepot.Open(t.Context(), kafkadepot.Config{Brokers: kafka})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: redis})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	c, err := localcluster.Start(t.Context(), localcluster.Config{Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// said checks what a command printed.
func said(t *testing.T, code int, out, errs string, wants ...string) {
	t.Helper()
	if code != exitOK || errs != "" {
		t.Fatalf("exit code %d, error %q", code, errs)
	}
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("printed\n%swant %q", out, want)
		}
	}
}

// promise 3.92, promise 3.94: options are set on a running module, and hold there.
func TestOptionsOfARunningModule(t *testing.T) {
	t.Parallel()
	_, _, run := remoteCluster(t)
	check := func(want string, args ...string) {
		t.Helper()
		code, out, errs := run(args...)
		said(t, code, out, errs, want)
	}
	const name = "topology.stream.timeout.seconds"
	check("orders  2      count       orders  counts", "modules")
	check("applied    level", "options", "list", "orders")
	check(name+" is 7 now (module)", "options", "set", "orders", name, "7")
	check(name+" is 5 now (topology count)", "options", "set", "orders", name, "5", "--topology", "count")
	check("7\n", "options", "get", "orders", name)
	check("5\n", "options", "get", "orders", name, "--topology", "count")
	if code, out, errs := run("options", "set", "orders", "store.durability", "replicated 1"); code != exitOK || !strings.Contains(out, "is replicated 1 now") || !strings.Contains(errs, "warning: redis at") {
		t.Errorf("a level that the server does not reach: exit code %d, %q, %q; want a warning", code, out, errs)
	}
	check("store.durability is applied now", "options", "unset", "orders", "store.durability")
	check("\"value\": \"7\"", "options", "get", "orders", name, "--json")
	check(name+" is 30 now (default)", "options", "unset", "orders", name)
	// What nobody has set is as each worker was started, which no worker tells.
	if code, out, errs := run("options", "get", "orders", name); code != exitOK || out != "30\n" || !strings.Contains(errs, "may have been started with another") {
		t.Errorf("an option that is not set: exit code %d, %q, %q; want the default with a note", code, out, errs)
	}
	for _, wrong := range [][]string{
		{"options", "set", "orders", name, "soon", "number of seconds"},
		{"options", "set", "orders", "timeout", "5", "unknown option"},
		{"options", "set", "orders", name, "5", "--topology", "x", "it has count"},
		{"options", "set", "orders", "store.durability", "safe", "replicated N"},
		{"options", "get", "nothing", name, "there are orders"},
	} {
		args, want := wrong[:len(wrong)-1], wrong[len(wrong)-1]
		if code, _, errs := run(args...); code != exitError || !strings.Contains(errs, want) {
			t.Errorf("%q: exit code %d, error %q, want %q", args, code, errs, want)
		}
	}
}

// Parked records are listed, edited, retried and
// dropped from the command line.
func TestParkedRecordsFromTheCommandLine(t *testing.T) {
	t.Parallel()
	m, c, run := remoteCluster(t)
	code, out, errs := run("parked", "list", "orders")
	said(t, code, out, errs, "no record is parked")
	for _, v := range []string{"bad 1", "bad 2"} {
		if _, err := m.Orders.Append(t.Context(), c.Client(), v); !errors.Is(err, client.ErrFailed) {
			t.Fatal(err)
		}
	}
	code, out, errs = run("parked", "list", "orders", "--json")
	said(t, code, out, errs)
	var parked []client.ParkedRecord
	if err := json.Unmarshal([]byte(out), &parked); err != nil || len(parked) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	if string(parked[0].Value) != "bad 1" {
		parked[0], parked[1] = parked[1], parked[0]
	}
	first, second := parked[0].ParkedRef.String(), parked[1].ParkedRef.String()
	code, out, errs = run("parked", "list", "orders")
	said(t, code, out, errs, first, "not a number", "bad 2")
	if code, _, errs = run("parked", "retry", first); code != exitError || !strings.Contains(errs, "not a number") {
		t.Errorf("a retry that fails again: exit code %d, error %q", code, errs)
	}
	code, out, errs = run("parked", "edit", first, "--value", "good")
	said(t, code, out, errs, "edited")
	if all, err := c.Client().Audit(t.Context(), "orders"); err != nil || all[0].Did != "editParked" || all[0].Before != "bad 1" || all[0].After != "good" {
		t.Errorf("the edit was noted as %+v, %v", all, err)
	}
	code, out, errs = run("parked", "retry", first)
	said(t, code, out, errs, "done")
	code, out, errs = run("parked", "skip", second)
	said(t, code, out, errs, "dropped")
	code, out, errs = run("parked", "list", "orders", "--json")
	said(t, code, out, errs, "[]")
	// It ran where the record lies, whatever its key is now.
	if n, err := m.Counts.Key("good").Get(c.Client().AtTask(context.Background(), task.ID(parked[0].Partition))); n != 1 || err != nil {
		t.Errorf("the edited record counted %d times: %v", n, err)
	}
	if code, _, errs = run("parked", "skip", second); code != exitError || !strings.Contains(errs, "not parked") {
		t.Errorf("a record that is not parked: exit code %d, error %q", code, errs)
	}
	for _, ref := range []string{"orders/x/orders/0/0", "orders/count/y/0/0"} {
		if code, _, errs = run("parked", "retry", ref); code != exitError || !strings.Contains(errs, "it has count/orders") {
			t.Errorf("a record of no source: exit code %d, error %q", code, errs)
		}
	}
}

// R22: tasks are listed with their owners; one that has data is not built anew.
func TestTasksFromTheCommandLine(t *testing.T) {
	t.Parallel()
	m, c, run := remoteCluster(t)
	if _, err := m.Orders.Append(t.Context(), c.Client(), "1"); err != nil {
		t.Fatal(err)
	}
	code, out, errs := run("tasks", "list", "orders")
	said(t, code, out, errs, "TASK  OWNER", "127.0.0.1:", "Z (took ", "has data")
	var listed []ownedTask
	code, out, errs = run("tasks", "list", "orders", "--json")
	said(t, code, out, errs)
	if err := json.Unmarshal([]byte(out), &listed); err != nil {
		t.Fatal(err)
	}
	for _, one := range listed {
		if since := time.Since(one.TookAt); since < 0 || since > time.Hour || one.TakeOverSeconds <= 0 || one.TookFrom != "" {
			t.Errorf("a task that nobody had before: %+v", one)
		}
	}
	for want, args := range map[string][]string{"there are orders": {"Nope", "0"}, "tasks 0 to 1, not 7": {"orders", "7"}, "nothing to rebuild": {"orders", "0"}} {
		if code, _, errs = run(append([]string{"tasks", "rebuild"}, args...)...); code != exitError || !strings.Contains(errs, want) {
			t.Errorf("rebuild %q: exit code %d, error %q, want %q", args, code, errs, want)
		}
	}
	if code, _, errs = run("tasks", "rebuild", "orders", "0", "--yes"); code != exitError || !strings.Contains(errs, "nothing to rebuild") {
		t.Errorf("exit code %d, error %q", code, errs)
	}
}

// What a module declares is told without its code.
func TestDescribe(t *testing.T) {
	t.Parallel()
	_, _, run := remoteCluster(t)
	code, out, errs := run("describe", "orders")
	said(t, code, out, errs, "module orders, 2 tasks", "hash of text", "map[string]int64", "parked after 1 attempts", "exactly once (no hops)")
	code, out, errs = run("describe", "orders", "--json")
	said(t, code, out, errs)
	var d client.Description
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatal(err)
	}
	if level := d.PStates[0].Level; level.Kind != "map" || level.Key != "text" || level.Value != "int64" || level.Codec != "json" {
		t.Errorf("its level is %+v", level)
	}
	if got := d.Depots[0]; got.Partitions != 2 || got.Codec != "text" || got.Record != "string" || !got.Appends {
		t.Errorf("its depot is %+v", got)
	}
	if code, _, errs = run("describe", "nothing"); code != exitError || !strings.Contains(errs, "there are orders") {
		t.Errorf("exit code %d, error %q", code, errs)
	}
}
