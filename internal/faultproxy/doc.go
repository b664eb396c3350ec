// Package faultproxy is a TCP proxy on loopback whose connections can be broken
// on purpose, the way networks and servers break them: cut, stalled, delayed,
// cut in the middle of a message, refused, or led to another server.
//
// Every fault is one call, and a fault that lasts returns the function that
// ends it; there is no randomness here: what to break, and when, is the
// caller's choice. Faults hold for the connections that exist and for those
// that come, unless said otherwise, and may be combined:
//
//   - a request that is carried out and whose reply is lost: Stall(ToClient),
//     the request, Cut;
//   - a request that never arrives: Stall(ToServer), the request, Cut;
//   - a request that arrives after its sender has given up and closed the
//     connection: Stall(ToServer), the request, then the release (trap "late
//     EXEC from an old connection");
//   - a server that is not there: Refuse and Cut;
//   - a failover of an address: SetUpstream; connections that exist stay with
//     the old server until they are Cut.
//
// Bytes of one connection and direction keep their order, and an end (FIN or
// RST) that one side sends comes behind the bytes that it sent before.
package faultproxy
