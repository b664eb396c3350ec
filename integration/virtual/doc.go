// Package virtual runs workers, clients and both adapters under virtual time:
// whole modules inside the bubbles of testing/synctest, over an in-memory broker
// and server, with lines between them that break by a plan.
package virtual
