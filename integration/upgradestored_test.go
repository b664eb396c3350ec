package integration

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/task"
)

// stored is what a version has left in its servers: the bytes of all Redis keys, of all
// records of depots, and of what is noted of the modules.
type stored struct {
	Redis  map[string]redisKey
	Topics map[string]topicKept         // by module
	Meta   map[string]map[string][]byte // by module
}

type redisKey struct {
	Type   string
	Value  []byte            `json:",omitempty"` // of a string
	Fields map[string][]byte `json:",omitempty"` // of a hash; of sets the members, without values
}

type topicKept struct {
	ID         string // progress names it
	Partitions [][]recordKept
}

type recordKept struct {
	Key, Value []byte
	Headers    []depot.Header `json:",omitempty"`
}

// has reports whether a task keeps something under a key that ends so.
func (s *stored) has(suffix string) bool {
	for key := range s.Redis {
		if strings.HasSuffix(key, suffix) {
			return true
		}
	}
	return false
}

// upgradeWorld is the servers that a version runs on.
type upgradeWorld struct {
	log   depot.Log
	redis redis.UniversalClient
	name  func(kept string) string // what a module that is kept is called here
}

// dump reads all that is stored of the modules.
func (w *upgradeWorld) dump(t *testing.T) stored {
	t.Helper()
	s := stored{w.dumpRedis(t), map[string]topicKept{}, map[string]map[string][]byte{}}
	for module, d := range upgradeDepots {
		facts, err := w.log.Meta(t.Context(), w.name(module))
		if err != nil {
			t.Fatal(err)
		}
		s.Meta[module] = facts
		s.Topics[module] = w.dumpTopic(t, depot.TopicName(w.name(module), d))
	}
	return s
}

func (w *upgradeWorld) dumpRedis(t *testing.T) map[string]redisKey {
	t.Helper()
	all := map[string]redisKey{}
	ctx := t.Context()
	keys, err := w.redis.Keys(ctx, "*").Result()
	for _, key := range keys {
		if err != nil {
			break
		}
		k := redisKey{Fields: map[string][]byte{}}
		if k.Type, err = w.redis.Type(ctx, key).Result(); err != nil {
			break
		}
		var members []string
		switch k.Type {
		case "none": // gone meanwhile
			continue
		case "string":
			k.Value, err = w.redis.Get(ctx, key).Bytes()
		case "hash":
			var fields map[string]string
			fields, err = w.redis.HGetAll(ctx, key).Result()
			for f, value := range fields {
				k.Fields[f] = []byte(value)
			}
		case "set":
			members, err = w.redis.SMembers(ctx, key).Result()
		case "zset":
			members, err = w.redis.ZRange(ctx, key, 0, -1).Result()
		default:
			t.Fatalf("key %s is of type %s", key, k.Type)
		}
		for _, m := range members {
			k.Fields[m] = nil
		}
		all[key] = k
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dumpTopic reads all records of a topic.
func (w *upgradeWorld) dumpTopic(t *testing.T, name string) topicKept {
	t.Helper()
	found, err := w.log.Lookup(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	kept := topicKept{ID: hex.EncodeToString(found.ID[:])}
	for p := range found.Partitions {
		_, end, err := w.log.Bounds(t.Context(), name, int32(p))
		if err != nil {
			t.Fatal(err)
		}
		records := []recordKept{}
		reader, err := w.log.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Assign(depot.Position{Topic: name, Partition: int32(p), LeaderEpoch: -1}); err != nil {
			t.Fatal(err)
		}
		for int64(len(records)) < end {
			err := reader.Poll(t.Context(), 0, func(d depot.Delivery) {
				for _, r := range d.Records {
					records = append(records, recordKept{r.Key, r.Value, r.Headers})
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		kept.Partitions = append(kept.Partitions, records)
	}
	return kept
}

// await waits until what is stored is as wanted.
func (w *upgradeWorld) await(t *testing.T, what string, wanted func(*stored) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for {
		if s := (stored{Redis: w.dumpRedis(t)}); wanted(&s) {
			return
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, ctx.Err())
		}
	}
}

func readStored(t *testing.T, file string) stored {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s stored
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// restore puts into the servers what a version has stored. Topics that are made anew have
// new ids, and with these the progress names them; so it is with modules that have other names
// here, where a server has those of others, too.
func (w *upgradeWorld) restore(t *testing.T, s stored) {
	t.Helper()
	var renamed, ids []string
	for _, module := range slices.Sorted(maps.Keys(s.Topics)) {
		id := w.restoreTopic(t, module, s.Topics[module])
		ids = append(ids, s.Topics[module].ID, id)
		renamed = append(renamed, `"`+module+`"`, `"`+w.name(module)+`"`)
	}
	names := strings.NewReplacer(append(renamed, ids...)...)
	values := strings.NewReplacer(ids...)
	for key, k := range s.Redis {
		w.restoreKey(t, w.keyHere(t, key), k, values)
	}
	for module, facts := range s.Meta {
		for key, value := range facts {
			if err := w.log.PutMeta(t.Context(), w.name(module), key, []byte(names.Replace(string(value)))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (w *upgradeWorld) restoreTopic(t *testing.T, module string, kept topicKept) (id string) {
	t.Helper()
	made, err := w.log.Ensure(t.Context(), depot.TopicSpec{Module: w.name(module), Depot: upgradeDepots[module], Partitions: len(kept.Partitions)})
	if err != nil {
		t.Fatal(err)
	}
	for p, records := range kept.Partitions {
		for _, r := range records {
			w.append(t, w.name(module), upgradeDepots[module], int32(p), r)
		}
	}
	return hex.EncodeToString(made.ID[:])
}

func (w *upgradeWorld) append(t *testing.T, module, name string, partition int32, r recordKept) {
	t.Helper()
	done := make(chan error, 1)
	record := depot.Record{Key: r.Key, Value: r.Value, Headers: r.Headers}
	w.log.Append(t.Context(), depot.TopicName(module, name), partition, record, depot.Replicated, func(_ int64, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// keyHere is a key under the name that its module has here: {module.task.salt}rest.
func (w *upgradeWorld) keyHere(t *testing.T, key string) string {
	t.Helper()
	tag, rest, ok := strings.Cut(strings.TrimPrefix(key, "{"), "}")
	parts := strings.Split(tag, ".")
	if !ok || len(parts) != 3 {
		t.Fatalf("key %s has no tag", key)
	}
	if tag != task.Tag(parts[0], task.OfTag(tag), upgradeTasks) {
		t.Fatalf("key %s: the rule of tags has changed, it never may", key)
	}
	return "{" + task.Tag(w.name(parts[0]), task.OfTag(tag), upgradeTasks) + "}" + rest
}

func (w *upgradeWorld) restoreKey(t *testing.T, key string, k redisKey, ids *strings.Replacer) {
	t.Helper()
	ctx := t.Context()
	var err error
	switch k.Type {
	case "string":
		err = w.redis.Set(ctx, key, ids.Replace(string(k.Value)), 0).Err()
	case "hash":
		for f, value := range k.Fields {
			if err == nil {
				err = w.redis.HSet(ctx, key, f, ids.Replace(string(value))).Err()
			}
		}
	case "set":
		for m := range k.Fields {
			if err == nil {
				err = w.redis.SAdd(ctx, key, m).Err()
			}
		}
	case "zset":
		for m := range k.Fields {
			if err == nil {
				err = w.redis.ZAdd(ctx, key, redis.Z{Member: m}).Err()
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// shapes are the forms of what is stored, one for each key, field and value that differ in
// more than ids and numbers, with the versions that stand in them. What is no text has the one
// that it begins with.
func (s *stored) shapes() map[string]bool {
	shapes := map[string]bool{}
	note := func(where string, value []byte) {
		text := string(value)
		if len(text) > 0 && text[0] < ' ' {
			shapes[shapeOf(where)+" = bytes, version "+hex.EncodeToString(value[:1])] = true
			return
		}
		form := shapeOf(text)
		if !strings.Contains(where, "}:p:") || strings.Contains(where, "$$__") { // ours, not the module's
			if words := strings.Fields(form); len(words) > 1 && strings.Contains(words[1], "=") {
				// Words that may be left out: each has a form of its own.
				for _, word := range words[1:] {
					shapes[shapeOf(where)+" … "+word] = true
				}
				form = words[0] + " …"
			}
			form += strings.Join(shapeVersions.FindAllString(text, -1), "")
		}
		shapes[shapeOf(where)+" = "+form] = true
	}
	for key, k := range s.Redis {
		_, rest, _ := strings.Cut(key, "}")
		where := k.Type + " " + strings.SplitN(key, ".", 2)[0] + "}" + rest
		if k.Fields == nil || k.Type == "string" {
			note(where, k.Value)
		}
		for f, value := range k.Fields {
			note(where+" "+f, value)
		}
	}
	for module, facts := range s.Meta {
		for key, value := range facts {
			note(module+" "+key, value)
		}
	}
	for module, topic := range s.Topics {
		for _, records := range topic.Partitions {
			for _, r := range records {
				note(module, r.Value)
				note(module+" key", r.Key)
				for _, h := range r.Headers {
					note(module+" "+h.Key, h.Value)
				}
			}
		}
	}
	return shapes
}

var (
	shapeIDs      = regexp.MustCompile(`[0-9a-f]{16,}`)
	shapeNumbers  = regexp.MustCompile(`[0-9]+`)
	shapeVersions = regexp.MustCompile(`^[0-9]+ |"(?:v|version|Version)":[0-9]+`)
	shapeRanges   = regexp.MustCompile(`#(?:-#)?(?:,#(?:-#)?)+|#-#`) // of offsets
)

// shapeOf leaves the ids and numbers out of a text.
func shapeOf(text string) string {
	text = shapeNumbers.ReplaceAllString(shapeIDs.ReplaceAllString(text, "id"), "#")
	return shapeRanges.ReplaceAllString(text, "#")
}
