package module

import (
	"errors"
	"fmt"
)

// Migrate has every record of a depot pass through f before a handler, or Read, is given it
// (promise 4.25): records that were appended before, and those that are appended while the
// migration is declared, so that programs can move over one by one (promise 4.27). If f returns
// false the record is no more: it has no effect, and Read leaves it out. The log stays as it
// is, and offsets do not change.
//
// f is called at each read of a record, so it must not mind what it has migrated already, and
// must return the same each time. What it panics with fails the event. id names the migration in the plan.
func Migrate[T any](id string, f func(T) (T, bool)) DepotOption {
	return migration(id, f == nil, func(o *depotOptions) { o.migrate = f })
}

// MigrateStored is Migrate for what the records' type does not decode any more: f gets
// the stored form of a record, which it must not change, and returns another one. Under it the depot may
// have another codec than before: f sees records of both, and tells them apart.
func MigrateStored(id string, f func(stored []byte) ([]byte, bool)) DepotOption {
	return migration(id, f == nil, func(o *depotOptions) { o.migrateStored = f })
}

func migration(id string, none bool, set func(*depotOptions)) DepotOption {
	return depotOption(func(o *depotOptions) {
		switch {
		case !namePattern.MatchString(id):
			o.err = errors.Join(o.err, fmt.Errorf("has a migration %q; a name has %s", id, nameRule))
		case none:
			o.err = errors.Join(o.err, fmt.Errorf("its migration %q has no function", id))
		case o.migration != "":
			o.err = errors.Join(o.err, fmt.Errorf("has the migrations %q and %q; make one of them", o.migration, id))
		}
		o.migration = id
		set(o)
	})
}

// takeMigration takes over what the options say.
func (d *depotDecl[T]) takeMigration(b *Builder, thing string, o *depotOptions) {
	d.plan.Migration, d.migrateStored = o.migration, o.migrateStored
	d.plan.migratesStored = o.migrateStored != nil
	if o.migrate == nil {
		return
	}
	f, ok := o.migrate.(func(T) (T, bool))
	if !ok {
		b.mistake(thing, fmt.Sprintf("its migration %q is not for records of type %s", o.migration, typeName[T]()), "give it a function of that type")
	}
	d.migrate = f
}
