package console

import (
	"context"
	"iter"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// cluster is what the console reads and changes: a *client.Client, or what a test has in its
// place.
type cluster interface {
	Modules(context.Context) ([]client.ModuleInfo, error)
	Describe(ctx context.Context, module string) (client.Description, error)
	Plan(ctx context.Context, module string) (*module.Plan, error)
	Parked(ctx context.Context, module string) ([]client.ParkedRecord, error)
	FindParked(context.Context, client.ParkedRef) (client.ParkedRecord, error)
	RetryParked(context.Context, client.ParkedRef) error
	SkipParked(context.Context, client.ParkedRef) error
	EditParked(ctx context.Context, ref client.ParkedRef, value []byte) error
	Pause(ctx context.Context, module, topology string) error
	Resume(ctx context.Context, module, topology string) error
	Microbatches(ctx context.Context, module, topology string) (client.MicrobatchInfo, error)
	Options(ctx context.Context, module string, scope client.OptionScope) ([]client.OptionValue, error)
	Option(ctx context.Context, module string, scope client.OptionScope, name string) (client.OptionValue, error)
	OptionWarnings(ctx context.Context, name, value string) []string
	SetOption(ctx context.Context, module string, scope client.OptionScope, name, value string) error
	Select(context.Context, client.Selection) iter.Seq2[client.SelectedPage, error]
	PartitionInfo(ctx context.Context, module, depot string, partition int) (module.PartitionInfo, error)
	ReadDepot(ctx context.Context, module, depot string, partition int, from, to int64) ([]depot.Record, error)
	AppendJSON(context.Context, client.JSONRecord) (client.Appended, error)
	ListTrees(ctx context.Context, module string, filter client.TreeFilter) (client.TreeList, error)
	Tree(ctx context.Context, module, depot string, partition task.ID, offset int64) ([]eventtree.Tree, error)
	Audit(ctx context.Context, module string) ([]client.AuditEntry, error)
	NoteAudit(ctx context.Context, module string, e client.AuditEntry) error
}
