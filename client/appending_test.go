package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// scene is a client whose log and worker do what a test says.
type scene struct {
	c       *Client
	b       *bound
	logged  func(offset int64, err error) // ends the append that is under way
	asked   []string                      // addresses, in the order of the questions
	answer  func([]byte, error)           // answers the question that was asked last
	dropped int
	called  func() ([]byte, error) // answers calls
	hangs   bool                   // calls are not answered
}

// sceneLog, sceneStore and sceneLink are its ends.
type (
	sceneLog struct {
		depot.Log
		*scene
	}
	sceneStore struct {
		store.Store
		*scene
	}
	sceneLink struct {
		transport.Link
		*scene
	}
)

func (s sceneLog) Append(_ context.Context, _ string, _ int32, _ depot.Record, _ depot.Level, done func(int64, error)) {
	s.logged = done
}

func (s sceneStore) Read(context.Context, store.Slot, []store.Read) (task.Head, error) {
	return task.Head{Address: "from-head"}, nil
}

func (s sceneLink) Ask(to string, _ []byte, _ time.Duration, answered func([]byte, error)) (drop func()) {
	s.asked, s.answer = append(s.asked, to), answered
	return func() { s.dropped++ }
}

func (s sceneLink) Call(ctx context.Context, to string, _ []byte) ([]byte, error) {
	s.asked = append(s.asked, "call "+to)
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.called()
}

func newScene() *scene {
	s := &scene{b: &bound{
		name: "M", tasks: 1, owners: []string{"w1"}, slots: make([]store.Slot, 1),
		plan: &module.Plan{Module: "M", Depots: []*module.DepotPlan{{Name: "d"}}},
	}}
	s.c = &Client{config: Config{Log: sceneLog{scene: s}, Store: sceneStore{scene: s}, AwaitTimeout: 30 * time.Second}, link: sceneLink{scene: s}, modules: map[string]*bound{"M": s.b}}
	s.c.open, s.c.close = context.WithCancel(context.Background())
	return s
}

// append appends in the background: acks and error come when it is over.
func (s *scene) append(ctx context.Context, level module.Level) (over func() error) {
	ended := make(chan error, 1)
	go func() {
		_, err := s.c.SendRecord(ctx, module.Record{Module: "M", Depot: "d", Key: []byte("k"), Level: level})
		ended <- err
	}()
	synctest.Wait()
	return func() error { return <-ended }
}

func doneAnswer() ([]byte, error) {
	return wire.AppendAnswer(nil, &wire.Answer{Kind: uint8(runtime.AnswerDone)}), nil
}

func notOwner(now string) ([]byte, error) {
	return wire.AppendAnswer(nil, &wire.Answer{NotOwner: true, Address: now}), nil
}

// The owner is asked when the log has the record, and not before, by whoever says that it has.
func TestOwnersAreAskedOnceTheLogHasTheRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		over := s.append(t.Context(), module.AckAll)
		if len(s.asked) != 0 {
			t.Errorf("asked %v before the log has the record", s.asked)
		}
		s.logged(7, nil)
		if len(s.asked) != 1 || s.asked[0] != "w1" {
			t.Errorf("asked %v", s.asked)
		}
		s.answer(doneAnswer())
		if err := over(); err != nil {
			t.Error(err)
		}
	})
}

// Levels that do not wait for streams ask nobody.
func TestNobodyIsAskedWhereStreamsAreNotAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		over := s.append(t.Context(), module.AckAppend)
		s.logged(7, nil)
		if err := over(); err != nil || len(s.asked) != 0 {
			t.Errorf("asked %v, error %v", s.asked, err)
		}
	})
}

// Where the task is elsewhere, or its worker does not answer, its owner is looked for.
func TestOwnersAreLookedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func() ([]byte, error)
		want   string
	}{
		"moved, and told where to": {func() ([]byte, error) { return notOwner("w2") }, "call w2"},
		"moved":                    {func() ([]byte, error) { return notOwner("") }, "call from-head"},
		"gone":                     {func() ([]byte, error) { return nil, transport.ErrNoListener }, "call from-head"},
		"not understood":           {func() ([]byte, error) { return []byte("?"), nil }, "call from-head"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene()
				s.called = doneAnswer
				over := s.append(t.Context(), module.AckAll)
				s.logged(7, nil)
				s.answer(c.answer())
				if err := over(); err != nil || len(s.asked) != 2 || s.asked[1] != c.want {
					t.Errorf("asked %v, want %s; error %v", s.asked, c.want, err)
				}
			})
		})
	}
}

// Nobody knows the owner yet: it is found before anybody is asked.
func TestOwnersAreFoundFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		s.b.owners[0] = ""
		s.called = doneAnswer
		over := s.append(t.Context(), module.AckAll)
		s.logged(7, nil)
		if err := over(); err != nil || len(s.asked) != 1 || s.asked[0] != "call from-head" {
			t.Errorf("asked %v, error %v", s.asked, err)
		}
	})
}

// Whoever waits no longer is told what is known of the record, and so is the owner.
func TestAppendsThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		logged bool // the log has the record
		end    func(s *scene, cancel context.CancelFunc)
		cause  error
	}{
		"context, before":  {false, func(_ *scene, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"context, behind":  {true, func(_ *scene, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"closed, before":   {false, func(s *scene, _ context.CancelFunc) { s.c.close() }, ErrClosed},
		"closed, behind":   {true, func(s *scene, _ context.CancelFunc) { s.c.close() }, ErrClosed},
		"no answer, ever":  {true, func(*scene, context.CancelFunc) { time.Sleep(31 * time.Second) }, context.DeadlineExceeded},
		"slow log, behind": {true, func(s *scene, cancel context.CancelFunc) { cancel() }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				over := s.append(ctx, module.AckAll)
				dropped, offset := 0, int64(-1)
				if name == "slow log, behind" {
					time.Sleep(time.Hour) // however long the log takes: answers have their time behind it
				}
				if c.logged {
					s.logged(7, nil)
					dropped, offset = 1, 7
					time.Sleep(29 * time.Second)
				}
				c.end(s, cancel)
				err := over()
				var unknown *UnknownError
				if !errors.As(err, &unknown) || !errors.Is(err, c.cause) || unknown.Place.Offset != offset || unknown.appended != c.logged {
					t.Errorf("error %v", err)
				}
				if s.dropped != dropped {
					t.Errorf("the owner was told %d times that nobody waits", s.dropped)
				}
				if !c.logged {
					s.logged(7, nil) // too late: whoever is asked is told at once
					if s.dropped != len(s.asked) {
						t.Errorf("asked %v, told %d times that nobody waits", s.asked, s.dropped)
					}
				}
			})
		})
	}
}

// An answer that says nothing does not begin the time anew.
func TestLateAnswersGetNoMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		s.hangs = true
		over := s.append(t.Context(), module.AckAll)
		s.logged(7, nil)
		begun := time.Now()
		time.Sleep(29 * time.Second)
		s.answer(nil, transport.ErrNoListener)
		err := over()
		var unknown *UnknownError
		if took := time.Since(begun); took != 30*time.Second || !errors.As(err, &unknown) || unknown.Place.Offset != 7 {
			t.Errorf("it took %v: %v", took, err)
		}
	})
}

// A context's own error is told beside its cause.
func TestCausesAreToldWithTheirKind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, cause := newScene(), errors.New("the shop has closed")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		over := s.append(ctx, module.AckAll)
		s.logged(7, nil)
		if err := over(); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cause) || !strings.Contains(err.Error(), "asking worker w1") {
			t.Errorf("error %v", err)
		}
	})
}

// What the log says is what the append says.
func TestTheLogsErrors(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{depot.ErrNotAppended, depot.ErrUnknown} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene()
			over := s.append(t.Context(), module.AckAll)
			s.logged(-1, cause)
			err := over()
			var unknown *UnknownError
			if !errors.Is(err, cause) || errors.As(err, &unknown) != (cause == depot.ErrUnknown) || len(s.asked) != 0 {
				t.Errorf("%v became %v; asked %v", cause, err, s.asked)
			}
		})
	}
}
