package settings

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/runtime"
)

// CheckAll reports everything that is wrong with options in the engine's form: a field that
// is not zero, which means its default, has to be a value that its option takes when it is set.
func CheckAll(o runtime.Options) error {
	if o.LostTail > runtime.LostTailGoesOn {
		return fmt.Errorf("option topology.appends.lost.tail: %d is none of the choices LostTailByTopology, LostTailHalts and LostTailGoesOn", o.LostTail)
	}
	var found []error
	if o.ForceDelay < 0 {
		found = append(found, fmt.Errorf("option topology.microbatch.force.delay.millis: %v is less than nothing", o.ForceDelay))
		o.ForceDelay = 0
	}
	if o.Durability.Replicas < 0 {
		found = append(found, fmt.Errorf("option %s: %d replicas are less than none", Durability, o.Durability.Replicas))
	}
	set := o.WithDefaults()
	for i := range all {
		found = append(found, all[i].Check(all[i].field.get(&set)))
	}
	return errors.Join(found...)
}
