package wire

import (
	"encoding/binary"

	"github.com/coppice-run/coppice/task"
)

// RequestVersion opens a request to the owner of a task, and its answer.
const RequestVersion = 2

// Request asks the owner of a task something: exactly one of the pointers is set.
type Request struct {
	Module string
	Task   task.ID
	Await  *AwaitRequest
	Parked *ParkedRequest
	Query  *QueryRequest
	// Setting asks the owner to answer when its task goes by a fact of the meta topic.
	Setting *SettingRequest
	// Status asks the owner what its task is at. The answer's Text is JSON.
	Status bool
	// Trees asks the worker that owns the task what all its tasks of the module know of event
	// trees: a JSON eventtree.Query. The answer's Text is a JSON list of eventtree.Part.
	Trees []byte
	// Release asks the owner to finish what it has begun: the task is nominated to
	// the worker that asks.
	Release bool
	// Prepare is for any worker of the module: Task counts for nothing.
	Prepare *PrepareRequest
}

// PrepareRequest has the module's code make a record of its JSON form.
type PrepareRequest struct {
	Depot string
	JSON  []byte
}

// AwaitRequest asks how a record ended.
type AwaitRequest struct {
	Depot  string
	Offset int64
}

// ParkedRequest has something done about a parked record.
type ParkedRequest struct {
	Order            uint8 // runtime.ParkedOrder
	Topology, Source string
	Offset           int64
	Step, Event      string // of a parked event, else ""
	Value            []byte // the new value, of an edit
}

// QueryRequest asks a query of the module: whichever worker has it, owner of the task or
// not. Its answer is a QueryAnswer.
type QueryRequest struct {
	Name     string
	Argument []byte
}

// SettingRequest is a fact of a module's meta topic; without a Value: that it is not there.
type SettingRequest struct {
	Key   string
	Value []byte
}

// Kinds of requests.
const (
	awaitKind = iota + 1
	parkedKind
	releaseKind
	queryKind
	prepareKind
	settingKind
	statusKind
	treesKind
)

// AppendRequest appends the stored form of a request.
func AppendRequest(dst []byte, q *Request) []byte {
	kind := byte(awaitKind)
	switch {
	case q.Parked != nil:
		kind = parkedKind
	case q.Release:
		kind = releaseKind
	case q.Query != nil:
		kind = queryKind
	case q.Prepare != nil:
		kind = prepareKind
	case q.Setting != nil:
		kind = settingKind
	case q.Status:
		kind = statusKind
	case q.Trees != nil:
		kind = treesKind
	}
	dst = append(dst, RequestVersion, kind)
	dst = appendText(dst, q.Module)
	dst = binary.AppendUvarint(dst, uint64(q.Task))
	if p := q.Parked; p != nil {
		dst = append(dst, p.Order)
		dst = appendText(dst, p.Topology)
		dst = appendText(dst, p.Source)
		dst = binary.AppendVarint(dst, p.Offset)
		dst = appendText(dst, p.Step)
		dst = appendText(dst, p.Event)
		dst = binary.AppendUvarint(dst, uint64(len(p.Value)))
		return append(dst, p.Value...)
	}
	if q.Release || q.Status {
		return dst
	}
	if q.Trees != nil {
		dst = binary.AppendUvarint(dst, uint64(len(q.Trees)))
		return append(dst, q.Trees...)
	}
	if q.Query != nil {
		dst = appendText(dst, q.Query.Name)
		dst = binary.AppendUvarint(dst, uint64(len(q.Query.Argument)))
		return append(dst, q.Query.Argument...)
	}
	if p := q.Prepare; p != nil {
		dst = appendText(dst, p.Depot)
		dst = binary.AppendUvarint(dst, uint64(len(p.JSON)))
		return append(dst, p.JSON...)
	}
	if s := q.Setting; s != nil {
		dst = appendText(dst, s.Key)
		dst = binary.AppendUvarint(dst, uint64(len(s.Value)))
		return append(dst, s.Value...)
	}
	dst = appendText(dst, q.Await.Depot)
	return binary.AppendVarint(dst, q.Await.Offset)
}

// IsAwait reports whether a request asks how a record ended.
func IsAwait(raw []byte) bool {
	return len(raw) >= 2 && raw[0] == RequestVersion && raw[1] == awaitKind
}

// ParseRequest reads a request back.
func ParseRequest(raw []byte) (*Request, error) {
	p := parser{rest: raw}
	p.version("request")
	kind := p.byte()
	q := &Request{Module: p.text(), Task: p.task()}
	switch kind {
	case awaitKind:
		q.Await = &AwaitRequest{Depot: p.text(), Offset: p.varint()}
	case parkedKind:
		q.Parked = &ParkedRequest{Order: p.byte(), Topology: p.text(), Source: p.text(), Offset: p.varint(), Step: p.text(), Event: p.text(), Value: p.bytes()}
	case releaseKind:
		q.Release = true
	case queryKind:
		q.Query = &QueryRequest{Name: p.text(), Argument: p.bytes()}
	case prepareKind:
		q.Prepare = &PrepareRequest{Depot: p.text(), JSON: p.bytes()}
	case statusKind:
		q.Status = true
	case treesKind:
		q.Trees = p.bytes()
	case settingKind:
		q.Setting = &SettingRequest{Key: p.text(), Value: p.bytes()}
	default:
		p.fail("kind %d", kind)
	}
	return q, p.end("request")
}
