package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

// Each round is compared with itself: however fast the machine is in it, with telemetry a record
// takes 2 % more time, 50 ns and two objects more.
func TestReport(t *testing.T) {
	o := options{records: 1000, sample: 1000, least: 0.97}
	var rounds [][]usage
	for i := range 24 {
		slow := 1 + float64(i%7)/10
		rounds = append(rounds, []usage{
			{seconds: 6 * slow, nanos: 2000 * 800 * slow, objects: 2000},
			{seconds: 6 * slow * 1.02, left: 0.0306 * slow, nanos: 2000 * (800*slow + 50), objects: 3 * 2000},
		})
	}
	var out strings.Builder
	ratio := o.report(&out, []subject{{name: "without"}, {name: "with"}}, rounds, time.Minute)
	if math.Abs(ratio-1/1.02) > 1e-9 {
		t.Errorf("ratio %f, want %f", ratio, 1/1.02)
	}
	for _, want := range []string{
		"ratio count with/without telemetry, one in 1000 sampled: 0.980 [0.980..0.980], median within [0.980..0.980] with 97.7 % confidence, of 24 rounds, in 60 s\n",
		"took 0.50 % [0.50..0.50] of its time more",
		"ns of CPU time per record: without 1000.00 [800.00..1280.00]; with +50.00 (+5.0 %) [+50.00..+50.00], median within [+50.00..+50.00] with 97.7 % confidence\n",
		"objects per record: without 1.00 [1.00..1.00]; with +2.00 (+200.0 %) [+2.00..+2.00], median",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "NaN") {
		t.Errorf("it divides by nothing:\n%s", out.String())
	}
	if strings.Contains(out.String(), "do not tell") {
		t.Errorf("it doubts a ratio that is above the goal in all rounds:\n%s", out.String())
	}
	rounds[0][1].seconds *= 1.5
	out.Reset()
	if below := o.report(&out, []subject{{name: "without"}, {name: "with"}}, rounds, time.Minute); math.Abs(below-1/1.02) > 1e-9 {
		t.Errorf("one slow round makes the median %f", below)
	}
}

func TestReportTellsOfDoubt(t *testing.T) {
	o := options{records: 1, least: 0.97}
	var rounds [][]usage
	for i := range 24 {
		rounds = append(rounds, []usage{{seconds: 1}, {seconds: 1 + float64(i)/400}}) // from 1 to 0.946
	}
	var out strings.Builder
	ratio := o.report(&out, []subject{{name: "without"}, {name: "with"}}, rounds, time.Minute)
	if !strings.Contains(out.String(), "do not tell on which side") {
		t.Errorf("ratio %f, and no doubt:\n%s", ratio, out.String())
	}
}
