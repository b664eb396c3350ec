package integration

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/redisstate"
)

// process is a Redis server of the test's own, which can be killed and started
// again on its data.
type process struct {
	t    *testing.T
	port int
	dir  string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T) *process {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on this machine")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, port: l.Addr().(*net.TCPAddr).Port, dir: t.TempDir()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p.start()
	t.Cleanup(p.kill)
	return p
}

func (p *process) address() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// start starts the server; every commit is on the disk before it is answered.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command("redis-server", "--port", fmt.Sprint(p.port), "--bind", "127.0.0.1", "--dir", p.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{Addr: p.address(), Protocol: 2})
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for c.Ping(ctx).Err() != nil {
		if ctx.Err() != nil {
			p.t.Fatal("redis-server does not answer")
		}
	}
}

// kill ends the server as a power cut does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// killing appends records of a census while a server is killed and comes back with its
// data.
func killing(t *testing.T, m *census) (records, even, told int) {
	t.Helper()
	server := startRedis(t)
	state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: []string{server.address()}})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	c, err := localcluster.Start(t.Context(), localcluster.Config{Store: state})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	const writers, each, kills = 16, 60, 3
	progress := make(chan struct{}, writers*each)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				m.append(t, c, w*each+i)
				progress <- struct{}{}
			}
		})
	}
	for range kills {
		for range writers * each / (kills + 1) {
			<-progress
		}
		server.kill()
		server.start()
	}
	group.Wait()
	even, told = m.counted(t, c)
	return writers * each, even, told
}

// R23 to R29, promise 3.56: a server that is killed under records that hop, and comes
// back with its data: in an exactly-once stream every record counts once everywhere.
func TestExactlyOnceWhileRedisIsKilled(t *testing.T) {
	t.Parallel()
	m := &census{name: "KilledCensus", options: []module.StreamOption{module.ExactlyOnce()}}
	records, even, told := killing(t, m)
	if even != records/2 || told != records/2 {
		t.Errorf("counted %d even records and told of %d odd ones, want %d each", even, told, records/2)
	}
}

// A server that is killed under load and comes back with its data: every record
// counts once, none is lost.
func TestRedisIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: []string{server.address()}})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	c, err := localcluster.Start(t.Context(), localcluster.Config{Store: state})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &tally{name: "Killed"}

	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	const writers, each, kills = 16, 150, 3
	progress := make(chan struct{}, writers*each)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				appendAll(t, c, m, w*each+i, 1)
				progress <- struct{}{}
			}
		})
	}
	for k := 1; k <= kills; k++ {
		for range writers * each / (kills + 1) {
			<-progress
		}
		server.kill()
		server.start()
	}
	group.Wait()
	total := 0
	for key := range keysOfTally {
		n, err := m.Total.Key(key).Get(c.Client().At(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != writers*each {
		t.Errorf("%d records were counted, %d were appended", total, writers*each)
	}
}
