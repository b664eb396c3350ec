package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/internal/environment"
	"github.com/coppice-run/coppice/internal/fleet"
)

// results are what the page about speed is made of: the same form as the results of bench.
type results struct {
	Environment environment.Facts
	Figures     []*figure
}

// figure is one measured quantity, by size.
type figure struct {
	Workload     string
	Unit         string
	LessIsBetter bool
	Subjects     []series
	Checked      string `json:",omitempty"`
}

// series is what was measured with one size.
type series struct {
	Subject string
	Values  []float64
}

// save writes the results into the file that the options name.
func (b *bench) save(ctx context.Context, rows []row) error {
	if b.json == "" {
		return nil
	}
	kafka, err := kgo.NewClient(kgo.SeedBrokers(b.at.Servers.Kafka()))
	if err != nil {
		return err
	}
	defer kafka.Close()
	r := results{Environment: environment.On(ctx, kafka, b.redis, b.flags, b.shared), Figures: b.figures(rows)}
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(b.json), 0o755), os.WriteFile(b.json, append(raw, '\n'), 0o644))
}

// figures are what was measured, a value for each kill and for each pause of a task.
func (b *bench) figures(rows []row) []*figure {
	add := func(workload, unit string, values func(r row) []float64) *figure {
		f := &figure{Workload: workload, Unit: unit, LessIsBetter: true}
		for _, r := range rows {
			f.Subjects = append(f.Subjects, series{fmt.Sprintf("%d MB", r.megabytes), values(r)})
		}
		return f
	}
	kills := add("take-over", "s from the kill until the last of its tasks has processed an event", func(r row) []float64 { return in(time.Second, r.kills, 0) })
	kills.Checked = fmt.Sprintf("a session of %v; every append is acknowledged, and says who processed it and when; after each size no task has counted fewer events than are of answered appends", b.session)
	return []*figure{
		kills,
		add("take-over-beyond", "ms of these beyond the session timeout", func(r row) []float64 { return in(time.Millisecond, r.kills, b.session) }),
		add("hand-over", "ms that a task pauses", func(r row) []float64 { return in(time.Millisecond, r.moves(), 0) }),
		add("hand-over-p99", "ms p99", func(r row) []float64 {
			return in(time.Millisecond, []time.Duration{fleet.Percentile(r.moves(), 99)}, 0)
		}),
		add("state", "MB in Redis, of both workers", func(r row) []float64 { return []float64{float64(r.stored) / 1e6} }),
		add("steady-gap-p99", "ms between the records of a task while nothing happens", func(r row) []float64 {
			return in(time.Millisecond, []time.Duration{fleet.Percentile(r.gaps, 99)}, 0)
		}),
	}
}

// in are times beyond another one, in a unit.
func in(unit time.Duration, times []time.Duration, beyond time.Duration) []float64 {
	values := make([]float64, len(times))
	for i, t := range times {
		values[i] = float64(t-beyond) / float64(unit)
	}
	return values
}
