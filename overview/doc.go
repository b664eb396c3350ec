// Package overview looks at running modules as an operator does: how far each topology is,
// how fast, who owns which task, and what stands still and waits for what. The console, the
// HTTP API and 'coppice top' show what it finds.
//
//	o := overview.New(overview.Config{Cluster: c})
//	m, err := o.Module(ctx, "Words")
//	for _, f := range m.Findings { fmt.Println(f.What, f.Waits, f.Mend) }
//
// It asks the store, the log and the owners of the tasks when somebody asks it, at most once
// in a period, and keeps a window of what it saw: rates and courses are of that window. All who
// ask meanwhile wait for the same look, which ends by itself in a bounded time, and when nobody
// waits for it any more.
//
// Reading order: module.go (what is told), flight.go (who is told what when), look.go (how it is
// found out), finding.go and unread.go (what stands still, and why).
package overview
