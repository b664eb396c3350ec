package main

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is written of entries is a copy of the database, with each entry under each of its modules.
func TestEntriesBecomeACopy(t *testing.T) {
	t.Parallel()
	entries, folder := t.TempDir(), t.TempDir()
	put(t, entries, "GO-2026-0001.json", `{"id":"GO-2026-0001","affected":[{"package":{"name":"stdlib"}},{"package":{"name":"example.org/x"}},{"package":{"name":"stdlib"}}]}`)
	put(t, entries, "GO-2026-0002.json", `{"id":"GO-2026-0002","affected":[{"package":{"name":"example.org/x"}}]}`)
	if err := index(entries, folder, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if about, err := copied(folder); err != nil || !strings.Contains(about, "2026-01-02") || !strings.Contains(about, "2 modules") {
		t.Errorf("%q, %v, want a copy of 2026-01-02 with 2 modules", about, err)
	}
	var modules []indexedModule
	read(t, filepath.Join(folder, "index", "modules.json"), &modules)
	var got []string
	for _, m := range modules {
		for _, v := range m.Vulns {
			got = append(got, m.Path+" "+v.ID)
		}
	}
	if want := []string{"example.org/x GO-2026-0001", "example.org/x GO-2026-0002", "stdlib GO-2026-0001"}; !slices.Equal(got, want) {
		t.Errorf("by module: %q, want %q", got, want)
	}
	var all []indexed
	read(t, filepath.Join(folder, "index", "vulns.json"), &all)
	for _, one := range all {
		var about struct{ ID string }
		if read(t, filepath.Join(folder, "ID", one.ID+".json"), &about); about.ID != one.ID {
			t.Errorf("the entry %s is of %q", one.ID, about.ID)
		}
	}
	if len(all) != 2 {
		t.Errorf("%d entries, want 2", len(all))
	}
}

func TestWhatIsNoEntryIsNoCopy(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"GO-2026-0001.json": `{"id":"GO-2026-0002"}`,
		"GO-2026-0002.json": `no JSON`,
		"README.md":         `no entry`,
	} {
		entries := t.TempDir()
		put(t, entries, name, text)
		if err := index(entries, t.TempDir(), time.Now()); err == nil {
			t.Errorf("a folder with %s of %s gives a copy", name, text)
		}
	}
}

// A module that does not come gives no clean bill, and the error says why.
func TestNoModuleIsNotClean(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	err := downloaded(t.Context(), "example.org/vulndb@v1.0.0", t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "GOPROXY=off") {
		t.Errorf("%v, want an error that says GOPROXY=off", err)
	}
}

// From GOPROXY comes a copy of the time of the version.
func TestAModuleBecomesACopy(t *testing.T) {
	proxy := t.TempDir()
	versions := filepath.Join(proxy, "example.org", "vulndb", "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, versions, "v1.0.0.info", `{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}`)
	put(t, versions, "v1.0.0.mod", "module example.org/vulndb\n")
	zipped(t, filepath.Join(versions, "v1.0.0.zip"), map[string]string{
		"example.org/vulndb@v1.0.0/go.mod":                     "module example.org/vulndb\n",
		"example.org/vulndb@v1.0.0/data/osv/GO-2026-0001.json": `{"id":"GO-2026-0001","affected":[{"package":{"name":"stdlib"}}]}`,
	})
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(proxy))
	t.Setenv("GONOSUMDB", "example.org/*")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw") // so that the folder can be removed
	folder := t.TempDir()
	if err := downloaded(t.Context(), "example.org/vulndb@v1.0.0", folder); err != nil {
		t.Fatal(err)
	}
	if about, err := copied(folder); err != nil || !strings.Contains(about, "2026-01-02") || !strings.Contains(about, "1 modules") {
		t.Errorf("%q, %v, want a copy of 2026-01-02 with 1 module", about, err)
	}
}

func put(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read[T any](t *testing.T, name string, into *T) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// zipped writes a module as a proxy has it.
func zipped(t *testing.T, name string, files map[string]string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for path, text := range files {
		w, err := archive.Create(path)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
}
