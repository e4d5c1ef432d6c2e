package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Live updates of pages: a stream of server-sent events (WHATWG HTML, section
// 9.2) that says how far the read models are, whenever they have moved. It says
// nothing of what moved: a page asks for itself anew.

// Address and bounds of the streams.
const (
	livePath = "/live"
	// streamLife ends a stream, so that a reader whose session has ended is asked
	// again who he is; a browser reconnects.
	streamLife = 15 * time.Minute
	// streamPulse is how often a stream without news says that it is alive, which
	// also finds out who has gone.
	streamPulse = 15 * time.Second
	// streamPatience is how long the other side may be deaf.
	streamPatience = 30 * time.Second
	// streamPace keeps events of a stream this far apart.
	streamPace = time.Second
	streamType = "text/event-stream"
)

var errStreams = problem(http.StatusServiceUnavailable, "crowded", text{"Terlalu banyak pembaca mengikuti secara langsung.", "Too many readers follow live."}).again(30)

// reached is how far the read models are.
type reached struct {
	Position ledger.Position `json:"position"`
	Recorded time.Time       `json:"recorded"`
}

// live lets many streams share one listener, which there is while there are
// streams.
type live struct {
	figures  *projections.Reader
	mu       sync.Mutex
	seats    *seats
	streams  map[chan reached]bool
	last     reached
	stop     context.CancelFunc // ends the listener
	stopped  chan struct{}      // closed when the listener is gone
	ending   chan struct{}      // closed when the server ends
	endsOnce sync.Once
}

func (l *live) end() { l.endsOnce.Do(func() { close(l.ending) }) }

// join adds a stream. The channel holds the newest news only: who is slow misses
// what is old already.
func (l *live) join(who caller) (news chan reached, leave func(), err error) {
	left, err := l.seats.take(who, errStreams)
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	news = make(chan reached, 1)
	l.streams[news] = true
	if l.last.Position > 0 && len(l.streams) > 1 {
		news <- l.last // the listener has told the others
	}
	if len(l.streams) == 1 {
		ctx, stop := context.WithCancel(context.Background())
		before := l.stopped
		l.stop, l.stopped = stop, make(chan struct{})
		go l.listen(ctx, before, l.stopped)
	}
	return news, func() { l.leave(news); left() }, nil
}

func (l *live) leave(news chan reached) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, news)
	if len(l.streams) == 0 {
		l.stop()
		l.last = reached{}
	}
}

// listen tells the streams whenever the read models have moved, at most once a
// pace. A database that is away is asked again; the streams say nothing then.
func (l *live) listen(ctx context.Context, before <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	if before != nil {
		<-before // one listener at a time
	}
	var at ledger.Position
	for ctx.Err() == nil {
		p, err := l.figures.Progress(ctx)
		if err == nil && p.Position > at {
			at = p.Position
			l.tell(ctx, reached{p.Position, p.Recorded})
		}
		select {
		case <-time.After(streamPace):
		case <-ctx.Done():
			return
		}
		// What came during the pause is told at once: Wait returns for it.
		var stopped *projections.ErrStopped
		if err := l.figures.Wait(ctx, at+1); errors.As(err, &stopped) {
			select {
			case <-time.After(streamPulse): // somebody has to look; asking is cheap enough
			case <-ctx.Done():
			}
		}
	}
}

func (l *live) tell(ctx context.Context, r reached) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return // the streams of another listener
	}
	l.last = r
	for news := range l.streams {
		select {
		case <-news:
		default:
		}
		news <- r
	}
}

// showLive streams. Its first event says where the read models are, so a reader
// who comes back learns what he missed.
func (s *Server) showLive(w http.ResponseWriter, r *http.Request) error {
	if s.Figures == nil {
		return errUnavailable
	}
	who, err := s.callerOf(r)
	if err != nil {
		return err
	}
	news, leave, err := s.live.join(who)
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(w)
	h := w.Header()
	h.Set("Content-Type", streamType)
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	send := func(form string, a ...any) bool {
		until := time.Now().Add(streamPatience)
		// Some recorders of tests have no deadlines; a connection has.
		for _, set := range []func(time.Time) error{control.SetWriteDeadline, control.SetReadDeadline} {
			if err := set(until); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return false
			}
		}
		if _, err := fmt.Fprintf(w, form, a...); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	for alive := send(": berkas\nretry: 2000\n\n"); alive; {
		select {
		case at := <-news:
			data, err := json.Marshal(at)
			if err != nil {
				return err
			}
			alive = send("id: %d\nevent: moved\ndata: %s\n\n", at.Position, data)
		case <-pulse.C:
			alive = send(": still here\n\n")
		case <-s.live.ending:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
	return nil
}
