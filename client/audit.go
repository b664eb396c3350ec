package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// AuditEntry is something that a person changed of a running module: an option, a pause, a
// parked record.
type AuditEntry struct {
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`     // as the program that noted it knows them
	Through string    `json:"through"` // console, http or cli
	Did     string    `json:"did"`     // the operation, as the HTTP API names it: setOption, skipParked, …
	Subject string    `json:"subject"` // what it was done to
	Before  string    `json:"before,omitempty"`
	After   string    `json:"after,omitempty"`
	Error   string    `json:"error,omitempty"` // why it failed; "": it did not
}

// auditKey is what the facts of a module begin with that hold its audit log.
const auditKey = "audit/"

// Bounds of the audit log.
const (
	auditMax          = 500  // entries of a module; the oldest make room
	auditTextBytesMax = 1024 // of one text in an entry
)

// auditStored is an entry as it lies in the module's meta topic.
type auditStored struct {
	Version int
	AuditEntry
}

// NoteAudit adds an entry to the audit log of a module, which keeps the newest 500; texts of
// more than 1 KiB are cut. The console, the HTTP API and the commands call it for what they
// change: who changes things through a Client of their own calls it, too.
func (c *Client) NoteAudit(ctx context.Context, module string, e AuditEntry) error {
	for _, text := range []*string{&e.Who, &e.Subject, &e.Before, &e.After, &e.Error} {
		if len(*text) > auditTextBytesMax {
			*text = strings.ToValidUTF8((*text)[:auditTextBytesMax], "") + "…"
		}
	}
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	raw, err := json.Marshal(auditStored{1, e})
	if err != nil {
		return err
	}
	key := fmt.Sprintf("%s%016x-%s", auditKey, e.Time.UnixNano(), uuid.NewString()[:8])
	if err := c.config.Log.PutMeta(ctx, module, key, raw); err != nil {
		return fmt.Errorf("module %s: noting what was changed: %w", module, err)
	}
	keys, _, err := c.audit(ctx, module)
	if err != nil {
		return err
	}
	for _, old := range keys[:max(0, len(keys)-auditMax)] {
		if err := c.config.Log.PutMeta(ctx, module, old, nil); err != nil {
			return fmt.Errorf("module %s: making room in the audit log: %w", module, err)
		}
	}
	return nil
}

// Audit lists what was changed of a module, the newest first.
func (c *Client) Audit(ctx context.Context, module string) ([]AuditEntry, error) {
	keys, facts, err := c.audit(ctx, module)
	if err != nil {
		return nil, err
	}
	all := []AuditEntry{}
	for _, key := range slices.Backward(keys) {
		var e auditStored
		if err := json.Unmarshal(facts[key], &e); err != nil {
			return nil, fmt.Errorf("module %s: the entry %s of the audit log does not decode: %w", module, key, err)
		}
		if e.Version != 1 {
			return nil, fmt.Errorf("module %s: the entry %s of the audit log has the format version %d, this program reads 1", module, key, e.Version)
		}
		all = append(all, e.AuditEntry)
	}
	return all, nil
}

// audit returns the keys of the audit log, the oldest first, and the facts of the module.
func (c *Client) audit(ctx context.Context, module string) (keys []string, facts map[string][]byte, err error) {
	if _, err := c.named(ctx, module); err != nil {
		return nil, nil, err
	}
	if facts, err = c.config.Log.Meta(ctx, module); err != nil {
		return nil, nil, fmt.Errorf("module %s: reading the audit log: %w", module, err)
	}
	for key := range facts {
		if strings.HasPrefix(key, auditKey) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, facts, nil
}
