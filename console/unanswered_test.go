package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/overview"
)

// unanswered is a cluster whose log answers no more.
type unanswered struct {
	*fake
	why error
}

func (c *unanswered) Modules(ctx context.Context) ([]client.ModuleInfo, error) {
	if c.why != nil {
		return nil, c.why
	}
	return c.fake.Modules(ctx)
}

func (c *unanswered) Describe(ctx context.Context, name string) (client.Description, error) {
	if c.why != nil {
		return client.Description{}, c.why
	}
	return c.fake.Describe(ctx, name)
}

func (c *unanswered) Plan(ctx context.Context, name string) (*module.Plan, error) {
	if c.why != nil {
		return nil, c.why
	}
	return c.fake.Plan(ctx, name)
}

// While the log does not answer, pages show what it said before, with what is wrong.
func TestPagesWhileTheLogDoesNotAnswer(t *testing.T) {
	t.Parallel()
	c := &unanswered{fake: newFake(4)}
	var hours atomic.Int64 // a look is shared for as long as it took
	now := func() time.Time { return time.Unix(hours.Load()*3600, 0) }
	h, err := newHandler(Config{Overview: overview.New(overview.Config{Cluster: c, Now: now})}, c, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if w := visit(t, h, http.MethodGet, "/", nil); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "no broker answers") {
		t.Fatalf("at first: %d", w.Code)
	}
	c.why, c.unread = errors.New("no broker answers"), "no broker answers for it"
	for address, wants := range map[string][]string{
		"/":                       {`<a href="/m/shop">shop</a>`, "the progress with depot orders cannot be read", "no broker answers for it"},
		"/m/shop":                 {"the progress with depot orders cannot be read"},
		"/m/shop/topologies/sell": {"at least once", "no broker answers for it", "sold"},
		"/m/shop/plan":            {"at least once", "dataflow cannot be read: no broker answers"},
	} {
		hours.Add(1)
		w := visit(t, h, http.MethodGet, address, nil)
		for _, want := range wants {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, and no %q in\n%s", address, w.Code, want, clip(w.Body.String(), 3000))
			}
		}
	}
}
