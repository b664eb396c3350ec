package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/redisstate"
)

// startUpgradeWorld starts a cluster on servers, which are there in w, too.
func startUpgradeWorld(t *testing.T, on world) (w *upgradeWorld, c *localcluster.Cluster) {
	t.Helper()
	w = &upgradeWorld{name: func(kept string) string { return kept }}
	addresses := on.redis
	if len(addresses) == 0 {
		addresses = []string{miniredis.RunT(t).Addr()}
	} else {
		suffix := unique("")
		w.name = func(kept string) string { return kept + suffix }
	}
	w.redis = redis.NewUniversalClient(&redis.UniversalOptions{Addrs: addresses})
	t.Cleanup(func() { _ = w.redis.Close() })
	state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: addresses})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = state.Close() })
	if on.kafka == "" {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		w.log = memdepot.New(func() time.Time { return now })
	} else if w.log, err = kafkadepot.Open(t.Context(), kafkadepot.Config{Brokers: []string{on.kafka}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.log.Close() })
	if c, err = localcluster.Start(t.Context(), localcluster.Config{Log: w.log, Store: state}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, c
}

// storedFiles are the data of the versions that are kept.
func storedFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/upgrade/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no version is kept: %v", err)
	}
	return files
}

// Today's code goes on from what every version in testdata/upgrade has stored: state,
// progress, a transfer that was under way, a record that failed, records that were put aside or that
// nobody had processed yet.
func TestUpgradeReadsWhatWasStored(t *testing.T) {
	t.Parallel()
	for _, file := range storedFiles(t) {
		for _, on := range worlds() {
			t.Run(filepath.Base(file)+"/"+on.name, func(t *testing.T) {
				t.Parallel()
				w, c := startUpgradeWorld(t, on)
				w.restore(t, readStored(t, file))
				newUpgradeModules(w.name).goesOn(t, c)
			})
		}
	}
}

// What today's code stores looks like what a version in testdata/upgrade has stored. A format
// that changes fails here, also where the old one is still read: its data are to be kept,
// too, under a name of their own.
//
// COPPICE_STORED=0.1.0 writes what today's code stores to testdata/upgrade/0.1.0.json. What is
// there is never written anew: it is what that version has stored.
func TestUpgradeKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	w, c := startUpgradeWorld(t, world{name: "memory"})
	var s stored
	newUpgradeModules(w.name).write(t, w, c, func() { s = w.dump(t) })
	if name := os.Getenv("COPPICE_STORED"); name != "" {
		s.lieUnread(t)
		writeStored(t, filepath.Join("testdata", "upgrade", name+".json"), s)
	}
	kept := map[string]bool{}
	for _, file := range storedFiles(t) {
		old := readStored(t, file)
		maps.Copy(kept, old.shapes())
	}
	for _, shape := range slices.Sorted(maps.Keys(s.shapes())) {
		if !kept[shape] {
			t.Errorf("stored in a form of which nothing is kept: %s", shape)
		}
	}
	if t.Failed() {
		t.Log("give the format another version, note it in CHANGELOG.md, and keep it: make stored NAME=what-is-new")
	}
}

// lieUnread adds a record that nobody has processed.
func (s *stored) lieUnread(t *testing.T) {
	t.Helper()
	for p, records := range s.Topics["Bank"].Partitions {
		for _, r := range records {
			if bytes.Contains(r.Value, []byte(`"wage"`)) {
				late := bytes.ReplaceAll(bytes.ReplaceAll(r.Value, []byte(`"wage"`), []byte(`"late"`)), []byte("100"), []byte("7"))
				s.Topics["Bank"].Partitions[p] = append(records, recordKept{r.Key, late, r.Headers})
				return
			}
		}
	}
	t.Fatal("no record to copy")
}

func writeStored(t *testing.T, file string, s stored) {
	t.Helper()
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is there (%v): what a version has stored is not written anew", file, err)
	}
	raw, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A word that is stored otherwise is told, whatever keeps it; other ids and numbers are not.
func TestUpgradeTellsWhatChanged(t *testing.T) {
	t.Parallel()
	old := readStored(t, storedFiles(t)[0])
	kept := old.shapes()
	for where, change := range map[string][2]string{
		"streaming-state":    {"next=", "nxt="},
		":head":              {" mem", "  mem"},
		":channels":          {"number=", "n="},
		":groups":            {"xor=", "x="},
		"microbatcher-state": {`"token"`, `"name"`},
		":attempts":          {"2", "n=2"},
		":endings":           {`"v":1`, `"v":2`},
		"$$__parked":         {`"source"`, `"src"`},
		":outbox":            {"\x02\x02", "\x03\x02"},
		":p:recent":          {" ", ":"},
		"}:p:$$__streaming":  {"1 ", "2 "},
	} {
		changed := readStored(t, storedFiles(t)[0])
		for key, k := range changed.Redis {
			if strings.Contains(key, where) {
				k.Value = bytes.Replace(k.Value, []byte(change[0]), []byte(change[1]), 1)
				for f, value := range k.Fields {
					k.Fields[f] = bytes.Replace(value, []byte(change[0]), []byte(change[1]), 1)
				}
				changed.Redis[key] = k
			}
		}
		told := 0
		for shape := range changed.shapes() {
			if !kept[shape] {
				told++
			}
		}
		if told == 0 {
			t.Errorf("%s with %q for %q is not told", where, change[1], change[0])
		}
	}
	again := bytes.ReplaceAll([]byte("1 0b0000000000000000000000000000c4/118 mem-1 -"), []byte("118"), []byte("7"))
	if shapeOf(string(again)) != shapeOf("1 ffffffffffffffffffffffffffffffff/118 mem-2 -") {
		t.Error("a head with another token and number is told")
	}
}
