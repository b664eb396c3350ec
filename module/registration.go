package module

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
