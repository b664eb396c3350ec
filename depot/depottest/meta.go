package depottest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

var metaCases = []subtest{
	{"a new module has no facts", metaEmpty},
	{"the latest value of each key", metaLatest},
	{"many keys", metaMany},
	{"modules are apart", metaApart},
	{"modules are listed", metaModules},
	{"a nil value removes the key", metaRemove},
	{"watching follows what is put", metaWatch},
}

func (b *bench) put(module, key string, value []byte) {
	b.Helper()
	if err := b.Log.PutMeta(b.ctx, module, key, value); err != nil {
		b.Fatalf("PutMeta %s: %v", key, err)
	}
}

// wantMeta compares all facts about a module.
func (b *bench) wantMeta(module string, want map[string][]byte) {
	b.Helper()
	got, err := b.Log.Meta(b.ctx, module)
	if err != nil {
		b.Fatalf("Meta: %v", err)
	}
	if len(got) != len(want) {
		b.Errorf("Meta: %d keys, want %d", len(got), len(want))
	}
	for key, value := range want {
		if have, ok := got[key]; !ok || !bytes.Equal(have, value) {
			b.Errorf("Meta: %s is %q (there: %v), want %q", key, have, ok, value)
		}
	}
}

func metaEmpty(b *bench) {
	facts, err := b.Log.Meta(b.ctx, b.module)
	if err != nil || facts == nil || len(facts) != 0 {
		b.Fatalf("Meta of a new module: %v, %v, want an empty map", facts, err)
	}
}

func metaLatest(b *bench) {
	for i := range 5 {
		b.put(b.module, "fact", fmt.Appendf(nil, "version %d", i))
		b.put(b.module, "start", fmt.Appendf(nil, "%d", i))
		b.wantMeta(b.module, map[string][]byte{"fact": fmt.Appendf(nil, "version %d", i), "start": fmt.Appendf(nil, "%d", i)})
	}
	b.put(b.module, "fact", []byte{})
	b.put(b.module, "binary", []byte{0, 0xff, '\n'})
	b.wantMeta(b.module, map[string][]byte{"fact": {}, "start": []byte("4"), "binary": {0, 0xff, '\n'}})
}

func metaMany(b *bench) {
	want := map[string][]byte{}
	for i := range 300 {
		key, value := fmt.Sprintf("key/%d", i%200), fmt.Appendf(nil, "value %d", i)
		b.put(b.module, key, value)
		want[key] = value
	}
	b.wantMeta(b.module, want)
}

func metaApart(b *bench) {
	other := b.module + "-other"
	b.put(b.module, "fact", []byte("one"))
	b.put(other, "fact", []byte("two"))
	b.put(other, "start", []byte("three"))
	b.wantMeta(b.module, map[string][]byte{"fact": []byte("one")})
	b.wantMeta(other, map[string][]byte{"fact": []byte("two"), "start": []byte("three")})
}

func metaModules(b *bench) {
	other := b.module + "-other"
	b.put(b.module, "fact", []byte("one"))
	b.put(other, "fact", []byte("two"))
	names, err := b.Log.Modules(b.ctx)
	if err != nil || !slices.IsSorted(names) || !slices.Contains(names, b.module) || !slices.Contains(names, other) {
		b.Fatalf("Modules: %v, %v, want %s and %s among them, in order", names, err, b.module, other)
	}
}

func metaRemove(b *bench) {
	b.put(b.module, "fact", []byte("one"))
	b.put(b.module, "start", []byte("two"))
	b.put(b.module, "fact", nil)
	b.wantMeta(b.module, map[string][]byte{"start": []byte("two")})
	b.put(b.module, "fact", []byte("three"))
	b.wantMeta(b.module, map[string][]byte{"fact": []byte("three"), "start": []byte("two")})
}

// metaWatch: who watches hears of what is there, of what comes, and of what is
// removed, in this order.
func metaWatch(b *bench) {
	type fact struct {
		key   string
		value []byte
	}
	b.put(b.module, "fact", []byte("none"))
	b.put(b.module, "fact", []byte("one"))
	ctx, cancel := context.WithCancel(b.ctx)
	heard, ended := make(chan fact, 10), make(chan error, 1)
	go func() {
		ended <- b.Log.WatchMeta(ctx, b.module, func(key string, value []byte) { heard <- fact{key, value} })
	}()
	want := func(key string, value []byte) {
		b.Helper()
		select {
		case f := <-heard:
			if f.key != key || !bytes.Equal(f.value, value) || (f.value == nil) != (value == nil) {
				b.Fatalf("heard %s = %q, want %s = %q", f.key, f.value, key, value)
			}
		case err := <-ended:
			b.Fatalf("WatchMeta ended: %v", err)
		case <-b.ctx.Done():
			b.Fatalf("did not hear of %s", key)
		}
	}
	want("fact", []byte("one"))
	b.put(b.module, "option/a", []byte("two"))
	want("option/a", []byte("two"))
	b.put(b.module, "option/a", nil)
	want("option/a", nil)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		b.Fatalf("WatchMeta ended with %v, want that its context ended", err)
	}
}
