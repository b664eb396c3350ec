package flights

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // January
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

//go:embed january.csv.gz
var january []byte

// January returns the embedded file: 27,004 flights.
func January() io.Reader { return bytes.NewReader(january) }

// Flight is one departure. Delays are in minutes, nil where they are not known:
// most of those flights were cancelled.
type Flight struct {
	Tail     string // "NA" if not known
	Carrier  string
	Origin   string
	Dest     string
	Hour     int    // scheduled, local time
	TimeHour string // scheduled hour as an instant, RFC 3339, so that text order is time order
	DepDelay *int   `json:",omitempty"`
	ArrDelay *int   `json:",omitempty"`
}

// columns that a file must have, in any order and among others.
var columns = []string{"tailnum", "carrier", "origin", "dest", "hour", "time_hour", "dep_delay", "arr_delay"}

// Read reads flights from a CSV file, plain or gzip. Errors name the line and the
// column.
func Read(r io.Reader) ([]Flight, error) {
	plain, err := unzipped(r)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(plain)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("flights: reading the header: %w", err)
	}
	at := map[string]int{}
	var missing []string
	for _, name := range columns {
		i := slices.Index(header, name)
		if i < 0 {
			missing = append(missing, name)
		}
		at[name] = i
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("flights: line 1: the columns %s are missing", strings.Join(missing, ", "))
	}
	var all []Flight
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("flights: %w", err)
		}
		f, err := parse(row, at)
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("flights: line %d: %w", line, err)
		}
		all = append(all, f)
	}
}

// unzipped recognises gzip by its first two bytes.
func unzipped(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("flights: %w", err)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return buffered, nil
	}
	unzip, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("flights: %w", err)
	}
	return unzip, nil
}

func parse(row []string, at map[string]int) (Flight, error) {
	text := func(name string) string { return strings.Clone(row[at[name]]) }
	f := Flight{Tail: text("tailnum"), Carrier: text("carrier"), Origin: text("origin"), Dest: text("dest"), TimeHour: text("time_hour")}
	hour, err := strconv.Atoi(row[at["hour"]])
	if err != nil || hour < 0 || hour > 24 {
		return f, fmt.Errorf("column hour: %q is no hour", row[at["hour"]])
	}
	f.Hour = hour
	if f.DepDelay, err = minutes(row[at["dep_delay"]]); err != nil {
		return f, fmt.Errorf("column dep_delay: %w", err)
	}
	if f.ArrDelay, err = minutes(row[at["arr_delay"]]); err != nil {
		return f, fmt.Errorf("column arr_delay: %w", err)
	}
	return f, nil
}

// minutes reads a delay; "NA" and "" are unknown.
func minutes(text string) (*int, error) {
	if text == "NA" || text == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no number of minutes", text)
	}
	return &n, nil
}
