package main

import (
	"testing"

	"github.com/coppice-run/coppice/localcluster/clustertest"
)

func TestVisits(t *testing.T) {
	visits := &Visits{}
	kit := clustertest.Start(t, visits, clustertest.Config{})
	for n, v := range []Visit{{"home", "ann"}, {"home", "bob"}, {"news", "ann"}} {
		acks, err := visits.Visits.Append(t.Context(), kit, v)
		if err != nil {
			t.Fatal(err)
		}
		if count, _ := visits.Count.From(acks); n == 1 && count != 2 {
			t.Errorf("the append returned %d", count)
		}
	}
	if n, err := visits.Counts.Key("home").Get(kit); n != 2 || err != nil {
		t.Errorf("home was seen %d times, error %v", n, err)
	}
	if n, err := visits.Seen.Key("ann").Len(kit); n != 2 || err != nil {
		t.Errorf("ann has seen %d pages, error %v", n, err)
	}
}
