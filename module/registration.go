package module

// Registration is what a running module says of itself in its meta topic, for
// clients, tools and its next version: JSON under RegistrationKey.
type Registration struct {
	Version int   // 1
	Tasks   int   // fixed when the module was first launched
	Plan    *Plan // as declared by the version that runs
	// Former are PStates of earlier versions whose data are still there.
	Former []*PStatePlan `json:",omitempty"`
}

// RegistrationKey is the key of a module's registration.
const RegistrationKey = "plan"

// RemovedKey is the key of the registration of a module that was removed: what is stored is
// as that says.
const RemovedKey = "plan.removed"
