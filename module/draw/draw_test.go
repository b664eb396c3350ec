package draw

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

const words = `
flow s/words
   0 Source       words: string
   1 Explode      strings.Fields(v0)
   2 HopAt        v1
     ═══ hop to step count, carries v1 string
   3 Agg          sold[v1]: count
   4 AckReturn    1  ■
`

// Behind what Plan.String prints comes each flow; conditions, branches and loops say where
// they lead to.
func TestText(t *testing.T) {
	t.Parallel()
	plan := planOf(t)
	text := Text(plan)
	for _, want := range []string{
		plan.String(), words,
		"   1 IfElse       v0 == \"<none & never>\"  → yes 2, no 3\n   2 Stop  ■\n   3 HopGlobal\n     ═══ hop to step large, carries v0 string\n",
		"  → again 4\n", "═══ hop to step last, carries nothing\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no\n%s\nin\n%s", want, text)
		}
	}
}

// A picture is well-formed, for light and for dark pages, and has every source, step,
// operation and handler of the plan.
func TestSVG(t *testing.T) {
	t.Parallel()
	plan := planOf(t)
	texts := &strings.Builder{}
	d := xml.NewDecoder(strings.NewReader(SVG(plan)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			texts.Write(chars)
		}
	}
	want := []string{"module " + plan.Module, "prefers-color-scheme:dark", "source plain", "shuffled"}
	for _, s := range plan.Streams {
		want = append(want, s.Name, s.Guarantee())
		for _, step := range s.Steps {
			want = append(want, "step "+step.Name)
		}
		for _, f := range s.Flows {
			for _, n := range f.Nodes {
				want = append(want, n.Kind+" "+n.Text+" ("+n.Line+")")
			}
		}
	}
	for _, w := range want {
		if !strings.Contains(texts.String(), w) {
			t.Errorf("no %q in the picture", w)
		}
	}
}
