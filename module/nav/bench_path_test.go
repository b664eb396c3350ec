package nav_test

import (
	"testing"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// What a path costs beside a handle: everything is in memory.
func BenchmarkUpdate(b *testing.B) {
	m := newCrowd(b)
	add := func(n int) int { return n + 1 }
	kept := nav.Key(nav.Key(nav.From(m.sorted), "a"), 7)
	m.do(func(w pstate.Writer) {
		b.Run("handle", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				m.sorted.Key("a").Key(7).Update(w, add)
			}
		})
		b.Run("path, made each time", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				nav.Update(w, nav.Key(nav.Key(nav.From(m.sorted), "a"), 7), add)
			}
		})
		b.Run("path, kept", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				nav.Update(w, kept, add)
			}
		})
	})
}

func BenchmarkRange(b *testing.B) {
	m := newCrowd(b)
	kept := nav.MapVals(nav.MapRange(nav.Key(nav.From(m.sorted), "a"), 100, 200))
	m.do(func(w pstate.Writer) {
		b.Run("handle", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				for _, err := range m.sorted.Key("a").Range(w, pstate.Between(100, 200)) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run("path", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				for _, err := range nav.Select(w, kept) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	})
}
