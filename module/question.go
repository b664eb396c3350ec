package module

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
)

// Question is a question ready to be sent. For implementations of Asker.
type Question struct {
	Module, Query string
	Argument      []byte
}

// Classes of errors of queries, for errors.Is. *QueryError says more.
var (
	// ErrNoQuery: the module that runs has no query of that name.
	ErrNoQuery = errors.New("unknown query")
	// ErrArgument: the argument is not of the type that the query wants.
	ErrArgument = errors.New("wrong argument")
	// ErrQueryFailed: the query's own function returned an error.
	ErrQueryFailed = errors.New("query failed")
	// ErrQueryLate: it took longer than the query may.
	ErrQueryLate = errors.New("query took too long")
	// ErrQueryTooLarge: its result is larger than an answer may be.
	ErrQueryTooLarge = errors.New("result of query too large")
)

// QueryError is a query that has no answer.
type QueryError struct {
	Module, Query string
	Class         error // one of the classes above
	Text          string
}

func (e *QueryError) Error() string {
	return fmt.Sprintf("query %s.%s: %v: %s", e.Module, e.Query, e.Class, e.Text)
}
func (e *QueryError) Is(target error) bool { return target == e.Class }

// Answer reads what a worker has sent back: the result in its stored form, or a *QueryError.
func (q Question) Answer(raw []byte) ([]byte, error) {
	a, err := wire.ParseQueryAnswer(raw)
	if err != nil {
		return nil, fmt.Errorf("query %s.%s: %w", q.Module, q.Query, err)
	}
	class := map[wire.QueryEnd]error{
		wire.QueryFailed: ErrQueryFailed, wire.QueryUnknown: ErrNoQuery, wire.QueryWrong: ErrArgument,
		wire.QueryLate: ErrQueryLate, wire.QueryTooLarge: ErrQueryTooLarge,
	}[a.End]
	if class != nil {
		return nil, &QueryError{Module: q.Module, Query: q.Query, Class: class, Text: a.Text}
	}
	return a.Result, nil
}
