package bank

import (
	"strconv"
	"time"
)

// Line is one change of a balance.
type Line struct {
	Cents int64  // less than 0: it went away
	Peer  string // the other account; "" for what was paid in or out
	ID    string // of the operation, of the account that the money left or was paid into
}

// Moment names a line of a history: its time, and what tells it from others of that
// time. Moments are in the order of time.
type Moment string

// layout sorts like the times that it prints.
const layout = "2006-01-02T15:04:05.000Z"

// At is the first moment at a time, of which milliseconds count: to range over the
// history from one time to another.
//
//	m.History.Key("ann").Range(r, pstate.Between(bank.At(monday), bank.At(tuesday)))
func At(t time.Time) Moment { return Moment(t.UTC().Format(layout)) }

// Time is when the operation was appended, by the clock of the broker.
func (m Moment) Time() (time.Time, error) {
	return time.Parse(layout, string(m)[:min(len(m), len(layout))])
}

// moment is that of an operation of an account: the same on both sides of a transfer. The
// account is quoted, since names may have spaces: no two operations have the same moment.
func moment(t time.Time, account, id string) Moment {
	return At(t) + Moment(" "+strconv.Quote(account)+" "+id)
}
