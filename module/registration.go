package module

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Registration is what a running module says of itself in its meta topic, for
// clients, tools and its next version: JSON under RegistrationKey.
type Registration struct {
	Version int   // 1
	Tasks   int   // fixed when the module was first launched
	Plan    *Plan // as declared by the version that runs
	// Former are PStates of earlier versions whose data are still there.
	Former []*PStatePlan `json:",omitempty"`
	// Topics are the topics of others that sources read, by topology/source.
	Topics map[string]TopicReading `json:",omitempty"`
}

// RegistrationKey is the key of a module's registration.
const RegistrationKey = "plan"

// TopicReading is how a source reads a topic of others.
type TopicReading struct {
	Topic      string
	Partitions int // as the workers know it
	// First is how many there were when the source was new: those behind them were made
	// later, so that they begin at their beginning whatever the source's start says.
	First int
}

// Partitions are those of the topics that are read, for Spread.
func (r *Registration) Partitions() map[string]int {
	all := map[string]int{}
	for _, reading := range r.Topics {
		all[reading.Topic] = max(all[reading.Topic], reading.Partitions)
	}
	return all
}

// RemovedKey is the key of the registration of a module that was removed: what is stored is
// as that says.
const RemovedKey = "plan.removed"

// RegistrationError says that what a module has noted of itself cannot be read: another
// program wrote it, or it is damaged. No worker starts a module of that name, and what has to
// know of every module (TrimDepot, RemoveModule) is refused; everything else goes on without it.
type RegistrationError struct {
	Module string
	Cause  error
}

func (e *RegistrationError) Error() string {
	return fmt.Sprintf("module %s: its registration does not decode: %v; delete its topic coppice.%s.__meta if no program of yours has written it", e.Module, e.Cause, e.Module)
}

func (e *RegistrationError) Unwrap() error { return e.Cause }

// ReadRegistration decodes what a module has noted under RegistrationKey; nil: nothing. Errors:
// *RegistrationError.
func ReadRegistration(name string, raw []byte) (*Registration, error) {
	if raw == nil {
		return nil, nil
	}
	var r Registration
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, &RegistrationError{Module: name, Cause: err}
	}
	if r.Plan == nil {
		return nil, &RegistrationError{Module: name, Cause: errors.New("it has no plan")}
	}
	return &r, nil
}
