package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
)

func listModules(q *request) (any, error) {
	all, err := q.client().Modules(q.ctx)
	return modulesAnswer{some(all)}, err
}

func describeModule(q *request) (any, error) { return q.client().Describe(q.ctx, q.path("module")) }

func listTasks(q *request) (any, error) {
	all, err := q.client().Tasks(q.ctx, q.path("module"))
	return tasksAnswer{some(all)}, err
}

func tellProgress(q *request) (any, error) {
	all, err := q.client().Progress(q.ctx, q.path("module"), q.query("topology"))
	if all != nil {
		err = nil // what cannot be read says so
	}
	return progressAnswer{some(all)}, err
}

func invokeQuery(q *request) (any, error) {
	var body invokeBody
	if err := q.body(&body); err != nil {
		return nil, err
	}
	if body.Argument == nil {
		body.Argument = json.RawMessage("null")
	}
	result, err := q.client().SendQuestion(q.ctx, module.Question{Module: q.path("module"), Query: q.path("query"), Argument: body.Argument})
	return invokeAnswer{result}, err
}

func (q *request) scope() client.OptionScope {
	return client.OptionScope{Topology: q.query("topology"), Depot: q.query("depot")}
}

func listOptions(q *request) (any, error) {
	all, err := q.client().Options(q.ctx, q.path("module"), q.scope())
	return optionsAnswer{some(all)}, err
}

func getOption(q *request) (any, error) {
	return q.client().Option(q.ctx, q.path("module"), q.scope(), q.path("option"))
}

func setOption(q *request) (any, error) {
	var body optionBody
	if err := q.body(&body); err != nil {
		return nil, err
	}
	if body.Value == "" {
		return nil, &Problem{Code: "wrong_value", Status: 400, Where: "body value", Detail: "the value is empty", Mend: "give one, or DELETE the option to take its setting back"}
	}
	return q.changeOption(body.Value)
}

func unsetOption(q *request) (any, error) { return q.changeOption("") }

func (q *request) changeOption(value string) (any, error) {
	scope, name := q.scope(), q.path("option")
	before, err := q.client().Option(q.ctx, q.path("module"), scope, name)
	if err != nil {
		return nil, err
	}
	q.audit.Subject, q.audit.Before, q.audit.After = name+scopeWords(scope), before.Value, value
	if err := q.client().SetOption(q.ctx, q.path("module"), scope, name, value); err != nil {
		return nil, err
	}
	after, err := q.client().Option(q.ctx, q.path("module"), scope, name)
	q.audit.After = after.Value
	return after, err
}

func listParked(q *request) (any, error) {
	all, err := q.client().Parked(q.ctx, q.path("module"))
	return parkedAnswer{some(all), some(client.ParkedReasons(all))}, err
}

func retryParked(q *request) (any, error) { return q.order((*client.Client).RetryParked, "done") }
func skipParked(q *request) (any, error)  { return q.order((*client.Client).SkipParked, "dropped") }

// order has something done with a parked record of the module.
func (q *request) order(do func(*client.Client, context.Context, client.ParkedRef) error, state string) (any, error) {
	var ref client.ParkedRef
	if err := q.body(&ref); err != nil {
		return nil, err
	}
	if err := q.ofModule(&ref); err != nil {
		return nil, err
	}
	q.audit.Subject = ref.String()
	return stateAnswer{state}, do(q.client(), q.ctx, ref)
}

// ofModule puts the module into a reference, which names it or leaves it out.
func (q *request) ofModule(ref *client.ParkedRef) error {
	name := q.path("module")
	if ref.Module != "" && ref.Module != name {
		return &Problem{Code: "wrong_body", Status: 400, Where: "body module", Detail: "the record is of module " + ref.Module + ", the address of module " + name, Mend: "let both name the same module"}
	}
	ref.Module = name
	return nil
}

func editParked(q *request) (any, error) {
	var body editBody
	if err := q.body(&body); err != nil {
		return nil, err
	}
	if err := q.ofModule(&body.ParkedRef); err != nil {
		return nil, err
	}
	before, _ := q.client().FindParked(q.ctx, body.ParkedRef) // for the audit log only: what cannot be read can be edited
	q.audit.Subject, q.audit.Before, q.audit.After = body.ParkedRef.String(), string(before.Value), body.Value
	err := q.client().EditParked(q.ctx, body.ParkedRef, []byte(body.Value))
	if errors.Is(err, client.ErrWrongRecord) { // what is parked may be an event, of which no depot's type tells
		err = &Problem{Code: "wrong_record", Status: http.StatusBadRequest, Where: "body value", Detail: err.Error(), Mend: "send a value that decodes"}
	}
	return stateAnswer{"edited"}, err
}

func pauseTopology(q *request) (any, error) { return q.switchTopology("paused", q.client().Pause) }

func resumeTopology(q *request) (any, error) { return q.switchTopology("runs", q.client().Resume) }

// switchTopology pauses or resumes. That some tasks have not heard of it yet is no failure: it is kept.
func (q *request) switchTopology(state string, do func(ctx context.Context, module, topology string) error) (any, error) {
	q.audit.Subject = "topology " + q.path("topology")
	err := do(q.ctx, q.path("module"), q.path("topology"))
	answer := switchAnswer{State: state}
	var unheard *client.UnheardError
	if errors.As(err, &unheard) {
		answer.Warning, answer.Unheard, err = unheard.Warning(), unheard.Tasks, nil
	}
	return answer, err
}

// some is a list that is not null.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
