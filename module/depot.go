package module

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"

	public "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Depot is the handle of a depot: a durable, partitioned input log with records
// of type T.
type Depot[T any] struct{ d *depotDecl[T] }

type depotDecl[T any] struct {
	plan  *DepotPlan
	codec codec.Codec[T]
	key   func(dst []byte, v T) ([]byte, error) // nil: no key
	// choose picks the partition of depots that have no key. nil: at random.
	choose func(v T, partitions int) int

	// Of a migration, if there is one: of values, or of what is stored.
	migrate       func(T) (T, bool)
	migrateStored func([]byte) ([]byte, bool)

	mirrored *DepotPlan // that its sources have, of a mirror; nil: plan
}

// reads is the plan that a source of the depot has.
func (d *depotDecl[T]) reads() *DepotPlan {
	if d.mirrored != nil {
		return d.mirrored
	}
	return d.plan
}

// DepotOption changes how a depot's records are stored, or who may append.
type DepotOption interface{ depotOption(*depotOptions) }

// depotOptions are what the options of a depot come to.
type depotOptions struct {
	name     string // of the codec
	codec    any    // *codec.Codec[T] for the record type; nil: chosen from codecs
	codecs   []public.Codec
	disallow bool
	ids      int // window; 0: none

	migration     string // its id; "": there is none
	migrate       any    // func(T) (T, bool)
	migrateStored func([]byte) ([]byte, bool)
	err           error
}

// depotOption is an option for depots alone.
type depotOption func(*depotOptions)

func (o depotOption) depotOption(to *depotOptions) { o(to) }

// HashDepot declares a depot whose partition is chosen by a key of the record:
// records of one key keep their order and are processed on the task that holds
// the key's PStates. A panic in key surfaces at the appender.
func HashDepot[T, K any](b *Builder, d *Depot[T], name string, key func(T) K, options ...DepotOption) {
	decl := declareDepot(b, d, name, "hash", options)
	if key == nil {
		b.mistake(fmt.Sprintf("depot %q", name), "has no key function", "say what its records are partitioned by, or use RandomDepot")
		return
	}
	decl.key = func(dst []byte, v T) ([]byte, error) { return task.AppendKey(dst, key(v)) }
	if kind, err := wire.KeyTypeOf(reflect.TypeFor[K]()); err == nil {
		decl.plan.Key = kind
	}
}

// RandomDepot declares a depot whose records are spread over the partitions at
// random, in no order.
func RandomDepot[T any](b *Builder, d *Depot[T], name string, options ...DepotOption) {
	declareDepot(b, d, name, "random", options)
}

// GlobalDepot declares a depot of one partition, which task 0 processes: its
// records have one order (promise 4.06). That task is its bottleneck.
func GlobalDepot[T any](b *Builder, d *Depot[T], name string, options ...DepotOption) {
	decl := declareDepot(b, d, name, "global", options)
	decl.plan.Global = true
	decl.choose = func(T, int) int { return int(globalTask) }
}

// CustomDepot declares a depot whose records go to the partition that a function
// chooses among 0 to partitions-1 (promise 4.05). One that there is not is an
// error at the append, before anything is sent; a panic in choose surfaces at
// the appender.
func CustomDepot[T any](b *Builder, d *Depot[T], name string, choose func(v T, partitions int) int, options ...DepotOption) {
	decl := declareDepot(b, d, name, "custom", options)
	if choose == nil {
		b.mistake(fmt.Sprintf("depot %q", name), "has no function that chooses the partition", "say which partition a record goes to, or use RandomDepot")
		return
	}
	decl.choose = choose
}

// DisallowAppends refuses appends of clients: only topologies append to the depot
// (promise 4.04).
func DisallowAppends() DepotOption {
	return depotOption(func(o *depotOptions) { o.disallow = true })
}

// AppendIDs has the depot's appends be told apart by ids that programs give them
// ([AppendID]): a record is dropped if one with its id lies among the window offsets before it
// in its partition. The window bounds what each task keeps in memory, and reads again when
// it begins; 10,000 is a good one. At least 1, at most [IDWindowMax].
func AppendIDs(window int) DepotOption {
	return depotOption(func(o *depotOptions) {
		if o.ids = window; window < 1 || window > IDWindowMax {
			o.err = errors.Join(o.err, fmt.Errorf("has AppendIDs(%d); a window has 1 to %d records", window, IDWindowMax))
		}
	})
}

// IDWindowMax bounds the window of AppendIDs.
const IDWindowMax = 1_000_000

func declareDepot[T any](b *Builder, d *Depot[T], name, partitioning string, options []DepotOption) *depotDecl[T] {
	thing := b.declare("depot", name, d)
	decl := &depotDecl[T]{plan: &DepotPlan{Module: b.plan.Module, Name: name, Type: typeName[T](), Partitioning: partitioning}}
	var chosen depotOptions
	decl.codec, decl.plan.Codec, chosen = chooseCodec[T](b, thing, options)
	decl.plan.Disallowed, decl.plan.IDWindow = chosen.disallow, chosen.ids
	decl.takeMigration(b, thing, &chosen)
	b.plan.Depots = append(b.plan.Depots, decl.plan)
	decl.plan.Shape, decl.plan.Prepare = decl.codec.Shape, decl.prepare
	fill(d, Depot[T]{decl})
	return decl
}

// chooseCodec finds out how records are stored, and what else the options say.
func chooseCodec[T any](b *Builder, thing string, options []DepotOption) (stored codec.Codec[T], name string, chosen depotOptions) {
	for i, o := range options {
		if o == nil {
			b.mistake(thing, fmt.Sprintf("its option %d is nil", i), "leave it out")
			continue
		}
		o.depotOption(&chosen)
	}
	if chosen.err != nil {
		b.mistake(thing, chosen.err.Error(), "")
	}
	if chosen.codec != nil && len(chosen.codecs) > 0 {
		b.mistake(thing, "has a union and a codec", "a union is stored as JSON; choose one")
	}
	var err error
	switch c := chosen.codec.(type) {
	case nil:
		stored, err = codec.Choose[T](chosen.codecs)
	case *codec.Codec[T]:
		stored = *c
	default:
		err = fmt.Errorf("option %s is not for records of type %s", chosen.name, typeName[T]())
	}
	if err != nil {
		b.mistake(thing, err.Error(), "")
	}
	return stored, cmp.Or(chosen.name, stored.Name), chosen
}

// CodecOption is an option of a depot or a step.
type CodecOption struct{ codecs []public.Codec }

// Codec stores a depot's records, or what hops to a step, by other codecs than JSON:
// by the first that takes the type.
func Codec(codecs ...public.Codec) CodecOption { return CodecOption{codecs} }

func (c CodecOption) depotOption(o *depotOptions) { o.codecs = append(o.codecs, c.codecs...) }
func (c CodecOption) stepOption(o *stepOptions)   { o.codecs = append(o.codecs, c.codecs...) }

// Text stores records as their own bytes instead of JSON; for depots, and steps, of
// strings and byte slices.
func Text() CodecOption { return Codec(public.Text) }

// Case is one record type of a union depot.
type Case[U any] struct{ variant codec.Variant[U] }

// Variant names the record type V within the union U, an interface that V
// implements.
func Variant[V, U any](name string) Case[U] { return Case[U]{codec.VariantOf[V, U](name)} }

// Union is for depots whose records are of several types and need one order:
// create and delete, follow and unfollow. The depot's type is an interface; each
// record is stored as an object with its variant's name: {"follow":{…}}.
func Union[U any](cases ...Case[U]) DepotOption {
	variants := make([]codec.Variant[U], len(cases))
	for i, c := range cases {
		variants[i] = c.variant
	}
	made, err := codec.Union(variants...)
	return depotOption(func(o *depotOptions) { o.name, o.codec, o.err = "union", &made, errors.Join(o.err, err) })
}

// decoded is apart because the value escapes here.
func (d *depotDecl[T]) decoded(stored []byte) (v T, err error) {
	err = d.codec.Decode(stored, &v)
	return v, err
}

// decode turns a stored record into a value; gone says that a migration has taken it
// away.
func (d *depotDecl[T]) decode(r *depot.Record) (v T, gone bool, err error) {
	if r.Value == nil {
		return v, false, fmt.Errorf("record without a value")
	}
	stored := r.Value
	if d.migrateStored != nil {
		var keep bool
		if stored, keep = d.migrateStored(stored); !keep {
			return v, true, nil
		}
	}
	if d.codec.View != nil {
		v = d.codec.View(stored)
	} else {
		v, err = d.decoded(stored)
	}
	if err == nil && d.migrate != nil {
		var keep bool
		v, keep = d.migrate(v)
		gone = !keep
	}
	return v, gone, err
}
