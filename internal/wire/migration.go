package wire

import (
	"encoding/json"
	"fmt"
)

// Migration is how far a task is with the values of a PState that migrate.
type Migration struct {
	Version   int      // 1
	ID        string   // of the migrations that values pass, the oldest first, with commas
	Cursor    []string `json:",omitempty"` // where it goes on
	Seen      int64    // values that were looked at
	Rewritten int64    // those of them that were of before
	Done      bool
}

// AppendMigration writes it for a MigrationsTable.
func AppendMigration(dst []byte, m *Migration) []byte {
	m.Version = 1
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers
	}
	return append(dst, raw...)
}

// ParseMigration reads it back.
func ParseMigration(raw string) (m Migration, err error) {
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		return m, fmt.Errorf("how far a migration is: %w", err)
	}
	if m.Version != 1 {
		return m, fmt.Errorf("how far a migration is has the format version %d; this program reads 1", m.Version)
	}
	return m, nil
}
