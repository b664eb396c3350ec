// Package transport is the seam between workers: ordered frames from one
// address to another, and calls that are answered. memtransport implements it
// within a process. transporttest is the conformance suite.
//
// # Contract
//
// Frames from one link to one address arrive in the order of Send, each at
// most once; when the connection between the two breaks, frames under way are
// lost and both handlers hear of it by Closed before any later frame arrives.
// Send never blocks and never fails: hops do not wait (R43), and a frame to an
// address that nobody listens on is lost like one whose connection broke.
package transport

import (
	"context"
	"errors"
	"time"
)

// ErrNoListener: nobody listens on the address that was called.
var ErrNoListener = errors.New("no worker listens on this address")

// ErrDenied: the two ends do not let each other in. The text says what to do; it does
// not pass by itself.
var ErrDenied = errors.New("access denied")

// Handler receives what others send to a link. Its methods may be called
// concurrently, but Frame is called in order for each sender.
type Handler interface {
	// Frame takes over the bytes.
	Frame(from string, frame []byte)
	// Call answers one request. ctx ends with the caller's.
	Call(ctx context.Context, from string, request []byte) ([]byte, error)
	// Closed says that the connection with an address ended: frames in both
	// directions may be lost.
	Closed(address string)
}

// Answerer is a Handler that can answer some requests later, without a goroutine that waits
// meanwhile: of those thousands may be open.
type Answerer interface {
	// Answer takes a request, if it is one of those, and reads it before it returns. answered
	// is to be called once, from any goroutine, and does not block; drop says that nobody waits
	// for it any more. A request that is not taken goes to Call, and so may any other.
	Answer(from string, request []byte, answered func([]byte, error)) (drop func(), taken bool)
}

// Link is one end: a worker's or a client's.
type Link interface {
	// Address is where others reach this link.
	Address() string
	// Send gives the frame away; the caller no longer touches it.
	Send(to string, frame []byte)
	// Call sends a request and waits for its answer or for ctx.
	Call(ctx context.Context, to string, request []byte) ([]byte, error)
	// Ask sends a request and does not wait. answered is called once with what Call would
	// return, from any goroutine, even before Ask returns, and must not block; behind drop it need
	// not be called, though an answer that is just coming may still. An error may say less than that of Call. Whoever answers may give up
	// after the patience, so that a link which has gone without a word leaves nothing behind;
	// whether somebody still waits then is the caller's to say, by drop.
	Ask(to string, request []byte, patience time.Duration, answered func([]byte, error)) (drop func())
	Close() error
}

// Network makes links.
type Network interface {
	// Listen opens a link. An empty address asks for one that is free.
	Listen(address string, handler Handler) (Link, error)
}
