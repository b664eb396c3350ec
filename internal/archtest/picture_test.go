package archtest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// picture reads the rows of docs/architecture.md: the layer of each folder that is drawn.
func picture(t *testing.T) map[string]layer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(), "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "```text drawing\n")
	text, _, _ = strings.Cut(text, "```")
	drawn, row := map[string]layer{}, nowhere
	for line := range strings.Lines(text) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \n()", r) })
		if !strings.HasPrefix(line, " ") && len(words) > 0 {
			row = nowhere
			for l := vocabulary; l <= entry; l++ {
				if l.String() == words[0] {
					row, words = l, words[1:]
					break
				}
			}
		}
		for _, word := range words {
			before, inner, several := strings.Cut(strings.TrimSuffix(word, "}"), "{")
			for part := range strings.SplitSeq(inner, ",") {
				name := before + part
				if !several {
					name = strings.TrimSuffix(strings.TrimSuffix(word, "…"), "/")
				}
				if info, err := os.Stat(filepath.Join(root(), filepath.FromSlash(name))); err == nil && info.IsDir() && row != nowhere {
					drawn[name] = row
				}
			}
		}
	}
	return drawn
}

// The picture of the layers is what the test of imports goes by.
func TestThePictureIsTheLayers(t *testing.T) {
	t.Parallel()
	drawn := picture(t)
	for name, row := range drawn {
		if l := layerOf(name); l != row {
			t.Errorf("docs/architecture.md draws %s in the row %v, it is in %v", name, row, l)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(place)) {
		_, there := drawn[name]
		if !there && !strings.Contains(name, "/") && name != "cmd" {
			t.Errorf("docs/architecture.md does not draw %s, which is in %v", name, place[name])
		}
	}
	if len(drawn) < 40 {
		t.Errorf("%d folders are drawn: the picture was not read", len(drawn))
	}
}
