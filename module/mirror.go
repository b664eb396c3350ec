package module

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
)

// A mirror is a depot, a PState or a query of another module, declared here by its
// module, its name and its types. Nothing is copied: whoever uses a mirror uses the
// original. That it is there, and declared alike, is checked when a worker starts the
// module, and again when the other module changes ([DependencyError], [DependentsError]).

// MirrorKind is what is mirrored.
type MirrorKind string

// What a mirror can be of.
const (
	MirrorsDepot  MirrorKind = "depot"
	MirrorsPState MirrorKind = "PState"
	MirrorsQuery  MirrorKind = "query"
)

// MirrorPlan is a declared mirror. The plan of what it mirrors is the one that this module
// has of it.
type MirrorPlan struct {
	Kind   MirrorKind
	Module string // that declares the original
	Name   string // of the original
	Depot  *DepotPlan
	PState *PStatePlan
	Query  *QueryPlan
}

// Thing names the original: depot "Orders.placed".
func (m *MirrorPlan) Thing() string { return fmt.Sprintf("%s %q", m.Kind, m.Module+"."+m.Name) }

// Types words what the original is.
func (m *MirrorPlan) Types() string {
	switch m.Kind {
	case MirrorsDepot:
		return m.Depot.Type
	case MirrorsPState:
		return m.PState.String()
	}
	return m.Query.Argument + " to " + m.Query.Result
}

// String words the mirror.
func (m *MirrorPlan) String() string {
	return fmt.Sprintf("%s of module %s, %s", m.Kind, m.Module, m.Types())
}

// MirroredDepot says which partitions of a depot of another module a source reads. Its tasks
// share them as tasks and partitions count up: task i reads the partitions i, i+tasks,
// i+2·tasks and so on, each with a lane of the source. So where the other module has fewer
// tasks some tasks here read nothing of it, and where it has more there is more than one
// lane (16.03).
type MirroredDepot struct {
	Module, Depot string
	Partitions    int // of the depot; 0 until the module is deployed
	Lane          int // this one reads partition lane·tasks + task
}

// MirrorDepot declares a depot of another module, for sources of this one: of streams,
// exactly-once streams and microbatches, by DeclareSource as with depots of its own. Each
// task reads its share of the partitions (see [MirroredDepot]); the order of a partition is
// kept, but which task has a key's records is up to the other module: hop by the key to the
// task that keeps its PStates.
//
// Options say how the records are stored, as the other module says ([Text], [Codec],
// [Union]), or how old ones are read ([Migrate]). Nobody appends by a mirror, which does not
// know what chooses the partition: append by the handle of the other module. Such appends wait
// for the streams of that module, never for those that mirror it (promise 3x.15).
func MirrorDepot[T any](b *Builder, d *Depot[T], of, name string, options ...DepotOption) {
	thing := b.mirror(MirrorsDepot, of, name, d)
	decl := &depotDecl[T]{plan: &DepotPlan{Module: of, Name: name, Type: typeName[T](), Partitioning: "mirror", Disallowed: true}}
	var chosen depotOptions
	decl.codec, decl.plan.Codec, chosen = chooseCodec[T](b, thing, options)
	if chosen.ids > 0 {
		b.mistake(thing, "has AppendIDs", "leave it out: whether appends have ids is up to the module that declares the depot")
	}
	if chosen.disallow {
		b.mistake(thing, "has DisallowAppends", "leave it out: who may append is up to the module that declares the depot")
	}
	decl.takeMigration(b, thing, &chosen)
	decl.plan.Shape = decl.codec.Shape
	read := *decl.plan
	read.Module, read.Name, read.Mirror = b.plan.Module, of+"."+name, &MirroredDepot{Module: of, Depot: name}
	decl.mirrored = &read
	b.plan.Mirrors = append(b.plan.Mirrors, &MirrorPlan{Kind: MirrorsDepot, Module: of, Name: name, Depot: &read})
	fill(d, Depot[T]{decl})
}

// MirrorPState declares a PState of another module, to be read: by the functions of queries
// and lookups ([DeclareQuery], [DeclareLookup]), and by clients. What they see is what is
// committed, of each task at its own moment, and of several reads each its own: as read
// committed (9.10). Handlers read it by a lookup: it lies on other tasks.
//
// h points to a handle of the type that the other module declares; codecs and a partitioner
// of its own (pstate.PartitionBy) are given as they are there.
func (b *Builder) MirrorPState(h pstate.Schema, of, name string, options ...pstate.Option) {
	if h == nil {
		b.mistake(fmt.Sprintf("mirror of PState %q", of+"."+name), "its handle is nil", "pass the address of a field of the module")
		return
	}
	thing := b.mirror(MirrorsPState, of, name, h)
	if isNil(h) {
		return
	}
	d := &overlay.Decl{Module: of, Name: name, Owner: mirrorOwner, Foreign: true}
	for _, err := range pstate.Declare(h, d, options...) {
		b.mistake(thing, err.Error(), "")
	}
	if d.Private {
		b.mistake(thing, "is private", "a private PState has no mirrors: leave it out")
	}
	b.plan.Mirrors = append(b.plan.Mirrors, &MirrorPlan{Kind: MirrorsPState, Module: of, Name: name, PState: planOf(d, "")})
}

// mirrorOwner is no topology's name: no handler writes a mirror.
const mirrorOwner = "$$mirror"

// MirrorQuery declares a query of another module, to be asked: by the functions of queries
// and lookups ([Query.Within]), and by clients. It runs on a worker of its own module.
func MirrorQuery[A, R any](b *Builder, q *Query[A, R], of, name string) {
	thing := b.mirror(MirrorsQuery, of, name, q)
	argument, err := codec.JSON[A]()
	if err != nil {
		b.mistake(thing, err.Error(), "what a query is asked with must survive a process boundary")
	}
	result, err := codec.JSON[R]()
	if err != nil {
		b.mistake(thing, err.Error(), "what a query answers must survive a process boundary")
	}
	decl := &queryDecl[A, R]{argument: argument, result: result, foreign: true}
	decl.plan = &QueryPlan{Module: of, Name: name, Argument: typeName[A](), Result: typeName[R](), ArgumentShape: argument.Shape, ResultShape: result.Shape}
	b.plan.Mirrors = append(b.plan.Mirrors, &MirrorPlan{Kind: MirrorsQuery, Module: of, Name: name, Query: decl.plan})
	fill(q, Query[A, R]{decl})
}

// mirror checks what all mirrors have.
func (b *Builder) mirror(kind MirrorKind, of, name string, handle any) (thing string) {
	thing = fmt.Sprintf("mirror of %s %q", kind, of+"."+name)
	switch {
	case !namePattern.MatchString(of):
		b.mistake(thing, fmt.Sprintf("%q is no module's name", of), "a name has "+nameRule)
	case of == b.plan.Module:
		b.mistake(thing, "is of the module itself", "use the handle that declares it")
	}
	if !namePattern.MatchString(name) {
		b.mistake(thing, fmt.Sprintf("%q is no name of a %s", name, kind), "a name has "+nameRule)
	}
	if b.names[thing] {
		b.mistake(thing, "declared twice", "one handle serves all of the module")
	}
	b.names[thing] = true
	b.handle(thing, handle)
	return thing
}
