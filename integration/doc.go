// Package integration holds the suites that run whole clusters: on the servers
// in memory always, and on real ones where these variables name them:
//
//	COPPICE_TEST_KAFKA          host:port of a Kafka broker
//	COPPICE_TEST_REDIS          host:port of a Redis server
//	COPPICE_TEST_REDIS_CLUSTER  host:port,… of the nodes of a Redis Cluster
//
// make integration starts the servers, sets the variables and ends the servers.
package integration
