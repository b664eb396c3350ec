package queries

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
)

// Fibonacci has a query that asks itself, 100 deep at most.
type Fibonacci struct {
	Fib module.Query[int, int]
}

// Define declares it.
func (m *Fibonacci) Define(b *module.Builder) {
	module.DeclareQuery(b, &m.Fib, "fib", func(q *module.Asked, n int) (int, error) {
		if n < 2 {
			return 1, nil
		}
		// Both at once.
		parts, err := module.Each(q, []int{n - 1, n - 2}, func(q *module.Asked, n int) (int, error) { return m.Fib.Within(q, n) })
		return module.Gather(parts, 0, func(sum, part int) int { return sum + part }), err
	})
}

var fibonacci = program.Program{
	Name:  "fibonacci",
	Shows: "a query that asks itself",
	Rama:  "FibonacciModule",
	Run: func(r *program.Run) {
		m := &Fibonacci{}
		r.Launch(m, 4)
		for n := range 10 {
			r.Printf("Fib(%d): %d\n", n, program.Got(m.Fib.Ask(r.Context, r.Client, n)))
		}
	},
	Output: `
Fib(0): 1
Fib(1): 1
Fib(2): 2
Fib(3): 3
Fib(4): 5
Fib(5): 8
Fib(6): 13
Fib(7): 21
Fib(8): 34
Fib(9): 55
`,
}
