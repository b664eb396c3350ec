// Package settings knows every option of a module by its name: what it means, its
// default, and where it may be set; and keeps what operators have set.
//
// An option is set for a module, for one topology or for one depot of it; the most
// specific value counts (promise 3.94). What is set stands in the module's meta
// topic, so it survives restarts, and workers follow the topic, so it takes effect
// at once (promise 3.92).
package settings

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// Place is what an option may be set for, besides the whole module.
type Place uint8

// The places.
const (
	ForModule   Place = iota // the module only
	ForTopology              // or single topologies
	ForDepot                 // or single depots
)

func (p Place) String() string { return [...]string{"module", "topology", "depot"}[p] }

// Option is one named option.
type Option struct {
	Name  string
	Place Place
	Unit  string // of the value: records, events, seconds, true or false, …
	Doc   string // one or two sentences
	field field
}

// field reads and writes the option in its engine's form.
type field struct {
	get func(*runtime.Options) string
	set func(*runtime.Options, string) error
}

// Default is the value that holds where nothing is set.
func (o *Option) Default() string {
	d := runtime.Options{}.WithDefaults()
	return o.field.get(&d)
}

// Check reports what is wrong with a value.
func (o *Option) Check(value string) error {
	var scratch runtime.Options
	if err := o.field.set(&scratch, value); err != nil {
		return fmt.Errorf("option %s: %q is no value for it: %w", o.Name, value, err)
	}
	return nil
}

func count(at func(*runtime.Options) *int) field {
	return field{
		get: func(o *runtime.Options) string { return strconv.Itoa(*at(o)) },
		set: func(o *runtime.Options, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > countMax {
				return fmt.Errorf("want a whole number from 1 to %d", countMax)
			}
			*at(o) = n
			return nil
		},
	}
}

const countMax = 100_000_000

func percent(at func(*runtime.Options) *int) field {
	return field{
		get: func(o *runtime.Options) string { return strconv.Itoa(*at(o)) },
		set: func(o *runtime.Options, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 100 {
				return errors.New("want a whole number from 1 to 100")
			}
			*at(o) = n
			return nil
		},
	}
}

func size(at func(*runtime.Options) *int64) field {
	return field{
		get: func(o *runtime.Options) string { return strconv.FormatInt(*at(o), 10) },
		set: func(o *runtime.Options, value string) error {
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 1<<10 || n > sizeMax {
				return fmt.Errorf("want a number of bytes from 1024 to %d", int64(sizeMax))
			}
			*at(o) = n
			return nil
		},
	}
}

const sizeMax = 1 << 40

func seconds(at func(*runtime.Options) *time.Duration) field {
	return field{
		get: func(o *runtime.Options) string {
			return strconv.FormatFloat(at(o).Seconds(), 'f', -1, 64)
		},
		set: func(o *runtime.Options, value string) error {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil || !(n >= 0.001 && n <= secondsMax) {
				return fmt.Errorf("want a number of seconds from 0.001 to %d", secondsMax)
			}
			*at(o) = time.Duration(n * float64(time.Second))
			return nil
		},
	}
}

const secondsMax = 1_000_000

func millis(at func(*runtime.Options) *time.Duration) field {
	return field{
		get: func(o *runtime.Options) string { return strconv.FormatInt(at(o).Milliseconds(), 10) },
		set: func(o *runtime.Options, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > 1000*secondsMax {
				return fmt.Errorf("want a whole number of milliseconds from 0 to %d", 1000*secondsMax)
			}
			*at(o) = time.Duration(n) * time.Millisecond
			return nil
		},
	}
}

func level(at func(*runtime.Options) *store.Level) field {
	return field{
		get: func(o *runtime.Options) string { return at(o).String() },
		set: func(o *runtime.Options, value string) (err error) {
			*at(o), err = store.ParseLevel(value)
			return err
		},
	}
}

// is is an option that is true where the engine's field is.
func is(at func(*runtime.Options) *bool) field {
	opposite := not(at)
	return field{
		get: func(o *runtime.Options) string { return strconv.FormatBool(*at(o)) },
		set: func(o *runtime.Options, value string) error {
			err := opposite.set(o, value)
			if err == nil {
				*at(o) = !*at(o)
			}
			return err
		},
	}
}

func lostTail(at func(*runtime.Options) *runtime.LostTail) field {
	return field{
		get: func(o *runtime.Options) string { return at(o).String() },
		set: func(o *runtime.Options, value string) error {
			for _, l := range []runtime.LostTail{runtime.LostTailByTopology, runtime.LostTailHalts, runtime.LostTailGoesOn} {
				if value == l.String() {
					*at(o) = l
					return nil
				}
			}
			return errors.New("want topology, halt or continue")
		},
	}
}

// not is an option that is true where the engine's field is false.
func not(at func(*runtime.Options) *bool) field {
	return field{
		get: func(o *runtime.Options) string { return strconv.FormatBool(!*at(o)) },
		set: func(o *runtime.Options, value string) error {
			v, err := strconv.ParseBool(value)
			if err != nil {
				return fmt.Errorf("want true or false")
			}
			*at(o) = !v
			return nil
		},
	}
}
