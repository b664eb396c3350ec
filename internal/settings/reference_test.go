package settings

import (
	"os"
	"path/filepath"
	"testing"
)

// promise 3.92, promise 3.93: every option is published with its default. The page is written from
// the code, and is current.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "reference", "options.md")
	want := Reference()
	if os.Getenv("COPPICE_UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("docs/reference/options.md is not what the code says: COPPICE_UPDATE=1 go test ./internal/settings")
	}
}

// Every default is a value that its option takes.
func TestDefaultsAreValues(t *testing.T) {
	t.Parallel()
	for _, o := range All() {
		if err := o.Check(o.Default()); err != nil {
			t.Error(err)
		}
		if err := o.Check("no value at all"); err == nil {
			t.Errorf("%s takes anything", o.Name)
		}
	}
}
