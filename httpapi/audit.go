package httpapi

import (
	"errors"
	"net"
	"net/http"

	"github.com/coppice-run/coppice/client"
)

// RemoteHost names who asks by the address that the request came from.
func RemoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// noted notes what the request changed, or failed to change, in the module's audit log, and
// returns what went wrong of both. A change that cannot be noted is told as such: it was made.
func (q *request) noted(failure error) error {
	if q.audit.Subject == "" {
		return failure
	}
	q.audit.Who, q.audit.Through, q.audit.Did = q.h.config.Who(q.r), "http", q.op.id
	if failure != nil {
		q.audit.Error = failure.Error()
	}
	q.h.config.Overview.Forget(q.path("module"))
	err := q.client().NoteAudit(q.ctx, q.path("module"), q.audit)
	if err != nil && failure == nil {
		err = &Problem{Code: "not_noted", Status: http.StatusServiceUnavailable, Detail: "it is done, and does not stand in the audit log: " + err.Error(), Mend: "do not do it again; look whether the log can be reached"}
	}
	return errors.Join(failure, err)
}

func listAudit(q *request) (any, error) {
	all, err := q.client().Audit(q.ctx, q.path("module"))
	return auditAnswer{some(all)}, err
}

// scopeWords says behind an option what it is set for.
func scopeWords(s client.OptionScope) string {
	switch {
	case s.Topology != "":
		return " of topology " + s.Topology
	case s.Depot != "":
		return " of depot " + s.Depot
	}
	return ""
}
