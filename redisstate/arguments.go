package redisstate

import "github.com/coppice-run/coppice/store"

// arguments builds the commands of a commit in memory that is used again. The
// arguments are pointers to the batch's strings: putting a string itself into an
// interface would copy its header to the heap, for each field.
type arguments struct {
	commands [][]any
	memory   []any
}

func (a *arguments) reset() {
	clear(a.memory)
	a.commands, a.memory = a.commands[:0], a.memory[:0]
}

// command ends a command that began at a length of the memory. Growing memory
// leaves earlier commands where they were: they stay valid.
func (a *arguments) command(start int) {
	a.commands = append(a.commands, a.memory[start:len(a.memory):len(a.memory)])
}

// Names of the commands, as pointers like all other arguments.
var (
	cmdSet, cmdUnlink = "SET", "UNLINK"
	cmdHSet, cmdHDel  = "HSET", "HDEL"
	cmdZAdd, cmdZRem  = "ZADD", "ZREM"
	cmdSAdd, cmdSRem  = "SADD", "SREM"
	zeroScore         = "0"
)

// change adds the commands of one table's change.
func (a *arguments) change(c *store.Change) {
	sets, deletes := 0, 0
	for i := range c.Writes {
		if c.Writes[i].Delete {
			deletes++
		} else {
			sets++
		}
	}
	t := &c.Table
	if c.Drop && !(t.Kind == store.Value && sets > 0) {
		a.drop(t)
	}
	switch t.Kind {
	case store.Value:
		a.value(c)
	case store.Map, store.List:
		a.hash(c, sets, deletes)
	case store.Set:
		a.members(c, sets, deletes)
	case store.SortedMap:
		a.hash(c, sets, deletes)
		a.order(&t.Index, c, sets, deletes)
	case store.SortedSet:
		a.order(&t.Key, c, sets, deletes)
	}
}

func (a *arguments) drop(t *store.Table) {
	start := len(a.memory)
	a.memory = append(a.memory, &cmdUnlink, &t.Key)
	if t.Index != "" {
		a.memory = append(a.memory, &t.Index)
	}
	a.command(start)
}

func (a *arguments) value(c *store.Change) {
	for i := range c.Writes {
		start, w := len(a.memory), &c.Writes[i]
		if w.Delete {
			a.memory = append(a.memory, &cmdUnlink, &c.Table.Key)
		} else {
			a.memory = append(a.memory, &cmdSet, &c.Table.Key, &w.Value)
		}
		a.command(start)
	}
}

func (a *arguments) hash(c *store.Change, sets, deletes int) {
	if sets > 0 {
		start := len(a.memory)
		a.memory = append(a.memory, &cmdHSet, &c.Table.Key)
		for i := range c.Writes {
			if w := &c.Writes[i]; !w.Delete {
				a.memory = append(a.memory, &w.Field, &w.Value)
			}
		}
		a.command(start)
	}
	a.deletes(&cmdHDel, &c.Table.Key, c, deletes)
}

// order writes the members of a sorted set: all have the score 0, so their order
// is that of their bytes.
func (a *arguments) order(key *string, c *store.Change, sets, deletes int) {
	if sets > 0 {
		start := len(a.memory)
		a.memory = append(a.memory, &cmdZAdd, key)
		for i := range c.Writes {
			if w := &c.Writes[i]; !w.Delete {
				a.memory = append(a.memory, &zeroScore, &w.Field)
			}
		}
		a.command(start)
	}
	a.deletes(&cmdZRem, key, c, deletes)
}

func (a *arguments) members(c *store.Change, sets, deletes int) {
	if sets > 0 {
		start := len(a.memory)
		a.memory = append(a.memory, &cmdSAdd, &c.Table.Key)
		for i := range c.Writes {
			if w := &c.Writes[i]; !w.Delete {
				a.memory = append(a.memory, &w.Field)
			}
		}
		a.command(start)
	}
	a.deletes(&cmdSRem, &c.Table.Key, c, deletes)
}

func (a *arguments) deletes(command, key *string, c *store.Change, n int) {
	if n == 0 {
		return
	}
	start := len(a.memory)
	a.memory = append(a.memory, command, key)
	for i := range c.Writes {
		if w := &c.Writes[i]; w.Delete {
			a.memory = append(a.memory, &w.Field)
		}
	}
	a.command(start)
}
