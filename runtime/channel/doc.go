// Package channel holds the two ends of a channel, the numbered parcels from one
// task to another that carry the hops and acks of exactly-once topologies (R23 to
// R28). Out is the sender's: its outbox. In is the receiver's: what has arrived, and
// how far it is applied. Both are machines without input and output; what they say
// is stored by the task in the commit that it belongs to.
package channel
