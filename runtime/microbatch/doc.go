// Package microbatch is the protocol of microbatches (R32 to R39) without anything
// around it: who says what to whom, what is stored before what is said, and what each
// may rest on. The engine carries the events, the writes and the messages; here are the
// two machines that it drives.
//
//	coordinator                     every task
//	Joining    ── join ──►          empty overlay
//	           id, ranges, token, in its slot
//	Running    ── run ──►           events over the overlay, acks;
//	           one round after another: records, then those of batch blocks
//	Staging    ── stage ──►         write set and seal, in its slot
//	Verifying  all seals shown
//	Deciding   the decision: from here it only rolls forward
//	Applying   ── apply ──►         write set and stamp, in one commit
//	Confirming all stamps shown
//
// A failure before the decision begins another attempt at the same ranges, under
// another token; after it, each step is repeated until it succeeds.
package microbatch
