package bank

import "errors"

// Operation is what is asked of the bank: a Deposit, a Withdrawal or a Transfer. Each
// has an id, which its account must not have used for another operation: one that is
// appended again with its id is carried out once.
type Operation interface{ request() request }

// Deposit pays in.
type Deposit struct {
	ID, Account string
	Cents       int64 // more than 0
}

// Withdrawal pays out.
type Withdrawal struct {
	ID, Account string
	Cents       int64 // more than 0
}

// Transfer moves money to another account, which need not exist yet.
type Transfer struct {
	ID, From, To string
	Cents        int64 // more than 0
}

// What operations are refused for: the appender is told by a client.ErrRejected that has
// the text.
var (
	ErrInsufficient = errors.New("insufficient funds")
	ErrTooMuch      = errors.New("more than an account holds")
	ErrAmount       = errors.New("an amount is more than 0 cents")
	ErrName         = errors.New("an operation has an id, and accounts have names")
	ErrSelf         = errors.New("a transfer goes to another account")
	ErrReused       = errors.New("the id was used for another operation of the account")
)

// request is what an operation does to its account.
type request struct {
	account string
	line    Line
	cents   int64 // as the operation says
	peer    bool  // there is to be another account
}

func (d Deposit) request() request {
	return request{account: d.Account, line: Line{Cents: d.Cents, ID: d.ID}, cents: d.Cents}
}

func (w Withdrawal) request() request {
	return request{account: w.Account, line: Line{Cents: -w.Cents, ID: w.ID}, cents: w.Cents}
}

func (t Transfer) request() request {
	return request{account: t.From, line: Line{Cents: -t.Cents, Peer: t.To, ID: t.ID}, cents: t.Cents, peer: true}
}

func (r *request) check() error {
	switch {
	case r.cents <= 0:
		return ErrAmount
	case r.line.ID == "" || r.account == "" || r.peer && r.line.Peer == "":
		return ErrName
	case r.line.Peer == r.account:
		return ErrSelf
	}
	return nil
}

// account says where an operation is carried out.
func account(op Operation) string { return op.request().account }
