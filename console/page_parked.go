package console

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/task"
)

// parkedMax and reasonsMax bound how many records and reasons one page shows.
const (
	parkedMax  = 500
	reasonsMax = 50
)

// parkedPage lists what is parked.
type parkedPage struct {
	Module  string
	Records []parkedRecord
	More    int // records that are not shown
	Reasons []client.ParkedReason
	// MoreReasons are not shown: they are of the fewest records.
	MoreReasons int
}

// parkedRecord is a record with the address of its page.
type parkedRecord struct {
	client.ParkedRecord
	To string
}

func showParked(q *request) error {
	all, err := q.h.cluster.Parked(q.ctx, q.module)
	if err != nil {
		return err
	}
	page := parkedPage{Module: q.module, More: max(0, len(all)-parkedMax)}
	for _, r := range all[:len(all)-page.More] {
		page.Records = append(page.Records, parkedRecord{r, parkedAddress(r.ParkedRef)})
	}
	page.Reasons = client.ParkedReasons(all)
	page.MoreReasons = max(0, len(page.Reasons)-reasonsMax)
	page.Reasons = page.Reasons[:len(page.Reasons)-page.MoreReasons]
	return q.show("parked", frame{Title: "Parked records", Lead: "Put aside for a person to decide: they failed as often as they may, a handler parked them, or they do not decode.", Crumbs: q.within(), JSON: "/modules/" + q.module + "/parked"}, page)
}

// parkedAddress is the address of a record's page.
func parkedAddress(r client.ParkedRef) string {
	v := url.Values{"topology": {r.Topology}, "source": {r.Source}, "partition": {strconv.Itoa(int(r.Partition))}, "offset": {strconv.FormatInt(r.Offset, 10)}}
	if r.Event != "" {
		v.Set("step", r.Step)
		v.Set("event", r.Event)
		v.Set("task", strconv.Itoa(int(r.Task)))
	}
	return at("m", r.Module, "parked", "one") + "?" + v.Encode()
}

// ref is the record that the request names.
func (q *request) ref() (client.ParkedRef, error) {
	partition, err := q.number("partition", 0)
	if err != nil {
		return client.ParkedRef{}, err
	}
	offset, err := q.number("offset", 0)
	if err != nil {
		return client.ParkedRef{}, err
	}
	id, err := q.number("task", 0)
	if err != nil {
		return client.ParkedRef{}, err
	}
	return client.ParkedRef{
		Module: q.module, Topology: q.value("topology"), Source: q.value("source"), Partition: int32(partition), Offset: offset,
		Step: q.value("step"), Event: q.value("event"), Task: task.ID(id),
	}, nil
}

// parkedOnePage is one record, to be looked at and changed.
type parkedOnePage struct {
	parkedRecord
	Depot  string
	Binary bool   // the value is no text: it is edited as base64
	Edit   string // what the form holds
	Handle string
}

func showParkedRecord(q *request) error {
	ref, err := q.ref()
	if err != nil {
		return err
	}
	all, err := q.h.cluster.Parked(q.ctx, q.module)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.ParkedRef != ref {
			continue
		}
		d, err := q.h.cluster.Describe(q.ctx, q.module)
		if err != nil {
			return err
		}
		page := parkedOnePage{parkedRecord: parkedRecord{r, parkedAddress(ref)}, Binary: !utf8.Valid(r.Value), Edit: string(r.Value), Handle: ref.Handler(), Depot: depotOf(&d, ref.Topology, ref.Source)}
		if page.Binary {
			page.Edit = base64.StdEncoding.EncodeToString(r.Value)
		}
		return q.show("parkedone", frame{Title: fmt.Sprintf("Record %d of partition %d", ref.Offset, ref.Partition), Lead: page.Handle, Section: "parked", Crumbs: q.within(link{"Parked records", at("m", q.module, "parked")}), JSON: "/modules/" + q.module + "/parked"}, page)
	}
	return &httpapi.Problem{Status: http.StatusNotFound, Detail: "The record is not parked, or no longer: it was retried or skipped.", Mend: "look at the list of parked records"}
}

// depotOf is the depot that a source reads.
func depotOf(d *client.Description, topology, source string) string {
	for _, t := range d.Topologies {
		for _, s := range t.Sources {
			if t.Name == topology && s.Name == source {
				return s.Depot
			}
		}
	}
	return ""
}

func retryParked(q *request) error {
	return q.orderParked("It ran, and is done.", q.h.cluster.RetryParked)
}

func skipParked(q *request) error {
	return q.orderParked("It is dropped, for good.", q.h.cluster.SkipParked)
}

func (q *request) orderParked(done string, do func(context.Context, client.ParkedRef) error) error {
	ref, err := q.ref()
	if err != nil {
		return err
	}
	next := at("m", q.module, "parked")
	return q.change(client.AuditEntry{Subject: ref.String()}, next, fmt.Sprintf("Record %d of partition %d: %s", ref.Offset, ref.Partition, lowerFirst(done)), func(ctx context.Context) error { return do(ctx, ref) })
}

func lowerFirst(text string) string { return string(bytes.ToLower([]byte(text[:1]))) + text[1:] }

// editParked replaces the value of a record, and then retries it if that is asked for: two
// changes, each of which has to be allowed, and is noted.
func editParked(q *request) error {
	ref, err := q.ref()
	if err != nil {
		return err
	}
	value, err := q.newValue()
	if err != nil {
		return err
	}
	retries := q.value("then") == "retry"
	if retries {
		if err := q.may("retryParked"); err != nil {
			return err
		}
	}
	before, _ := q.h.cluster.FindParked(q.ctx, ref) // for the audit log only: what cannot be read can be edited
	edit := step{kept: "It has the new value, and was tried with it: ", entry: client.AuditEntry{Subject: ref.String(), Before: string(before.Value), After: string(value)}, do: func(ctx context.Context) error {
		return q.h.cluster.EditParked(ctx, ref, value)
	}}
	if !retries {
		return q.changes(parkedAddress(ref), "It has the new value now. Retry it, and it runs with it.", edit)
	}
	retry := step{entry: client.AuditEntry{Did: "retryParked", Subject: ref.String()}, do: func(ctx context.Context) error {
		return q.h.cluster.RetryParked(ctx, ref)
	}}
	return q.changes(at("m", q.module, "parked"), fmt.Sprintf("Record %d of partition %d ran with its new value, and is done.", ref.Offset, ref.Partition), edit, retry)
}

// newValue is the value that a form gives a record.
func (q *request) newValue() ([]byte, error) {
	text := q.value("value")
	if q.value("binary") == "" {
		return []byte(strings.ReplaceAll(text, "\r\n", "\n")), nil // as forms send lines
	}
	value, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, &httpapi.Problem{Status: http.StatusBadRequest, Detail: "the value is no base64: " + err.Error(), Mend: "go back and mend it"}
	}
	return value, nil
}
