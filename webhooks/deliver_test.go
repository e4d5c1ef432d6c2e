package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// today is long after everything in the book was recorded.
var today = time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC)

// book is a ledger in memory.
type book struct {
	*testkit.World
	records []ledger.Record
}

func newBook() *book {
	w := testkit.NewWorld()
	b := &book{World: w, records: w.Founding()}
	for range 2 {
		for _, s := range w.Story(w.NewID(), today, 2) {
			b.records = append(b.records, w.Record(b.records, s, today.AddDate(1, 0, 0)))
		}
	}
	return b
}

// feed gives what there is, then waits for the end.
func (b *book) feed(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
	if err := testkit.Feed(b.records)(ctx, after, yield); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func (b *book) head() ledger.Position { return ledger.Position(len(b.records)) }

// positions are those of the records that an endpoint wants.
func (b *book) positions(t *testing.T, e *Endpoint) []ledger.Position {
	t.Helper()
	var out []ledger.Position
	for _, r := range b.records {
		ev, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		if e.wants(ev) {
			out = append(out, r.Position)
		}
	}
	return out
}

// delivered is a message as a receiver got it.
type delivered struct {
	id, header string
	body       string
	position   ledger.Position
}

// receiver is an institution's program: it verifies, and then does what the test says
// with the n-th message that comes, counted from 0.
type receiver struct {
	*httptest.Server
	t       *testing.T
	mu      sync.Mutex
	secrets []string // one of them has to fit
	got     []delivered
	act     func(n int, w http.ResponseWriter, r *http.Request)
	done    chan struct{} // closed when the last position was taken
	last    ledger.Position
}

func newReceiver(t *testing.T, last ledger.Position, act func(int, http.ResponseWriter, *http.Request)) *receiver {
	t.Helper()
	rc := &receiver{t: t, act: act, last: last, done: make(chan struct{})}
	rc.Server = httptest.NewServer(rc)
	t.Cleanup(rc.Close)
	return rc
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	rc.mu.Lock()
	fits := slices.ContainsFunc(rc.secrets, func(s string) bool { return Verify(s, r.Header, body, time.Now()) == nil })
	var m struct {
		Type, Timestamp string
		Data            struct {
			Position ledger.Position
			Kind     string
		}
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Type != m.Data.Kind && m.Type != TestType || !fits || r.Header.Get("Content-Type") != "application/json" {
		rc.t.Errorf("no message of ours: %v %s %v", fits, body, err)
	}
	n := len(rc.got)
	rc.got = append(rc.got, delivered{r.Header.Get(HeaderID), r.Header.Get(HeaderSignature), string(body), m.Data.Position})
	act := rc.act
	rc.mu.Unlock()
	kept := &status{ResponseWriter: w}
	if act != nil {
		act(n, kept, r)
	}
	if kept.code == 0 || kept.code == http.StatusOK {
		rc.mu.Lock()
		defer rc.mu.Unlock()
		if m.Data.Position == rc.last && rc.last != 0 {
			rc.last = 0
			close(rc.done)
		}
	}
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) { s.code = code; s.ResponseWriter.WriteHeader(code) }

func (rc *receiver) messages() []delivered {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return slices.Clone(rc.got)
}

// taken are the positions in the order in which they came, repetitions left out.
func (rc *receiver) taken() []ledger.Position {
	var out []ledger.Position
	for _, m := range rc.messages() {
		out = append(out, m.position)
	}
	return slices.Compact(out)
}

// post is where the dispatcher of a test works.
type post struct {
	*book
	t     *testing.T
	store Store
	log   Config
}

func newPost(t *testing.T) *post {
	b := newBook()
	p := &post{book: b, t: t, store: Store{t.TempDir()}}
	p.log = Config{
		Dir: p.store.Dir, Origin: b.Origin, Feed: b.feed, Head: b.head, Rehearsal: true, Look: 2 * time.Millisecond, Timeout: 5 * time.Second,
		Retry: Retry{First: time.Millisecond, Most: 4 * time.Millisecond}, Log: testkit.Log(t),
	}
	return p
}

// add makes an endpoint that begins with the first record.
func (p *post) add(name string, rc *receiver, change ...func(*Endpoint)) Endpoint {
	p.t.Helper()
	e := NewEndpoint(name, rc.URL+"/hook")
	e.Order.After = new(ledger.Position)
	for _, c := range change {
		c(&e)
	}
	rc.mu.Lock()
	rc.secrets = append(rc.secrets, e.Secrets[0].Value)
	rc.mu.Unlock()
	if err := p.store.Save(e); err != nil {
		p.t.Fatal(err)
	}
	return e
}

// run lets a dispatcher work until end is called.
func (p *post) run() (d *Dispatcher, end func()) {
	d = New(p.log)
	ctx, cancel := context.WithCancel(p.t.Context())
	gone := make(chan error, 1)
	go func() { gone <- d.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-gone; err != nil {
			p.t.Error(err)
		}
	})
	p.t.Cleanup(end)
	return d, end
}

func (p *post) state(name string) State {
	p.t.Helper()
	s, err := p.store.State(name)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// until looks again and again whether something holds, which a file says.
func (p *post) until(what string, holds func() bool) {
	p.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			p.t.Fatal("it never came to it: " + what)
		}
	}
}

// kept waits until an endpoint's position is written: a receiver has a message before
// the program knows that.
func (p *post) kept(name string) {
	p.t.Helper()
	p.until("the position is kept", func() bool { return p.state(name).Position == p.head() })
}

// TestDelivery: every record that is wanted comes once, in order, signed, and says
// nothing of what it holds; two endpoints get what each wants.
func TestDelivery(t *testing.T) {
	p := newPost(t)
	all := newReceiver(t, p.head(), nil)
	every := p.add("all", all)
	some := Endpoint{Kinds: []ledger.Kind{ledger.CaseRecommendedKind, ledger.DecisionRecordedKind}, Agency: ledger.BKN}
	want := p.positions(t, &some)
	few := newReceiver(t, want[len(want)-1], nil)
	p.add("few", few, func(e *Endpoint) { e.Kinds, e.Agency = some.Kinds, some.Agency })
	_, end := p.run()
	<-all.done
	<-few.done
	p.kept("all")
	end()
	if got := all.taken(); !slices.Equal(got, p.positions(t, &Endpoint{})) || len(all.got) != len(got) {
		t.Errorf("%v", got)
	}
	if got := few.taken(); !slices.Equal(got, want) || len(few.got) != len(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for i, m := range all.got {
		r := p.records[i]
		if m.id != "msg_"+every.ID+"_"+strconv.Itoa(i+1) || !strings.Contains(m.body, r.LeafHash().String()) || !strings.Contains(m.body, r.CaseID()) ||
			!strings.Contains(m.body, `"/v1/stream?after=`+strconv.Itoa(i)+`\u0026limit=1"`) {
			t.Errorf("%+v", m)
		}
		if len(m.body) > 700 || strings.Contains(m.body, "institution") || strings.Contains(m.body, "respondents") || strings.Contains(m.body, "identity") {
			t.Errorf("it says more than where to look: %s", m.body)
		}
	}
	s := p.state("all")
	if s.Position != p.head() || s.Leaf != p.records[len(p.records)-1].LeafHash().String() || s.Delivered != uint64(p.head()) || s.Failing != nil || s.Disabled != nil {
		t.Errorf("%+v", s)
	}
	// Started again it sends nothing again.
	again := newReceiver(t, 0, nil)
	head := p.head()
	p.add("other", again, func(e *Endpoint) { e.Order.After, e.First = nil, &head })
	_, end = p.run()
	p.until("the new endpoint stands", func() bool { return p.state("other").Position == p.head() })
	end()
	if len(all.messages()) != len(p.records) || len(again.messages()) != 0 {
		t.Error("what was delivered was sent again")
	}
}

// TestDeliveryThroughFaults: whatever a receiver does to every other message, all of
// them arrive in order, under the same ids, and no other endpoint waits for it.
func TestDeliveryThroughFaults(t *testing.T) {
	elsewhere := newReceiver(t, 0, nil)
	cut := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(*status).ResponseWriter.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
			w.(*status).code = 1
		}
	}
	say := func(code int, header ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(code)
		}
	}
	for name, fault := range map[string]struct {
		do  func(http.ResponseWriter, *http.Request)
		why string
	}{
		"status 500":        {say(500), "status 500"},
		"no such page":      {say(404), "status 404"},
		"redirect":          {say(307, "Location", elsewhere.URL), "redirects are not followed"},
		"busy":              {say(429, "Retry-After", "0"), "status 429"},
		"connection cut":    {cut(""), "the connection failed"},
		"answer cut":        {cut("HTTP/1.1 200 OK\r\nContent-Le"), "the connection failed"},
		"no HTTP":           {cut("halo\r\n\r\n"), "the connection failed"},
		"endless header":    {cut("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2*maxAnswerHead)), "the connection failed"},
		"silence":           {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer in time"},
		"half the body":     {cut("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf"), "status 500"},
		"switching":         {cut("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "status 101"},
		"early hints, then": {cut("HTTP/1.1 103 Early Hints\r\n\r\n"), "the connection failed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			if name == "silence" {
				p.log.Timeout = 20 * time.Millisecond
			}
			p.records = p.records[:9]
			var failure string
			rc := newReceiver(t, p.head(), func(n int, w http.ResponseWriter, r *http.Request) {
				if n%2 == 0 {
					fault.do(w, r)
					return
				}
				if f := p.state("one").Failing; f != nil {
					failure = f.Why
				}
			})
			p.add("one", rc)
			_, end := p.run()
			<-rc.done
			end()
			if got := rc.taken(); !slices.Equal(got, p.positions(t, &Endpoint{})) {
				t.Errorf("%v", got)
			}
			for i, m := range rc.messages() {
				if i%2 == 1 && (m.id != rc.got[i-1].id || m.body != rc.got[i-1].body) {
					t.Errorf("tried again, it was another message: %+v and %+v", rc.got[i-1], m)
				}
			}
			if !strings.Contains(failure, fault.why) {
				t.Errorf("the reason was %q", failure)
			}
		})
	}
	if len(elsewhere.messages()) > 0 {
		t.Error("a redirect was followed")
	}
}

// TestCrashBetweenDeliveryAndCursor: the receiver has the message, the program does
// not know it any more: the same one comes again, under the same id.
func TestCrashBetweenDeliveryAndCursor(t *testing.T) {
	p := newPost(t)
	var end func()
	crash := make(chan struct{})
	rc := newReceiver(t, p.head(), func(n int, _ http.ResponseWriter, r *http.Request) {
		if n == 4 {
			close(crash)
			<-r.Context().Done() // the program is gone before it hears the answer
		}
	})
	p.add("one", rc)
	_, end = p.run()
	<-crash
	end()
	if s := p.state("one"); s.Position != 4 || s.Delivered != 4 {
		t.Fatalf("%+v", s)
	}
	_, end = p.run()
	<-rc.done
	end()
	got := rc.messages()
	if len(got) != len(p.records)+1 || got[4].id != got[5].id || got[4].body != got[5].body || !slices.Equal(rc.taken(), p.positions(t, &Endpoint{})) {
		t.Errorf("%+v", got[4:6])
	}
}

// TestSlowEndpointHoldsNobody: one that never answers does not keep others waiting.
func TestSlowEndpointHoldsNobody(t *testing.T) {
	p := newPost(t)
	slow := newReceiver(t, 0, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	quick := newReceiver(t, p.head(), nil)
	p.add("a-slow", slow)
	p.add("b-quick", quick)
	_, end := p.run()
	<-quick.done
	if n := len(slow.messages()); n > 1 {
		t.Errorf("%d messages to one that answered none", n)
	}
	end()
}

// TestDisabled: 410 ends it at once, repeated failure after a stated time; then it is
// said, nothing is sent, and an order begins where it says.
func TestDisabled(t *testing.T) {
	p := newPost(t)
	var mu sync.Mutex
	code := http.StatusGone
	rc := newReceiver(t, p.head(), func(_ int, w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(code)
	})
	e := p.add("one", rc)
	p.log.Retry.GiveUp, p.log.Retry.Least = 30*time.Millisecond, 4
	d, end := p.run()
	p.until("disabled", func() bool { return len(d.Trouble()) == 1 })
	if n, s := len(rc.messages()), p.state("one"); n != 1 || s.Disabled == nil || s.Position != 0 || !strings.Contains(d.Trouble()[0], "410") {
		t.Errorf("%d messages, %+v, %v", n, s, d.Trouble())
	}
	mu.Lock()
	code = http.StatusInternalServerError
	mu.Unlock()
	order := func(after *ledger.Position) {
		e.Order.Number, e.Order.After = e.Order.Number+1, after
		if err := p.store.Save(e); err != nil {
			t.Fatal(err)
		}
	}
	order(nil)
	p.until("disabled again", func() bool { s := p.state("one"); return s.Order == 2 && s.Disabled != nil })
	if s := p.state("one"); s.Failing.Attempts < 4 || !strings.Contains(s.Disabled.Why, "30ms") {
		t.Errorf("%+v %+v", s.Failing, s.Disabled)
	}
	end()
	mu.Lock()
	code = http.StatusOK
	mu.Unlock()
	// Started again it stays disabled.
	d, _ = p.run()
	p.until("said again", func() bool { return len(d.Trouble()) == 1 })
	before := len(rc.messages())
	after := ledger.Position(7)
	order(&after)
	<-rc.done
	p.until("no more trouble", func() bool { return len(d.Trouble()) == 0 })
	got := rc.messages()[before:]
	if len(got) != len(p.records)-7 || got[0].position != 8 || got[0].id != "msg_"+e.ID+"_8" {
		t.Errorf("replay began with %+v", got[0])
	}
	// Paused, nothing is sent, and that is no trouble; removed, nothing is left.
	e.Paused = true
	order(new(ledger.Position))
	p.until("paused", func() bool { return len(d.Trouble()) == 0 })
	if err := p.store.Remove("one"); err != nil {
		t.Fatal(err)
	}
	if names, err := p.store.Names(); len(names) != 0 || err != nil {
		t.Error(names, err)
	}
}

// TestLostState: whose position is lost gets again what came since he was added, under
// the same ids; and where nobody knows that either, nothing is passed over in silence.
func TestLostState(t *testing.T) {
	p := newPost(t)
	first := ledger.Position(5)
	rc := newReceiver(t, p.head(), nil)
	e := p.add("one", rc, func(e *Endpoint) { e.Order.After, e.First = nil, &first })
	_, end := p.run()
	<-rc.done
	p.kept("one")
	end()
	had := rc.messages()
	if err := os.Remove(p.store.stateFile("one")); err != nil {
		t.Fatal(err)
	}
	e.Order.Number = 7 // there were orders since, such as to resume
	if err := p.store.Save(e); err != nil {
		t.Fatal(err)
	}
	_, end = p.run()
	p.kept("one")
	end()
	again := rc.messages()[len(had):]
	if len(had) == 0 || had[0].position != 6 || len(again) != len(had) || again[0].id != had[0].id {
		t.Errorf("%d messages, then %d", len(had), len(again))
	}
	if err := os.Remove(p.store.stateFile("one")); err != nil {
		t.Fatal(err)
	}
	e.First = nil
	if err := p.store.Save(e); err != nil {
		t.Fatal(err)
	}
	d, end := p.run()
	p.until("said", func() bool { return len(d.Trouble()) == 1 })
	end()
	if n := len(rc.messages()); !strings.Contains(d.Trouble()[0], "say where to begin") || n != len(had)+len(again) || p.state("one").Order != 0 {
		t.Errorf("%v, %d messages", d.Trouble(), n)
	}
}

// TestRotation: while a secret is replaced both sign, then the new one alone.
func TestRotation(t *testing.T) {
	p := newPost(t)
	rc := newReceiver(t, p.head(), nil)
	e := p.add("one", rc)
	if _, err := e.Rotate(time.Now(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := p.store.Save(e); err != nil {
		t.Fatal(err)
	}
	_, end := p.run()
	<-rc.done
	end()
	for _, m := range rc.messages() {
		if len(strings.Fields(m.header)) != 2 {
			t.Fatalf("signed by %q", m.header)
		}
	}
	m := Message{"msg_x", []byte("{}")}
	later, err := e.signatures(m, time.Now().Add(2*time.Hour))
	if err != nil || len(strings.Fields(later)) != 1 {
		t.Errorf("%q %v", later, err)
	}
	if want, err := Sign(e.Secrets[0].Value, m.ID, time.Now(), m.Body); err != nil || want == "" {
		t.Error(err)
	}
	for len(e.Secrets) < maxSecrets {
		if _, err := e.Rotate(time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	before := slices.Clone(e.Secrets)
	if _, err := e.Rotate(time.Now(), time.Now().Add(time.Hour)); !errors.Is(err, ErrSecrets) || !slices.Equal(e.Secrets, before) {
		t.Errorf("one that still signs was dropped: %v", err)
	}
	now := time.Now()
	if _, err := e.Rotate(now, now); err != nil || len(e.Secrets) != 1 || e.Check() != nil {
		t.Error(len(e.Secrets), err)
	}
}

// TestAnotherLedger: a ledger whose record at the endpoint's position is another one
// is not told of (promise P3).
func TestAnotherLedger(t *testing.T) {
	p := newPost(t)
	rc := newReceiver(t, p.head(), nil)
	p.add("one", rc)
	_, end := p.run()
	<-rc.done
	p.kept("one")
	end()
	n := len(rc.messages())
	last := &p.records[len(p.records)-1]
	last.Recorded = last.Recorded.Add(time.Microsecond)
	p.records = append(p.records, p.Record(p.records, p.Story(p.NewID(), today, 1)[0], today.AddDate(1, 0, 1)))
	d, end := p.run()
	p.until("noticed", func() bool { return len(d.Trouble()) == 1 })
	end()
	if !strings.Contains(d.Trouble()[0], "differs") || len(rc.messages()) != n {
		t.Errorf("%v, %d messages", d.Trouble(), len(rc.messages())-n)
	}
}
