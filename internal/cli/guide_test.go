package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// The code and the commands of docs/guides/clients.md.

type Shop struct {
	Orders  module.Depot[Order]                                // by customer
	Sold    pstate.Map[string, int]                            // amount per customer
	History pstate.MapOf[string, pstate.SortedMap[int, Order]] // per customer, by number
	Total   module.Ack[int]
	Spent   module.Query[string, int] // by customer
}

type Order struct {
	Customer string
	Item     string
	Amount   int
}

// namedShop is a shop beside others on the same servers.
type namedShop struct {
	Shop
	name string
}

func (m *namedShop) ModuleName() string { return m.name }

func (m *Shop) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o Order) string { return o.Customer })
	module.DeclareQuery(b, &m.Spent, "spent", func(q *module.Asked, customer string) (int, error) { return m.Sold.Key(customer).Get(q) })
	s := b.Stream("sell")
	s.PState(&m.Sold, "sold")
	s.PState(&m.History, "history")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareSource(s, m.Orders, func(ev *module.Event, o Order) error {
		history := m.History.Key(o.Customer)
		number := 1
		for range history.Range(ev, pstate.All[int]()) {
			number++
		}
		history.Key(number).Set(ev, o)
		m.Total.Return(ev, m.Sold.Key(o.Customer).Update(ev, func(n int) int { return n + o.Amount }))
		return nil
	}, module.MaxAttempts(1))
}

func startTwo(ctx context.Context, m *Shop, c *client.Client) error {
	pending := m.Orders.Start(ctx, c, Order{"ann", "tea", 5})
	pending2 := m.Orders.Start(ctx, c, Order{"ann", "milk", 7}) // behind it in the depot
	_, err := pending.Wait(ctx)
	<-pending2.Done()
	return err
}

func watchAnn(ctx context.Context, m *Shop, c *client.Client, show func(int)) error {
	read := func(r pstate.Reader) (int, error) { return m.Sold.Key("ann").Get(r) }
	for change, err := range client.Watch(ctx, c, client.WatchOptions{}, read) {
		if err != nil {
			return err
		}
		show(change.Value) // as of change.Commits
	}
	return nil
}

func guide(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The commands of the guide print what it says. … stands for anything.
func TestGuideCommands(t *testing.T) {
	t.Parallel()
	c, run := remoteServers(t)
	followGuide(t, c, "Shop", run)
}

// On real servers the commands of the guide print the same, but for the width of tables.
func TestGuideCommandsOnRealServers(t *testing.T) {
	t.Parallel()
	kafka := os.Getenv("COPPICE_TEST_KAFKA")
	for _, variable := range []string{"COPPICE_TEST_REDIS", "COPPICE_TEST_REDIS_CLUSTER"} {
		redis := os.Getenv(variable)
		if kafka == "" || redis == "" {
			t.Skip("COPPICE_TEST_KAFKA and " + variable + " name no servers; make integration starts them")
		}
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			c := clusterOn(t, []string{kafka}, strings.Split(redis, ","))
			followGuide(t, c, "Shop-"+uuid.NewString()[:8], func(args ...string) (int, string, string) {
				return coppice(t.Context(), append(args, "--kafka", kafka, "--redis", redis)...)
			})
		})
	}
}

// followGuide runs the commands of the guide on a shop of the given name.
func followGuide(t *testing.T, c *localcluster.Cluster, name string, run func(args ...string) (int, string, string)) {
	t.Helper()
	if err := c.Launch(t.Context(), &namedShop{name: name}, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	api, err := httpapi.New(httpapi.Config{Client: c.Client()})
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(guide(t), -1) {
		for _, text := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			line, want, _ := strings.Cut(strings.ReplaceAll(text, "Shop", name), "\n")
			args := words(line)
			var got string
			switch args[0] {
			case "coppice":
				_, out, errs := run(args[1:]...)
				got = out + errs
			case "curl":
				got = curl(t, api, args[1:])
			}
			commands++
			if name != "Shop" {
				if args[1] == "modules" {
					continue // others have run there, too
				}
				got, want = narrowed(got), narrowed(want)
			}
			if !like(want).MatchString(trimmed(got)) {
				t.Errorf("%s\nprinted\n%s\nwant\n%s", line, got, want)
			}
		}
	}
	if commands < 15 {
		t.Errorf("the guide has %d commands", commands)
	}
}

// narrowed has one space where there are several.
func narrowed(text string) string { return regexp.MustCompile(` +`).ReplaceAllString(text, " ") }

// trimmed leaves out the spaces at the ends of lines, which a guide has not got.
func trimmed(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// like matches a text in which … stands for anything on its line.
func like(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(trimmed(text)), "…", ".*") + "$")
}

// words splits a line as a shell does, with single quotes.
func words(line string) (all []string) {
	for _, w := range regexp.MustCompile(`(?:[^\s']|'[^']*')+`).FindAllString(line, -1) {
		all = append(all, strings.ReplaceAll(w, "'", ""))
	}
	return all
}

// curl asks the API as the command would.
func curl(t *testing.T, api http.Handler, args []string) string {
	t.Helper()
	method, address, body := http.MethodGet, args[len(args)-1], ""
	for i, a := range args {
		switch a {
		case "-d":
			method, body = http.MethodPost, args[i+1]
		case "--data-urlencode":
			name, value, _ := strings.Cut(args[i+1], "=")
			address += "?" + name + "=" + url.QueryEscape(value)
		}
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body)))
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The code of the guide is that of this file, its steps are those that there are.
func TestGuideCode(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("guide_test.go")
	if err != nil {
		t.Fatal(err)
	}
	spaces := regexp.MustCompile(`[ \t]+`)
	source := spaces.ReplaceAllString(string(raw), " ")
	text := guide(t)
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.SplitSeq(block[1], "\n") {
			if line = strings.TrimSpace(spaces.ReplaceAllString(line, " ")); !strings.Contains(source, line) {
				t.Errorf("the guide says %q, and its test does not", line)
			}
		}
	}
	if steps := navtext.Reference(); !strings.Contains(text, steps) {
		t.Errorf("the guide's table of steps is not\n%s", steps)
	}
}

// What the guide does in Go works.
func TestGuideGo(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &Shop{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	if err := startTwo(t.Context(), m, c.Client()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	err = watchAnn(ctx, m, c.Client(), func(n int) {
		seen = n
		cancel()
	})
	if seen != 12 || ctx.Err() == nil || err == nil {
		t.Errorf("the watch saw %d, and ended with %v", seen, err)
	}
}
