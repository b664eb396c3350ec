package faultproxy

import (
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestCutEndsAllConnectionsAndServesNewOnes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ending Ending
		want   error
	}{{Reset, syscall.ECONNRESET}, {Finish, io.EOF}} {
		t.Run(test.ending.String(), func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			p := start(t, s.address())
			var peers []peer
			for range 3 {
				client, served := pair(t, p, s)
				client.send("x")
				served.wants("x")
				peers = append(peers, client, served)
			}
			if cut := p.Cut(test.ending); cut != 3 {
				t.Errorf("cut %d, want 3", cut)
			}
			for _, peer := range peers {
				peer.wantsEnd("", test.want)
			}
			client, served := pair(t, p, s)
			client.send("new")
			served.wants("new")
			if got := p.Counts(); got.Cut != 3 || got.Open != 1 || got.Accepted != 4 {
				t.Errorf("counts %+v, want 3 cut, 1 open, 4 accepted", got)
			}
		})
	}
}

func TestStallHoldsOneDirection(t *testing.T) {
	t.Parallel()
	for _, direction := range []Direction{ToServer, ToClient} {
		t.Run(direction.String(), func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			p := start(t, s.address())
			client, served := pair(t, p, s)
			held, free := client, served // by whom what is sent is held, and not
			if direction == ToClient {
				held, free = served, client
			}
			release := p.Stall(direction)
			held.send("later")
			free.send("now")
			held.wants("now")
			free.wantsNothing()
			release()
			free.wants("later")
		})
	}
}

// Stalls of two callers end with the last release, however often the first releases.
func TestStallsAddUp(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	first, second := p.Stall(Both), p.Stall(ToServer)
	client.send("x")
	first()
	first()
	served.wantsNothing()
	second()
	served.wants("x")
	defer p.Stall(ToServer)()
	client.send("y")
	served.wantsNothing()
}

func TestStallForReleasesItself(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	began := time.Now()
	defer p.StallFor(ToServer, 2*quiet)()
	client.send("x")
	served.wantsNothing()
	served.wants("x")
	if took := time.Since(began); took < 2*quiet {
		t.Errorf("the byte came after %v, want %v or later", took, 2*quiet)
	}
	early := p.StallFor(ToServer, time.Hour)
	client.send("y")
	early()
	served.wants("y")
}

// A stalled network hides also that a connection is made and that one ends.
func TestStallHoldsNewConnectionsAndEnds(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	release := p.Stall(Both)
	client, served := pair(t, p, s)
	client.send("x")
	served.close()
	client.wantsNothing()
	release()
	client.wantsEnd("", io.EOF)
}

// The request was carried out, its reply is lost: the sender must find out by itself (R11).
func TestReplyIsLost(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	release := p.Stall(ToClient)
	client.send("request")
	served.wants("request")
	served.send("reply")
	if cut := p.Cut(Reset); cut != 1 {
		t.Fatalf("cut %d connections, want 1", cut)
	}
	client.wantsEnd("", syscall.ECONNRESET)
	release()
}

// The request arrives when its sender has given up: a late EXEC of an old connection.
func TestRequestArrivesAfterItsSenderHasGone(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	release := p.Stall(ToServer)
	client.send("late")
	client.close()
	served.wantsNothing()
	release()
	served.wantsEnd("late", io.EOF)
}

func TestDelayIsLatencyAndKeepsBandwidth(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	const latency, messages = 60 * time.Millisecond, 40
	short, long := p.Delay(ToServer, latency/4), p.Delay(Both, latency)
	began := time.Now()
	for range messages {
		client.send("x")
	}
	served.wants(strings.Repeat("x", messages))
	took := time.Since(began)
	if took < latency {
		t.Errorf("%d messages took %v, want %v at least", messages, took, latency)
	}
	if took > messages*latency/2 {
		t.Errorf("%d messages took %v: the latencies add up", messages, took)
	}
	long()
	short()
	if due := time.Until(p.due(ToServer)); due > 0 {
		t.Errorf("a message is due in %v after the delays were released", due)
	}
	client.send("y")
	served.wants("y")
}

func TestDelayIsCapped(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	defer p.Delay(Both, time.Hour)()
	if due := time.Until(p.due(ToServer)); due > DelayMax || due < DelayMax-hang/4 {
		t.Errorf("a delay of an hour is one of %v, want %v", due, DelayMax)
	}
}

// Exactly so many bytes arrive, in the middle of whatever they belong to; other connections go on.
func TestCutAfterBytes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		bytes    int64
		messages []string // each goes out when the one before has arrived, but for what is cut off
		want     string
	}{
		{"within a message", 5, []string{"abc", "defgh"}, "abcde"},
		{"at the end of a message", 3, []string{"abc"}, "abc"},
		{"before the next byte", 0, []string{"abc"}, ""},
		{"far into a message", 40_000, []string{strings.Repeat("z", 100_000)}, strings.Repeat("z", 40_000)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t)
			p := start(t, s.address())
			client, served := pair(t, p, s)
			other, servedOther := pair(t, p, s)
			tripped, release := p.CutAfter(ToServer, test.bytes, Finish)
			served.send("not counted")
			client.wants("not counted")
			for i, message := range test.messages {
				client.send(message)
				if i < len(test.messages)-1 {
					served.wants(message)
					test.want = strings.TrimPrefix(test.want, message)
				}
			}
			served.wantsEnd(test.want, io.EOF)
			happens(t, "the cut", tripped)
			release()
			other.send("goes on")
			servedOther.wants("goes on")
			if got := p.Counts(); got.Cut != 1 || got.Open != 1 {
				t.Errorf("counts %+v, want 1 cut and 1 open", got)
			}
		})
	}
}

func TestCutAfterByResetGivesNoMoreThanTheBytes(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	tripped, _ := p.CutAfter(Both, 4, Reset)
	client.send("123456")
	happens(t, "the cut", tripped)
	client.wantsEnd("", syscall.ECONNRESET)
	served.deadline(hang)
	got, err := io.ReadAll(served.conn)
	if err == nil || !strings.HasPrefix("1234", string(got)) {
		t.Errorf("read %q, %v; want no more than 1234 and an error", got, err)
	}
}

func TestCutAfterThatIsReleasedDoesNothing(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	_, release := p.CutAfter(Both, 2, Reset)
	client.send("1")
	served.wants("1")
	release()
	client.send("23")
	served.wants("23")
}

func TestRefuseHoldsForNewConnectionsAlone(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	first, second := p.Refuse(), p.Refuse()
	refused(t, p)
	first()
	first()
	refused(t, p)
	client.send("goes on")
	served.wants("goes on")
	second()
	later, servedLater := pair(t, p, s)
	later.send("served")
	servedLater.wants("served")
	if got := p.Counts(); got.Refused != 2 || got.Accepted != 2 {
		t.Errorf("counts %+v, want 2 refused and 2 accepted", got)
	}
}

// Faults of all kinds beside each other, under traffic: nothing hangs, and when they are over all works.
func TestFaultsBesideEachOther(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	var servers, clients sync.WaitGroup
	servers.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			servers.Go(func() {
				_, _ = io.Copy(conn, conn) // an echo that ends however it is ended
				_ = conn.Close()
			})
		}
	})
	for range 4 {
		clients.Go(func() {
			for range 30 {
				conn, err := net.Dial("tcp", p.Address())
				if err != nil {
					continue // a fault has hit it
				}
				_ = conn.SetDeadline(time.Now().Add(hang))
				_, _ = conn.Write(make([]byte, 3_000))
				_, _ = io.ReadFull(conn, make([]byte, 3_000)) // fails where a fault hits it
				_ = conn.Close()
			}
		})
	}
	for i := range 4 {
		clients.Go(func() {
			for n := range 30 {
				stalled, delayed := p.Stall(Direction(1+n%3)), p.Delay(Both, time.Millisecond)
				_, untrip := p.CutAfter(Both, int64(n*100), Ending(n%2))
				refused := p.Refuse()
				p.Cut(Ending(i % 2))
				refused()
				untrip()
				delayed()
				stalled()
			}
		})
	}
	clients.Wait()
	conn := dial(t, p)
	conn.send("works")
	conn.wants("works")
	conn.close()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := s.listener.Close(); err != nil {
		t.Error(err)
	}
	servers.Wait()
}
