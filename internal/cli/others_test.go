package cli

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// follower reads a topic of others, and comes no further than its first record until it is let go.
type follower struct {
	invoices module.Topic[string]
	entered  chan struct{}
	release  chan struct{}
	once     sync.Once
}

func (m *follower) Define(b *module.Builder) {
	module.DeclareTopic(b, &m.invoices, "shop.invoices", module.Text())
	module.DeclareTopicSource(b.Stream("follow"), m.invoices, func(*module.Event, module.TopicRecord[string]) error {
		m.once.Do(func() { close(m.entered) })
		<-m.release
		return nil
	})
}

// Topics of others are judged, too: that they keep records for a time only is as it should be, that a
// source is about to lose some, or has lost some, is told; and that there is no such topic.
func TestDoctorTellsOfTopicsOfOthers(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	redis := miniredis.RunT(t)
	kafka, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	admin := kadm.NewClient(kafka)
	const topic = "shop.invoices"
	if _, err := admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"retention.ms": kadm.StringPtr("604800000")}, topic); err != nil {
		t.Fatal(err)
	}
	c := clusterOn(t, broker.ListenAddrs(), []string{redis.Addr()})
	m := &follower{entered: make(chan struct{}), release: make(chan struct{})}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(m.release) })
	w := &watch{at: time.Now()}
	look := func() (found findings) {
		for _, f := range w.examiner([]string{"--kafka=" + broker.ListenAddrs()[0], "--redis=" + redis.Addr()}).examine(t.Context()) {
			if f.About == "topic "+topic {
				found = append(found, f)
			}
		}
		return found
	}
	if f := look(); len(f) != 1 || f[0].Level != fine || f[0].What != "1 partition, 1 replica" {
		t.Errorf("of a topic that is well it says %+v", f)
	}
	for range 10 {
		if err := kafka.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	<-m.entered
	if f := look(); len(f) != 2 || f[0].Level != risky || f[0].What != "partition 0: follow/shop-invoices is in the oldest fifth of what the topic keeps, with 10 records to do" {
		t.Errorf("of a source that is far behind it says %+v", f)
	}
	kept := kadm.Offsets{}
	kept.Add(kadm.Offset{Topic: topic, At: 4})
	if _, err := admin.DeleteRecords(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	if f := look(); len(f) != 2 || f[0].Level != broken || !strings.HasSuffix(f[0].What, "begins at offset 4, and follow/shop-invoices is at 0: 4 records are lost") {
		t.Errorf("of a source that has lost records it says %+v", f)
	}
	if _, err := admin.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	if f := look(); len(f) != 1 || f[0].Level != broken || !strings.Contains(f[0].What, "there is none, and module follower uses it") || f[0].Mend == "" {
		t.Errorf("of a topic that is gone it says %+v", f)
	}
}
