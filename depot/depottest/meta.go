package depottest

import (
	"bytes"
	"fmt"
)

var metaCases = []subtest{
	{"a new module has no facts", metaEmpty},
	{"the latest value of each key", metaLatest},
	{"many keys", metaMany},
	{"modules are apart", metaApart},
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
		b.put(b.module, "plan", fmt.Appendf(nil, "version %d", i))
		b.put(b.module, "start", fmt.Appendf(nil, "%d", i))
		b.wantMeta(b.module, map[string][]byte{"plan": fmt.Appendf(nil, "version %d", i), "start": fmt.Appendf(nil, "%d", i)})
	}
	b.put(b.module, "plan", []byte{})
	b.put(b.module, "binary", []byte{0, 0xff, '\n'})
	b.wantMeta(b.module, map[string][]byte{"plan": {}, "start": []byte("4"), "binary": {0, 0xff, '\n'}})
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
	b.put(b.module, "plan", []byte("one"))
	b.put(other, "plan", []byte("two"))
	b.put(other, "start", []byte("three"))
	b.wantMeta(b.module, map[string][]byte{"plan": []byte("one")})
	b.wantMeta(other, map[string][]byte{"plan": []byte("two"), "start": []byte("three")})
}
