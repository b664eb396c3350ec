package console

func showAudit(q *request) error {
	all, err := q.h.cluster.Audit(q.ctx, q.module)
	if err != nil {
		return err
	}
	return q.show("audit", frame{Title: "Audit log", Lead: "What people changed of the module, through the console, the HTTP API and the commands: the newest 500 changes.", Crumbs: q.within(), JSON: "/modules/" + q.module + "/audit"}, all)
}
