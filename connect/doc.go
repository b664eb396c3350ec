// Package connect makes a program's connections of settings that come from code, from
// flags or from the environment: to Kafka, to Redis, and between workers, with TLS and
// credentials.
//
//	servers := connect.Config{}
//	if err := servers.CompleteWorker(os.Getenv); err != nil { … }
//	log, err := servers.Log(ctx, logger)
//	state, err := servers.Store(ctx, logger)
//	network, err := servers.Network(logger)
//	worker.Run(ctx, worker.Config{Log: log, Store: state, Network: network, Address: servers.Workers.Listen, …})
//
// The command coppice has the same settings as flags, with the same names
// (docs/reference/cli.md); docs/security.md says which to choose. A password is never a
// flag, where every user of the machine could read it: it comes from a file or from the
// environment. Tokens are read from their file for each new connection, and certificates
// when their files have changed (package certs): who renews one restarts nothing.
package connect
