package localcluster_test

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/localcluster"
)

// A module runs in this process, on servers in memory: no service is needed.
func Example() {
	ctx := context.Background()
	cluster, err := localcluster.Start(ctx, localcluster.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	words := &wordcount.Words{}
	if err := cluster.Launch(ctx, words, localcluster.LaunchConfig{Tasks: 4}); err != nil {
		fmt.Println(err)
		return
	}
	acks, err := words.Sentences.Append(ctx, cluster.Client(), "to be or not to be")
	if err != nil {
		fmt.Println(err)
		return
	}
	total, _ := words.Total.From(acks)
	be, err := words.Counts.Key("be").Get(cluster.Client().At(ctx))
	fmt.Println(total, be, err)
	// Output: 6 2 <nil>
}
