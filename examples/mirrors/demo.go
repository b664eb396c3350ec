package mirrors

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Demo launches the shop and the module that orders, sells something, and then updates the
// shop to a version that reads the deliveries.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	shop := &Shop{}
	orders := &Orders{}
	if name != "" {
		shop.Name, orders.Name, orders.Of = name, name+"-orders", name
	}
	var lacks *module.DependencyError
	if err := c.Launch(ctx, orders, launch); !errors.As(err, &lacks) {
		return fmt.Errorf("launched before the shop: %v", err)
	}
	fmt.Fprintln(out, "the orders need", len(lacks.Mistakes), "things of the shop")
	if err := c.Launch(ctx, shop, launch); err != nil {
		return err
	}
	if err := c.Launch(ctx, orders, launch); err != nil {
		return err
	}
	for _, n := range []Minimum{{"tea", 10}, {"milk", 5}} {
		if _, err := shop.Minimums.Append(ctx, c.Client(), n); err != nil {
			return err
		}
	}
	for _, s := range []Sale{{"tea", 3}, {"milk", 1}, {"tea", 4}} {
		place, err := sell(ctx, c.Client(), shop, s)
		if err != nil {
			return err
		}
		if err := c.Client().WaitMirrored(ctx, module.NameOf(orders), place); err != nil {
			return err
		}
	}
	for _, product := range []string{"tea", "milk"} {
		need, err := orders.Needs.Key(product).Get(c.Client().At(ctx))
		if err != nil {
			return err
		}
		coming, err := orders.Coming.Ask(ctx, c.Client(), product)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s ordered: %d, then there are %d\n", product, need.Ordered, coming)
	}
	return update(ctx, c, launch, shop, orders, out)
}

// sell appends a sale, waits for the shop, and says where it lies.
func sell(ctx context.Context, c *client.Client, shop *Shop, s Sale) (client.Place, error) {
	r, err := shop.Sales.Record(s)
	if err != nil {
		return client.Place{}, err
	}
	place, err := c.Put(ctx, r)
	if err == nil {
		_, err = c.Await(ctx, place)
	}
	return place, err
}

// update stops all workers, and launches the shop with the deliveries: from here on each
// module mirrors the other.
func update(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, shop *Shop, orders *Orders, out io.Writer) error {
	for _, w := range c.Workers() {
		if err := w.StopModule(ctx, module.NameOf(shop)); err == nil {
			break
		}
	}
	next := &Shop{Name: shop.Name, Orders: module.NameOf(orders)}
	if err := c.Launch(ctx, next, launch); err != nil {
		return err
	}
	for product, want := range map[string]int{"tea": 10, "milk": 5} {
		if err := await(ctx, c.Client(), next, product, want); err != nil {
			return err
		}
	}
	for _, product := range []string{"tea", "milk"} {
		left, err := next.Left.Ask(ctx, c.Client(), product)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s left: %d\n", product, left)
	}
	return nil
}

// await waits until the shop has so much of a product.
func await(ctx context.Context, c *client.Client, shop *Shop, product string, want int) error {
	for change, err := range client.Watch(ctx, c, client.WatchOptions{}, func(r pstate.Reader) (Shelf, error) { return shop.Shelves.Key(product).Get(r) }) {
		if err != nil {
			return err
		}
		if change.Value.Bought-change.Value.Sold == want {
			return nil
		}
	}
	return ctx.Err()
}
