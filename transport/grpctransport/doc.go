// Package grpctransport carries frames and calls between machines, over gRPC.
//
// # Sessions
//
// The frames from one link to another travel in a session that outlives its TCP
// connection: each frame has a number, the receiver confirms what it has handed to
// its handler, and the sender keeps the rest. When a connection breaks, the next
// one resumes behind the last frame received: nothing is lost, doubled or out of
// order, and nobody hears of it. Closed is told, on both ends, only when frames may
// really be lost:
//
//   - the peer is another process than before (each link has a random incarnation),
//   - the session could not be resumed within Config.ResumeTimeout,
//   - more than Config.QueueBytesMax bytes wait for the peer.
//
// A session that is lost is never resumed; the next frame begins another.
//
// # Bytes
//
// The service is coppice.transport.v1.Transport. Its messages are raw bytes, not
// protocol buffers; numbers are uvarint unless noted, text and bytes have their
// length before them.
//
//	Frames (stream)   hello:   01 version, 01, from (text), incarnation (16 bytes),
//	                           session (8 bytes, lowest first), fresh (byte: 1 if
//	                           the receiver cannot know the session yet)
//	        answer    welcome: 01 version, 01, incarnation (16 bytes), last number
//	                           received; or
//	                  unknown: 01 version, 02, incarnation (16 bytes)
//	        then      batch:   number of the first frame, frames (count), each bytes;
//	                           a batch of no frames asks for a sign of life
//	        answers   ack:     last number received
//	Calls  (stream)   hello:   01 version, from (text)
//	        then      calls:   each its number and 01 with bytes: how long its caller
//	                           waits in milliseconds and one more, 0 if as long as it
//	                           takes, and the request; or 02 and no bytes if its caller
//	                           does not wait any more
//	        answers   answers: each the call's number and 01 with the answer, 02 with the text of
//	                           an error, or 03 with that of transport.ErrNoListener
//	Call   (unary)    request: 01 version, from (text), the request to the end
//	        answer             the answer as it is
//
// Several calls or answers in a message have 64 KiB together at most. Requests of more than 32 KiB, and
// calls to peers that do not know the stream of calls, are unary. A sender may have 100,000 calls
// that are not answered; further ones fail.
package grpctransport
