package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// grower lets a shelf's read models grow by cases, while pages are looked at.
type grower struct {
	*shelf
	mu    sync.Mutex
	all   []ledger.Record
	cases int
}

func (s *shelf) grower() *grower {
	return &grower{shelf: s, all: append([]ledger.Record(nil), s.records...)}
}

// grow records a case of two respondents and gives the last position.
func (g *grower) grow() (ledger.Position, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cases++
	begin := time.Date(2021, 3, g.cases, 3, 0, 0, 0, time.UTC)
	for _, s := range g.Story(g.NewID(), begin, 2)[:2] {
		at := g.Start.Add(time.Duration(len(g.all)) * time.Millisecond)
		g.all = append(g.all, g.Record(g.all, s, at))
	}
	return g.all[len(g.all)-1].Position, projections.NewProjector(projections.Config{URL: g.url}).Run(g.t.Context(), testkit.Feed(g.all))
}

// follower reads the events of a stream.
type follower struct {
	t      *testing.T
	cancel context.CancelFunc
	gone   chan struct{} // closed when the stream has ended
	events chan reached
}

func (s *shelf) follow(t *testing.T) *follower {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	f := &follower{t: t, cancel: cancel, gone: make(chan struct{}), events: make(chan reached, 100)}
	go f.read(ctx, s.http.URL+"/live")
	return f
}

func (f *follower) read(ctx context.Context, address string) {
	defer close(f.gone)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		f.t.Error(err)
		return
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != streamType {
		f.t.Errorf("%s %s", answer.Status, answer.Header)
	}
	var id string
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id = rest
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var at reached
			if err := json.Unmarshal([]byte(data), &at); err != nil || id != strconv.FormatUint(uint64(at.Position), 10) {
				f.t.Errorf("id %s, data %s: %v", id, data, err)
			}
			f.events <- at
		}
	}
}

// until waits for the event that a position is reached.
func (f *follower) until(p ledger.Position) {
	f.t.Helper()
	for limit := time.After(30 * time.Second); ; {
		select {
		case at := <-f.events:
			if at.Position >= p {
				return
			}
		case <-limit:
			f.t.Fatalf("position %d was not told", p)
		}
	}
}

// TestLive: every stream learns where the read models are, and that they moved;
// one listener serves all and goes with the last; they end with the server.
func TestLive(t *testing.T) {
	s := newShelf(t)
	g := s.grower()
	head := ledger.Position(len(s.records))
	one, two := s.follow(t), s.follow(t)
	one.until(head)
	two.until(head)
	for range 2 {
		p, err := g.grow()
		if err != nil {
			t.Fatal(err)
		}
		one.until(p)
		two.until(p)
		head = p
	}
	late := s.follow(t)
	late.until(head)
	if n := s.listeners(t); n > 1 {
		t.Errorf("%d connections listen for three streams", n)
	}
	l := &s.server.live
	l.mu.Lock()
	listening := l.stopped
	l.mu.Unlock()
	for _, f := range []*follower{one, two, late} {
		f.cancel()
		<-f.gone
	}
	select {
	case <-listening:
	case <-time.After(30 * time.Second):
		t.Error("the listener outlives the streams")
	}
	again := s.follow(t) // another listener begins
	again.until(head)
	s.server.live.end()
	<-again.gone
}

// listeners counts the connections to the shelf's database that wait for news.
func (s *shelf) listeners(t *testing.T) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLiveIsBounded: the streams are, in all and of one credential; the answers beyond
// say so, and a place is free again when somebody leaves.
func TestLiveIsBounded(t *testing.T) {
	l := live{figures: newShelf(t).server.Figures, seats: newSeats(30, 20), streams: map[chan reached]bool{}, ending: make(chan struct{})}
	one, other := caller{token: Token{Name: "a", Hash: ledger.Hash{1}}}, caller{token: Token{Name: "b", Hash: ledger.Hash{2}}}
	var leave []func()
	join := func(who caller, n int) {
		t.Helper()
		for range n {
			_, out, err := l.join(who)
			if err != nil {
				t.Fatal(err)
			}
			leave = append(leave, out)
		}
	}
	join(one, 20)
	if _, _, err := l.join(one); !errors.Is(err, errOwnPlaces) {
		t.Fatalf("one more of a credential: %v", err)
	}
	join(other, 10)
	if _, _, err := l.join(other); !errors.Is(err, errStreams) {
		t.Fatalf("one more: %v", err)
	}
	leave[7]()
	news, out, err := l.join(other)
	if err != nil {
		t.Fatal(err)
	}
	<-news // told by the one listener
	leave[7] = out
	for _, f := range leave {
		f()
	}
	<-l.stopped
	if l.seats.taken != 0 || len(l.seats.of) != 0 {
		t.Errorf("%d places are still taken", l.seats.taken)
	}
}

// TestWithoutCredential: who may not see figures neither learns when they move nor
// finds them on the front page.
func TestWithoutCredential(t *testing.T) {
	tokens, secrets := bearers(t)
	n := &node{t: t, server: newSilent(t, func(c *Config) { c.Open, c.Tokens = false, tokens })}
	n.listen()
	n.wants(n.do(http.MethodGet, "/live", nil, nil), 401, "credential-missing")
	n.wants(n.do(http.MethodGet, "/live", http.Header{"Authorization": {"Bearer " + secrets[ReaderDashboard]}}, nil), 503, "unavailable")
	front := n.do(http.MethodGet, "/", http.Header{"Accept": {"text/html"}}, nil)
	if front.status != http.StatusOK || !strings.Contains(front.body, `href="/login"`) || strings.Contains(front.body, "data-headline") {
		t.Errorf("%d %s", front.status, front.body)
	}
}
