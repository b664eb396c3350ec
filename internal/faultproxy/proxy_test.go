package faultproxy

import (
	"bytes"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestProxyPassesBothWays(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	client.send("hello")
	served.wants("hello")
	served.send("hi")
	client.wants("hi")
	got := p.Counts()
	if want := (Counts{Accepted: 1, Open: 1, ToServer: 5, ToClient: 2}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

// A client may say that it has sent all and still read.
func TestProxyPassesAHalfClose(t *testing.T) {
	t.Parallel()
	s := listen(t)
	client, served := pair(t, start(t, s.address()), s)
	client.send("all")
	if err := client.conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	served.wantsEnd("all", io.EOF)
	served.send("answer")
	served.close()
	client.wantsEnd("answer", io.EOF)
}

func TestProxyPassesAReset(t *testing.T) {
	t.Parallel()
	s := listen(t)
	client, served := pair(t, start(t, s.address()), s)
	if err := served.conn.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	served.close()
	client.wantsEnd("", syscall.ECONNRESET)
}

// More bytes than the proxy and the kernel hold, in both directions at once, with latency: none is lost or doubled.
func TestProxyKeepsOrderUnderLoad(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	defer p.Delay(Both, time.Millisecond)()
	client, served := pair(t, p, s)
	sent := make([]byte, 12<<20)
	for i := range sent {
		sent[i] = byte(i * i >> 7)
	}
	var group sync.WaitGroup
	for _, way := range []struct{ from, to peer }{{client, served}, {served, client}} {
		group.Go(func() {
			if _, err := way.from.conn.Write(sent); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			way.to.deadline(hang)
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(way.to.conn, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("what arrived differs (%v)", err)
			}
		})
	}
	group.Wait()
}

func TestSetUpstreamLeadsNewConnectionsElsewhere(t *testing.T) {
	t.Parallel()
	before, after := listen(t), listen(t)
	p := start(t, before.address())
	client, served := pair(t, p, before)
	p.SetUpstream(after.address())
	if got := p.Upstream(); got != after.address() {
		t.Errorf("upstream %s, want %s", got, after.address())
	}
	later, servedLater := pair(t, p, after)
	later.send("to the new one")
	servedLater.wants("to the new one")
	client.send("to the old one still")
	served.wants("to the old one still")
}

func TestUpstreamThatIsAwayIsAReset(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, p)
	p.SetUpstream("")
	refused(t, p)
	if got := p.Counts(); got.Unreached != 2 || got.Open != 0 {
		t.Errorf("counts %+v, want 2 unreached and none open", got)
	}
}

func TestCloseEndsAllAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	s := listen(t)
	p := start(t, s.address())
	client, served := pair(t, p, s)
	client.send("passes")
	served.wants("passes")
	release := p.Stall(Both)
	client.send("held")
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	release()
	client.wantsEnd("", syscall.ECONNRESET)
	served.wantsEnd("", syscall.ECONNRESET)
	if conn, err := net.Dial("tcp", p.Address()); err == nil {
		conn.Close()
		t.Error("a closed proxy takes connections")
	}
	if cut := p.Cut(Reset); cut != 0 {
		t.Errorf("a closed proxy has cut %d connections", cut)
	}
}
