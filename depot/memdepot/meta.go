package memdepot

import (
	"bytes"
	"context"
	"maps"
	"slices"
)

// fact is one entry of a module's meta topic.
type fact struct {
	key   string
	value []byte // nil: the key is removed
}

// PutMeta keeps a copy of one fact about a module.
func (l *Log) PutMeta(ctx context.Context, module, key string, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "facts about module "+module); err != nil {
		return err
	}
	l.meta[module] = append(l.meta[module], fact{key, bytes.Clone(value)})
	l.wake()
	return nil
}

// Modules lists the modules of which facts were put.
func (l *Log) Modules(ctx context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "listing modules"); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(l.meta)), nil
}

// Meta returns a copy of all facts about a module; the map is never nil.
func (l *Log) Meta(ctx context.Context, module string) (map[string][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usable(ctx, "facts about module "+module); err != nil {
		return nil, err
	}
	facts := map[string][]byte{}
	for _, f := range l.meta[module] {
		if f.value == nil {
			delete(facts, f.key)
		} else {
			facts[f.key] = bytes.Clone(f.value)
		}
	}
	return facts, nil
}

// WatchMeta delivers the facts about a module and follows them until ctx ends.
func (l *Log) WatchMeta(ctx context.Context, module string, deliver func(key string, value []byte)) error {
	next := 0
	for first := true; ; first = false {
		l.mu.Lock()
		if err := l.usable(ctx, "facts about module "+module); err != nil {
			l.mu.Unlock()
			return err
		}
		facts, change := l.meta[module][next:], l.change()
		l.mu.Unlock()
		next += len(facts)
		for i, f := range facts {
			if first && replaced(f.key, facts[i+1:]) {
				continue
			}
			deliver(f.key, bytes.Clone(f.value))
		}
		select {
		case <-change:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func replaced(key string, by []fact) bool {
	return slices.ContainsFunc(by, func(f fact) bool { return f.key == key })
}
