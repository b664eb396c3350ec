// Package stack runs the real servers that Coppice needs on one machine: Apache
// Kafka (one KRaft node), Redis, a Redis cluster of three masters, and a pair of
// a Redis master and its replica. Where a
// container engine answers it uses the project's docker-compose.yml, elsewhere
// it starts the same servers as processes of this machine ("native").
//
// [Up] starts what is missing and returns when every server answers; the
// servers outlive the caller. A [State] in the state folder records each
// process, so that [Down], perhaps days later, ends exactly what Up started: by
// process id, and only while that id still is the recorded process.
//
// Tests use it with [Config.Folder] = t.TempDir() and the zero [Ports], which
// stand for free ports, and [Config.EndWithCaller]; they may then kill, pause and resume the servers
// through [Server.Signal] and bring dead ones back with another Up.
//
// [OpenRig] gives a stack that is made to be broken: Kafka and a Redis pair
// behind proxies that cut and stall, and controls that kill, pause and restart
// servers, promote a replica that lacks the last writes, and fill the memory.
//
// The native start needs Linux, Java 17 or newer and redis-server 7; the jars
// of Kafka come from Maven, once, into the user's cache folder.
package stack
