package main

// reasons say of curves what makes their knees. A curve whose reason has figures of its run has it
// in the results, beside its points (curve.Reason).
var reasons = map[string]string{
	"tasks": "With more tasks each has fewer keys: a batch meets a key more often and writes fewer fields, of a smaller hash, which is what makes an event cheaper for Redis. The knee is at 256, and is the start, which is part of a round: so many connections and take-overs, and each task asks for the heads of all others.",

	"tasks-memory": "Half of the most is garbage that is not collected yet. Of what was in use in profiles with 16, 64 and 256 tasks (measured on 2026-11-27), fetched records had 40, 60 and 72 MB: what is fetched ahead is bounded for all together, and partitions are shorter where there are more. What tasks keep of the events of their batches had 16, 75 and 100 MB, the buffers of their connections to Redis 11, 23 and 60 MB, and with 256 what each had to say to each other one at the start 27 MB. The 100,000 keys are shared out among the tasks, so that their caches are the same in sum.",

	"state-memory": "What is read or written stays in memory, up to pstate.cache.entries.max of each task; then what was not met for longest goes.",

	"trees": "A tree of one event pays for a record, a tree and an ack per event; from about ten on what remains is the hop and the count. Trees of all sizes count the same 1,000 keys, each the next ones, so that commits are as large. A tree keeps 64 bits at its root whatever its size. Records that set off many events begin at the pace at which those run, so few events wait, which caches hold. The knee is where one record alone sets off more than that: its events wait until its handler has returned, and beyond topology.stream.tree.bytes.max of a task they go through a file. With 1,000,000 events, packing and parsing them for it was a quarter of the worker's CPU time, and collecting garbage an eighth, by a profile (measured on 2026-11-27).",

	"values": "Small records cost by the event, large ones by the byte: the knee is at about 1 kB, where a record takes as long to fetch and copy as to count. The records do not compress. What is kept of them is a count; of values that are kept, the curve of what is stored has those of 1,000 B.",

	"hotkey": "All records of a key are one task's, and each of its batches writes the key once. So the more records are of one key, the less Redis has to do, and the task that has them is not held up: it alone does as much as the last point shows.",

	"skew": "The steeper the keys, the more often a batch meets one, which it writes once: Redis has less and less to do. That one task has more of the records then than the others costs less than that saves; at the steepest one task does nearly all, as with a hot key.",

	"trees-memory": "Records begin at the pace of what they set off, so the events that wait are as many up to some thousand of a record. What one record sends off waits on its task until its handler has returned: so memory follows the largest tree from there on, up to topology.stream.tree.bytes.max of each task; then a file has it. Before a source has seen what its records set off it begins four.",

	"values-memory": "What is fetched ahead, what is held of paused partitions and what waits for a task are bounded by their number, their bytes or both (depot.cache.cardinality, kafkadepot.Config.FetchBytes): large records reach the bounds by bytes, and one that is larger than a fetch comes whole.",

	"hotkey-memory": "Records wait for the task that has the hot key, whose partition is read as far ahead as any other's: so a hot key is not to cost memory.",

	"skew-memory": "The steeper the keys, the fewer of them are met, and kept; as much is fetched ahead.",

	"stored": "A task reads from Redis what its events ask for and memory does not have, and nothing else. So the knee is where most events are the first to meet their value: of the last points, with 1 GB and 5 GB, nearly all are. From there on an event costs the worker no more; Redis finds less and less of what it reads in caches.",

	"stored-memory": "The worker holds what it has met, up to pstate.cache.entries.max of each task, not what is stored.",

	"workers": "More workers on one machine have no more processors: what is lost against one worker is what hops between workers cost, half of them with two workers, three quarters with four. The CPU time of all workers together, below, says how much that is; the difference between the lines is what gRPC costs beyond encoding and queues.",

	"workers-memory": "What the process takes while the topology runs, beyond what it has when its workers have their tasks and wait. The tasks are the same ones with more workers, but each worker has a client of its own, whose fetches are under way, and frames between workers come on top. How much is whose was not measured apart.",

	"visible-p50": "A microbatch costs two commits of each task and two more of the coordinator, whatever is in it. Where a small bound has more come than so many microbatches hold, records wait for the next one, and the line ends.",

	"visible-p99": "A record that comes when a microbatch has just begun waits for all of it, and for its own; with a small bound under load for several. Of 100 records of a point this is the last but one: one hiccup of the machine makes a peak.",
}
