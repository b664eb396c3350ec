package wire

import "github.com/coppice-run/coppice/store"

// The names of a task's Redis keys. All start with the task's tag in braces,
// so that they lie in one hash slot:
//
//	{tag}:head                     the head (task.Head)
//	{tag}:p:<pstate>               a PState without nesting, or its outermost level
//	{tag}:p:<pstate>/<seg>/<seg>   a nested structure, one escaped segment per level
//	{tag}:i:<pstate>/…             the order of a sorted map
//	{tag}:p:$$__streaming-state-<topology>
//	                               progress of a stream topology, one field per source
//	{tag}:p:$$__microbatcher-state-<topology>
//	                               of a microbatch topology: progress by source, $stamp, $stage,
//	                               and on task 0 $current
//	{tag}:stage:<topology>         what an attempt is to write (R35)
//	{tag}:p:$$__parked             parked records
//	{tag}:attempts                 numbers of the attempts at records that failed (R20)
//	{tag}:generations              newest runs of the sources that retry all after (R21)
//	{tag}:endings                  latest records that were rejected or parked
//	{tag}:channels                 positions in the channels from and to other tasks (R24)
//	{tag}:outbox                   parcels that their receivers have not confirmed (R23)
//	{tag}:calls                    calls to the outside that are under way
//	{tag}:groups                   records that are consumed and not done (R29)
//	{tag}:appends                  numbered appends that the log may not have (R30)
//	{tag}:migrations               how far each PState is rewritten, by its name
//	{tag}:senders                  which numbered appends each source has met (R30)
//
// In segments, '/' is written %2F and '%' is written %25.

// HeadKey names the head of a slot.
func HeadKey(tag string) string { return "{" + tag + "}:head" }

// Slot returns the store's name of a task's slot.
func Slot(tag string) store.Slot { return store.Slot{Tag: tag, Head: HeadKey(tag)} }

// DataNoteKey begins the keys of the meta topic that note which tasks have had
// data: data/<task> (R22). Taking the note away lets a task with an empty slot begin
// anew.
const DataNoteKey = "data/"

// ProgressTable names the progress of a stream topology.
func ProgressTable(tag, topology string) store.Table {
	return PStateTable(tag, ProgressName(topology), store.Map)
}

// ProgressName is the name of the PState that keeps a stream's progress
// (promise 3.47).
func ProgressName(topology string) string { return "$$__streaming-state-" + topology }

// MicrobatchTable names what a task knows of a microbatch topology: how far its sources
// are, which microbatch is applied, which stage lies in the slot.
func MicrobatchTable(tag, topology string) store.Table {
	return PStateTable(tag, MicrobatchName(topology), store.Map)
}

// TopologyTable names where a task keeps how far the sources of a topology are, by their
// names: a stream's, or that of a microbatch topology.
func TopologyTable(tag, topology string, microbatch bool) store.Table {
	if microbatch {
		return MicrobatchTable(tag, topology)
	}
	return ProgressTable(tag, topology)
}

// MicrobatchName is the name of the PState that keeps that.
func MicrobatchName(topology string) string { return "$$__microbatcher-state-" + topology }

// Fields of a MicrobatchTable beside those of the sources.
const (
	CurrentField = "$current" // the latest microbatch, on the task that coordinates
	StampField   = "$stamp"   // the microbatch that the task has applied last
	StageField   = "$stage"   // the seal of the stage
)

// StageTable names what an attempt at a microbatch is to write on a task.
func StageTable(tag, topology string) store.Table {
	return store.Table{Key: "{" + tag + "}:stage:" + topology, Kind: store.Map}
}

// ParkedTable names the parked records of a task.
func ParkedTable(tag string) store.Table {
	return PStateTable(tag, ParkedName, store.Map)
}

// AttemptsTable names the numbers of attempts at records that failed before.
func AttemptsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:attempts", Kind: store.Map}
}

// GenerationsTable names the newest generations that a task has heard of.
func GenerationsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:generations", Kind: store.Map}
}

// EndingsTable names the latest records of a task that were rejected or parked.
func EndingsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:endings", Kind: store.Map}
}

// CallsTable names the calls to the outside of exactly-once topologies that are under
// way, by the seed of their event.
func CallsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:calls", Kind: store.Map}
}

// ChannelsTable names the positions of a task in its channels: "in/<task>" and
// "out/<task>".
func ChannelsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:channels", Kind: store.Map}
}

// OutboxTable names the parcels of a task that are not confirmed: "<task>/<number>".
func OutboxTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:outbox", Kind: store.Map}
}

// MigrationsTable names how far the PStates of a task are whose values migrate, by their names.
func MigrationsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:migrations", Kind: store.Map}
}

// GroupsTable names the records of a task that are consumed and whose events are
// not all done.
func GroupsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:groups", Kind: store.Map}
}

// PStateTable names the table of a PState, or of a structure nested in it under
// the given encoded segments.
func PStateTable(tag, pstate string, kind store.Kind, segments ...string) store.Table {
	size := len(tag) + len(pstate) + 5
	for _, s := range segments {
		size += len(s) + 1
	}
	key := make([]byte, 0, size)
	key = append(key, '{')
	key = append(key, tag...)
	key = append(key, "}:p:"...)
	kindAt := len(key) - 2
	key = append(key, pstate...)
	for _, s := range segments {
		key = append(key, '/')
		key = appendEscaped(key, s)
	}
	table := store.Table{Key: string(key), Kind: kind}
	if kind == store.SortedMap {
		key[kindAt] = 'i'
		table.Index = string(key)
	}
	return table
}

func appendEscaped(dst []byte, segment string) []byte {
	for i := 0; i < len(segment); i++ {
		switch c := segment[i]; c {
		case '/':
			dst = append(dst, "%2F"...)
		case '%':
			dst = append(dst, "%25"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
