// Package localcluster runs modules in one process: the same workers, clients
// and adapters as in production, over an in-memory Kafka broker and an in-memory
// Redis server. It needs no ports and no services, starts in milliseconds, and
// serves tests, examples and demos.
//
//	cluster, err := localcluster.Start(ctx, localcluster.Config{})
//	defer cluster.Close()
//	words := &WordCount{}
//	err = cluster.Launch(ctx, words, localcluster.LaunchConfig{Tasks: 4})
//	acks, err := words.Sentences.Append(ctx, cluster.Client(), "to be or not to be")
//
// Everything that hops is encoded and decoded again, as between machines.
//
// Kafka and Redis in memory are not the real thing: they keep nothing, know no
// replicas and no full memory. With Config.Log and Config.Store the same cluster
// runs on real servers.
package localcluster
