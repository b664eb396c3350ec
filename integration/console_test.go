package integration

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/console"
	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// questions counts what a client asks of servers and workers.
type questions struct{ reads, calls atomic.Int64 }

type countedStore struct {
	store.Store
	asked *questions
}

func (s countedStore) Read(ctx context.Context, slot store.Slot, reads []store.Read) (task.Head, error) {
	s.asked.reads.Add(1)
	return s.Store.Read(ctx, slot, reads)
}

type countedNetwork struct {
	transport.Network
	asked *questions
}

func (n countedNetwork) Listen(address string, handler transport.Handler) (transport.Link, error) {
	l, err := n.Network.Listen(address, handler)
	return countedLink{l, n.asked}, err
}

type countedLink struct {
	transport.Link
	asked *questions
}

func (l countedLink) Call(ctx context.Context, to string, request []byte) ([]byte, error) {
	l.asked.calls.Add(1)
	return l.Link.Call(ctx, to, request)
}

// A page about real tasks asks the servers a few questions for each task, and the workers one for
// each task and one or two for all their trees. A thousand tasks take too long to start for a
// test: what is asked of them is as many times as much.
func TestQuestionsOfAPageAreBounded(t *testing.T) {
	t.Parallel()
	const tasks, workers = 30, 2
	log, state, network := memdepot.New(nil), memstore.New(), memtransport.New()
	c, err := localcluster.Start(t.Context(), localcluster.Config{Log: log, Store: state, Network: network})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Launch(t.Context(), &wordcount.Words{}, localcluster.LaunchConfig{Tasks: tasks, Workers: workers}); err != nil {
		t.Fatal(err)
	}
	asked := &questions{}
	own, err := client.New(client.Config{Log: log, Store: countedStore{state, asked}, Network: countedNetwork{network, asked}})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	look := overview.New(overview.Config{Cluster: own, Period: time.Hour, AnswerTimeout: time.Minute, LookTimeout: time.Minute})
	h, err := console.New(console.Config{Client: own, Overview: look})
	if err != nil {
		t.Fatal(err)
	}
	visit := func(page string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+page, nil))
		return w
	}
	visit("/m/Words") // who owns what is known from then on
	for _, page := range []string{
		"/", "/m/Words", "/m/Words/plan", "/m/Words/topologies", "/m/Words/topologies/words", "/m/Words/parked", "/m/Words/pstates", "/m/Words/pstates/counts",
		"/m/Words/depots", "/m/Words/depots/sentences", "/m/Words/tasks", "/m/Words/tasks/3", "/m/Words/options", "/m/Words/trees", "/m/Words/audit",
	} {
		look.Forget("Words") // the page looks itself
		reads, calls := asked.reads.Load(), asked.calls.Load()
		w := visit(page)
		reads, calls = asked.reads.Load()-reads, asked.calls.Load()-calls
		if w.Code != http.StatusOK || reads > 6*tasks+10 || calls > tasks+2*workers+5 {
			t.Errorf("%s: %d, with %d questions to servers and %d to workers, of %d tasks on %d workers", page, w.Code, reads, calls, tasks, workers)
		}
	}
}
