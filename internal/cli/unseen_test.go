package cli

import (
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/localcluster"
)

// deniedConfigs answers that a user may not describe the configuration of topics.
func deniedConfigs(request kmsg.Request) (kmsg.Response, error, bool) {
	asked := request.(*kmsg.DescribeConfigsRequest)
	answer := asked.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for _, r := range asked.Resources {
		one := kmsg.NewDescribeConfigsResponseResource()
		one.ErrorCode, one.ResourceType, one.ResourceName = kerr.TopicAuthorizationFailed.Code, r.ResourceType, r.ResourceName
		answer.Resources = append(answer.Resources, one)
	}
	return answer, nil, true
}

// What the doctor's user may not see is told as such, with what to allow, and not as fine: how
// topics keep records, the clock of Redis; nor is a depot whose topic is gone.
func TestDoctorTellsWhatItMayNotSee(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	redis := miniredis.RunT(t)
	c := clusterOn(t, broker.ListenAddrs(), []string{redis.Addr()})
	if err := c.Launch(t.Context(), &orders{}, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	w := &watch{}
	flags := []string{"--kafka=" + broker.ListenAddrs()[0], "--redis=" + redis.Addr()}
	level := func(f findings, about, what string) string {
		t.Helper()
		found := "nothing"
		for _, one := range f {
			if one.Level != fine && one.Mend == "" {
				t.Errorf("no mend for %+v", one)
			}
			if strings.HasPrefix(one.About, about) && strings.Contains(one.What, what) {
				found = one.Level
			}
		}
		return found
	}
	const topic = "topic coppice.orders.orders"
	if f := w.examiner(flags).examine(t.Context()); level(f, topic, "2 partitions") != fine || level(f, "redis", "its clock") != "nothing" {
		t.Errorf("who may see everything is told\n%s", whats(f))
	}
	broker.KeepControl()
	broker.ControlKey(int16(kmsg.DescribeConfigs), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		return deniedConfigs(r)
	})
	redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if command != "TIME" && command != "CONFIG" {
			return false
		}
		p.WriteError("NOPERM this user has no permissions to run the '" + strings.ToLower(command) + "' command")
		return true
	})
	f := w.examiner(flags).examine(t.Context())
	for _, want := range []struct{ about, what string }{
		{topic, "could not be looked at: how long it keeps records"}, {"redis at", "could not be looked at: its clock"}, {"redis at", "could not be looked at: whether it makes snapshots"},
	} {
		if got := level(f, want.about, want.what); got != risky {
			t.Errorf("%s: %s is %s in\n%s", want.about, want.what, got, whats(f))
		}
	}
	if level(f, topic, "") == fine {
		t.Errorf("a topic that was not looked at is fine:\n%s", whats(f))
	}
	asks, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	if _, err := kadm.NewClient(asks).DeleteTopic(t.Context(), "coppice.orders.orders"); err != nil {
		t.Fatal(err)
	}
	if f := w.examiner(flags).examine(t.Context()); level(f, topic, "there is none") != broken {
		t.Errorf("of a topic that is gone it says\n%s", whats(f))
	}
}

// A user who may not call INFO is told nothing of the server, and the doctor says that.
func TestDoctorMayNotCallInfo(t *testing.T) {
	t.Parallel()
	_, flags := remoteFlags(t)
	redis := miniredis.RunT(t)
	redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if command == "INFO" {
			p.WriteError("NOPERM this user has no permissions to run the 'info' command")
		}
		return command == "INFO"
	})
	w := &watch{}
	f := w.examiner([]string{flags[0], "--redis=" + redis.Addr()}).examine(t.Context())
	if text := whats(f); !strings.Contains(text, "broken ") || !strings.Contains(text, "NOPERM") || strings.Contains(text, "no maxmemory") {
		t.Errorf("it found\n%s", text)
	}
}
