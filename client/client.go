package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// Config says what a client talks to.
type Config struct {
	// Log, Store and Network are those of the module's workers. All are required;
	// the client does not close them.
	Log     depot.Log
	Store   store.Store
	Network transport.Network
	// AwaitTimeout bounds how long an acked append waits for its streams, when the
	// caller's context has no earlier end. Default 30 s.
	AwaitTimeout time.Duration
	// Tracing, if set, makes a span of every append. Without it the trace context
	// of the caller's ctx still travels with the record.
	Tracing trace.TracerProvider
}

// Client uses running modules.
type Client struct {
	config Config
	link   transport.Link
	open   context.Context // until Close
	close  context.CancelFunc

	mu      sync.RWMutex
	modules map[string]*bound
}

// bound is a module as this client knows it.
type bound struct {
	name   string
	tasks  int
	plan   *module.Plan
	spread *module.Plan         // as the tasks run it, over topics of others
	former []*module.PStatePlan // of earlier versions
	slots  []store.Slot         // by task

	mu     sync.Mutex
	owners []string // address by task, "" if not known
}

// New opens a client.
func New(config Config) (*Client, error) {
	if config.Log == nil || config.Store == nil || config.Network == nil {
		return nil, errors.New("client: Config.Log, Store and Network are required")
	}
	if config.AwaitTimeout < 0 {
		return nil, fmt.Errorf("client: Config.AwaitTimeout is %v; want more than nothing, or 0 for the default", config.AwaitTimeout)
	}
	if config.AwaitTimeout == 0 {
		config.AwaitTimeout = 30 * time.Second
	}
	link, err := config.Network.Listen("", listener{})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	c := &Client{config: config, link: link, modules: map[string]*bound{}}
	c.open, c.close = context.WithCancel(context.Background())
	return c, nil
}

// Close closes the client. What waits for an answer ends at once, with ErrClosed as the
// cause: an append that was not confirmed with an UnknownError, like one whose record is
// not done; later appends with a NotAppendedError.
func (c *Client) Close() error {
	c.close()
	return c.link.Close()
}

// whileOpen is a context that ends with the client, too, and then has the cause ErrClosed.
func (c *Client) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.open, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// over is why a context is over; nil while it is not.
func (c *Client) over(ctx context.Context) error {
	if c.open.Err() != nil {
		return ErrClosed
	}
	return ctx.Err()
}

// Use makes the module's handles usable with this client: it runs Define, once
// per value, and checks what it declares against the module that runs. Errors:
// ErrNoModule, naming the modules that exist; ErrMismatch, naming what lacks;
// *module.DefinitionError; *module.DependencyError, where what it mirrors is not as it declares.
func (c *Client) Use(ctx context.Context, m module.Module) error {
	plan, err := module.Compile(m)
	if err != nil {
		return err
	}
	if err := c.bindMirrors(ctx, plan); err != nil {
		return err
	}
	_, err = c.bind(ctx, plan.Module, plan)
	return err
}

// named returns a module by its name, whether or not the program has its code.
func (c *Client) named(ctx context.Context, name string) (*bound, error) {
	if b, err := c.module(name); err == nil {
		return b, nil
	}
	return c.bind(ctx, name, nil)
}

// bind finds a running module. plan is the caller's version of it, if it has one.
func (c *Client) bind(ctx context.Context, name string, plan *module.Plan) (*bound, error) {
	b, err := c.registered(ctx, name)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, c.noModule(ctx, name)
	}
	if plan != nil {
		if err := lacks(b.plan, plan); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.modules[name] = b
	return b, nil
}

// registered reads what a module has noted of itself; nil: nothing.
func (c *Client) registered(ctx context.Context, name string) (*bound, error) {
	meta, err := c.config.Log.Meta(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("client: looking up module %s: %w", name, err)
	}
	r, err := module.ReadRegistration(name, meta[module.RegistrationKey])
	if r == nil || err != nil {
		return nil, err
	}
	spread, err := r.Plan.Spread(r.Tasks, r.Partitions())
	if err != nil {
		return nil, fmt.Errorf("client: module %s: %w", name, err)
	}
	b := &bound{name: name, tasks: r.Tasks, plan: r.Plan, spread: spread, former: r.Former, owners: make([]string, r.Tasks), slots: make([]store.Slot, r.Tasks)}
	for i := range b.slots {
		b.slots[i] = wire.Slot(task.Tag(name, task.ID(i), r.Tasks))
	}
	return b, nil
}

// noModule names the modules that exist.
func (c *Client) noModule(ctx context.Context, name string) error {
	names, err := c.config.Log.Modules(ctx)
	if err != nil {
		return fmt.Errorf("module %q: %w", name, ErrNoModule)
	}
	if len(names) == 0 {
		return fmt.Errorf("module %q: %w: no module has run on these servers; launch it first", name, ErrNoModule)
	}
	return fmt.Errorf("module %q: %w; there are %s", name, ErrNoModule, strings.Join(names, ", "))
}

// lacks compares what a program declares with what runs.
func lacks(running, declared *module.Plan) error {
	var missing []error
	for _, d := range declared.Depots {
		if have, ok := running.Depot(d.Name); !ok {
			missing = append(missing, fmt.Errorf("depot %q: %w; it has the depots %s", d.Name, ErrMismatch, names(running.Depots, func(d *module.DepotPlan) string { return d.Name })))
		} else if have.Partitioning != d.Partitioning || have.Codec != d.Codec {
			missing = append(missing, fmt.Errorf("depot %q: %w: it is partitioned by %s and stored as %s, here by %s and as %s", d.Name, ErrMismatch, have.Partitioning, have.Codec, d.Partitioning, d.Codec))
		}
	}
	for _, p := range declared.PStates {
		i := slices.IndexFunc(running.PStates, func(have *module.PStatePlan) bool { return have.Name == p.Name })
		if i < 0 {
			missing = append(missing, fmt.Errorf("PState %q: %w; it has the PStates %s", p.Name, ErrMismatch, names(running.PStates, func(p *module.PStatePlan) string { return p.Name })))
		} else if have := running.PStates[i]; !have.ReadBy(p) {
			missing = append(missing, fmt.Errorf("PState %q: %w: it is declared as %s, here as %s", p.Name, ErrMismatch, have, p))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return fmt.Errorf("module %s: %w", declared.Module, err)
	}
	return nil
}

func names[T any](things []T, name func(T) string) string {
	out := make([]string, len(things))
	for i, t := range things {
		out[i] = name(t)
	}
	slices.Sort(out)
	if len(out) == 0 {
		return "(none)"
	}
	return strings.Join(out, ", ")
}

// module returns what is known of a module that Use has bound.
func (c *Client) module(name string) (*bound, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if b := c.modules[name]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("module %s is not bound to this client: call Use with it first", name)
}

// listener is the client's end of its link: nobody sends to it.
type listener struct{}

func (listener) Frame(string, []byte) {}
func (listener) Closed(string)        {}
func (listener) Call(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("a client answers no calls")
}
