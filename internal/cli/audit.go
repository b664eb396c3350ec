package cli

import (
	"context"
	"errors"
	"os"
	"os/user"

	"github.com/coppice-run/coppice/client"
)

// noted notes what a command changed, or failed to change, in the module's audit log, and
// returns what went wrong of both.
func noted(ctx context.Context, c *client.Client, module string, e client.AuditEntry, failure error) error {
	e.Who, e.Through = who(), "cli"
	if failure != nil {
		e.Error = failure.Error()
	}
	return errors.Join(failure, c.NoteAudit(context.WithoutCancel(ctx), module, e))
}

// who is the user of this process, with the machine.
func who() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// scopeText says behind an option what it is set for.
func scopeText(s client.OptionScope) string {
	switch {
	case s.Topology != "":
		return " of topology " + s.Topology
	case s.Depot != "":
		return " of depot " + s.Depot
	}
	return ""
}
