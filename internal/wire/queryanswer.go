package wire

import "encoding/binary"

// QueryEnd is how a query ended.
type QueryEnd uint8

// The ends.
const (
	QueryAnswered QueryEnd = iota
	QueryFailed            // Text is the error
	QueryUnknown           // the module that runs has none of that name; Text lists those that it has
	QueryWrong             // the argument is none of the query's
	QueryLate              // it took longer than the query may
	QueryTooLarge          // the result is larger than an answer may be
	queryEnds
)

// QueryAnswer is what a worker answers to a QueryRequest.
type QueryAnswer struct {
	End    QueryEnd
	Text   string
	Result []byte
}

// AppendQueryAnswer appends the stored form of an answer.
func AppendQueryAnswer(dst []byte, a *QueryAnswer) []byte {
	dst = append(dst, RequestVersion, byte(a.End))
	dst = appendText(dst, a.Text)
	dst = binary.AppendUvarint(dst, uint64(len(a.Result)))
	return append(dst, a.Result...)
}

// ParseQueryAnswer reads an answer back.
func ParseQueryAnswer(raw []byte) (*QueryAnswer, error) {
	p := parser{rest: raw}
	p.version("answer of a query")
	a := &QueryAnswer{End: QueryEnd(p.byte())}
	if a.End >= queryEnds {
		p.fail("end %d", a.End)
	}
	a.Text, a.Result = p.text(), p.bytes()
	return a, p.end("answer of a query")
}
