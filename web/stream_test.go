package web

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// heard is a server-sent event as a reader takes it apart.
type heard struct {
	id, name, data string
}

// nextEvent reads to the end of an event (WHATWG HTML, section 9.2.6).
func nextEvent(in *bufio.Reader) (heard, error) {
	var e heard
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return e, err
		}
		line = strings.TrimSuffix(line, "\n")
		field, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && e.data != "":
			return e, nil
		case field == "id":
			e.id = value
		case field == "event":
			e.name = value
		case field == "data":
			e.data = value
		}
	}
}

// reason is what an event that ends a stream says.
func (e heard) reason(t *testing.T) string {
	t.Helper()
	var said struct {
		Position uint64
		Reason   string
		Again    bool
	}
	if err := json.Unmarshal([]byte(e.data), &said); err != nil || e.name != feedEnd || strconv.FormatUint(said.Position, 10) != e.id || said.Again == (said.Reason == "broken") {
		t.Fatalf("not the end: %+v", e)
	}
	return said.Reason
}

// openFeed is an answer of /v1/stream that goes on.
type openFeed struct {
	*bufio.Reader
	t      *testing.T
	answer *http.Response
}

func feedFrom(t *testing.T, addr, query string, header http.Header) openFeed {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, addr+"/v1/stream?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != streamType {
		t.Fatalf("%d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	return openFeed{bufio.NewReader(answer.Body), t, answer}
}

func (o openFeed) next() heard {
	o.t.Helper()
	e, err := nextEvent(o.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	return e
}

// record puts a record together from what an event says, and checks it against
// its own leaf hash.
func (e heard) record(t *testing.T) ledger.Record {
	t.Helper()
	var s streamedRecord
	if err := json.Unmarshal([]byte(e.data), &s); err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(s.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ledger.ParseRecord(ledger.Position(s.Position), s.Subject, map[string][]string{
		ledger.HeaderContentType: {ledger.ContentType}, ledger.HeaderRecorded: {s.Recorded}, ledger.HeaderSignature: s.Signatures,
	}, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.LeafHash().String() != s.Leaf || e.id != strconv.FormatUint(s.Position, 10) || len(s.Keys) != len(s.Signatures) {
		t.Fatalf("the event is not of its record: %+v", e)
	}
	return r
}

// TestStream: what is recorded comes at once, whole, with its position; an agency
// and an auditor read it and nobody else.
func TestStream(t *testing.T) {
	tokens, secrets := bearers(t)
	n := newNode(t, func(c *Config) { c.Open, c.Tokens, c.Limits.StreamsEach = false, tokens, 2 })
	as := func(r Reader) http.Header { return http.Header{"Authorization": {"Bearer " + secrets[r]}} }
	n.wants(n.get("/v1/stream"), 401, "credential-missing")
	n.wants(n.do("GET", "/v1/stream", as(ReaderDashboard), nil), 403, "credential-too-weak")
	founded := n.length()
	live := feedFrom(t, n.http.URL, "", as(ReaderAgency))
	if e := live.next(); e.name != feedAt || e.id != position(founded) {
		t.Fatalf("%+v", e)
	}
	id, opened := n.open()
	receipt := n.admit(opened)
	e := live.next()
	public, _ := n.Private(testkit.EventKey(ledger.Bawaslu)).Public().(ed25519.PublicKey)
	if r := e.record(t); e.name != "case.opened" || r.Position != receipt.Position || r.LeafHash() != receipt.Leaf || !r.Signatures[0].Fits(public, r.Body) {
		t.Errorf("%+v", e)
	}
	// Another reader is at the beginning, and asks for one kind of one agency's cases.
	rest := feedFrom(t, n.http.URL, "after=0&limit=1&kind=case.registered,case.opened&agency=bawaslu&case="+id[:30], as(ReaderAuditor))
	last := rest.next()
	for last.name == feedAt {
		last = rest.next()
	}
	if r := last.record(t); r.Position != receipt.Position {
		t.Errorf("%+v", last)
	}
	if reason := rest.next().reason(t); reason != "limit" {
		t.Error(reason)
	}
	if _, err := nextEvent(rest.Reader); !errors.Is(err, io.EOF) {
		t.Error("it goes on after its end:", err)
	}
	// One credential does not take everybody's places.
	feedFrom(t, n.http.URL, "", as(ReaderAgency))
	n.wants(n.do("GET", "/v1/stream", as(ReaderAgency), nil), 429, "credential-crowded")
	feedFrom(t, n.http.URL, "", as(ReaderAuditor))
}

// TestStreamIsRefused: what is no question is not answered, and a reader who is
// ahead of the ledger is told that it is not the one he read.
func TestStreamIsRefused(t *testing.T) {
	n := &node{t: t, server: newSilent(t)}
	n.listen()
	n.wants(n.get("/v1/stream"), 503, "unavailable")
	n.http.Close()
	n.server = newSilent(t, func(c *Config) { c.Feed = testkit.Feed(nil) })
	n.listen()
	for _, bad := range []string{
		"after=x", "after=-1", "after=01", "after=1e3", "after=9223372036854775808", "after=1&after=2", "kind=case.dreamt", "kind=case.opened,,",
		"agency=BKN", "case=%2a", "case=" + strings.Repeat("0", 37), "limit=0", "limit=100001", "from=1",
	} {
		n.wants(n.get("/v1/stream?"+bad), 400, "bad-query")
	}
	n.wants(n.do("GET", "/v1/stream?after=0", http.Header{"Last-Event-Id": {"x"}}, nil), 400, "bad-query")
	n.wants(n.do("GET", "/v1/stream?after=0", http.Header{"Last-Event-Id": {"7"}}, nil), 409, "ahead-of-ledger")
	if r := n.do("HEAD", "/v1/stream", nil, nil); r.status != 200 || r.body != "" {
		t.Errorf("%+v", r)
	}
}

// growing is a ledger that grows under its readers' eyes, and whose feed ends at
// times as if the program had been started anew.
type growing struct {
	records []ledger.Record
	mu      sync.Mutex
	there   int
	more    chan struct{}
}

func (g *growing) head() ledger.Position {
	g.mu.Lock()
	defer g.mu.Unlock()
	return ledger.Position(g.there)
}

func (g *growing) grow(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.there = min(g.there+n, len(g.records))
	close(g.more)
	g.more = make(chan struct{})
}

func (g *growing) feed(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
	for rand.IntN(40) > 0 {
		g.mu.Lock()
		there, more := g.there, g.more
		g.mu.Unlock()
		if int(after) == there {
			select {
			case <-more:
			case <-ctx.Done():
				return nil
			}
			continue
		}
		to := min(there, int(after)+1+rand.IntN(5))
		if err := yield(slices.Clone(g.records[after:to])); err != nil {
			return err
		}
		after = ledger.Position(to)
	}
	return nil
}

func newGrowing() *growing {
	w := testkit.NewWorld()
	g := &growing{records: w.Founding(), more: make(chan struct{})}
	for range 12 {
		for _, s := range w.Story(w.NewID(), today, 2) {
			g.records = append(g.records, w.Record(g.records, s, today.AddDate(1, 0, 0)))
		}
	}
	g.there = len(g.records) / 3
	return g
}

// TestStreamLosesNothing: readers whose connection breaks wherever it likes, with
// and without filters, get every record that they asked for once and in order.
func TestStreamLosesNothing(t *testing.T) {
	g := newGrowing()
	s := newSilent(t, func(c *Config) { c.Feed, c.Head, c.Limits.Heartbeat = g.feed, g.head, time.Millisecond })
	addr, end := serving(t, s)
	defer func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}()
	end0 := strconv.Itoa(len(g.records))
	var readers sync.WaitGroup
	for _, query := range []string{"", "kind=case.recommended", "agency=kasn", "agency=bkn&kind=decision.recorded,control.blocked", "case=0", "case=ffff"} {
		readers.Go(func() {
			q := parsedStream(t, query)
			var got []ledger.Position
			last, breaks := "0", 0
			for last != end0 {
				o := feedFrom(t, "http://"+addr, query, http.Header{"Last-Event-Id": {last}})
				for range 1 + rand.IntN(30) { // then the connection breaks
					e, err := nextEvent(o.Reader)
					if err != nil {
						break
					}
					last = e.id
					if e.name != feedAt && e.name != feedEnd {
						got = append(got, e.record(t).Position)
					}
					if e.name == feedEnd || last == end0 {
						break
					}
				}
				_ = o.answer.Body.Close()
				breaks++
				g.grow(1)
			}
			var want []ledger.Position
			for _, r := range g.records {
				if e, err := ledger.DecodeRecord(r); err == nil && q.wants(r, e) {
					want = append(want, r.Position)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: after %d breaks %v, want %v", query, breaks, got, want)
			}
			if query == "" && breaks < 5 {
				t.Errorf("only %d breaks", breaks)
			}
		})
	}
	readers.Wait()
}

func parsedStream(t *testing.T, query string) streamQuestion {
	q, err := parseStream(httptest.NewRequest(http.MethodGet, "/v1/stream?"+query, nil))
	if err != nil {
		t.Error(err)
	}
	return q
}

// TestStreamEndsWithTheServer: a reader is told to come again, and does not keep
// the program from ending; so is one whose ledger broke, but not to come again.
func TestStreamEndsWithTheServer(t *testing.T) {
	g := newGrowing()
	s := newSilent(t, func(c *Config) {
		c.Head = g.head
		c.Feed = func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
			if after == 3 {
				return &ledger.ErrBroken{Position: 4}
			}
			if after == 5 { // it jumps
				return yield(g.records[6:8])
			}
			<-ctx.Done()
			return nil
		}
	})
	addr, end := serving(t, s)
	for _, after := range []string{"3", "5"} {
		o := feedFrom(t, "http://"+addr, "after="+after, nil)
		if o.next().name != feedAt || o.next().reason(t) != "broken" {
			t.Error("a broken ledger went unsaid")
		}
	}
	o := feedFrom(t, "http://"+addr, "after=2", nil)
	o.next()
	began := time.Now()
	if err := end(); err != nil || time.Since(began) > grace/2 {
		t.Errorf("it took %v to end: %v", time.Since(began), err)
	}
	if e := o.next(); e.id != "2" || e.reason(t) != "restart" {
		t.Errorf("%+v", e)
	}
}

// TestStreamAndSlowReaders: whoever does not read is cut and gives his place
// back; whoever reads slowly is told so.
func TestStreamAndSlowReaders(t *testing.T) {
	g := newGrowing()
	gone := make(chan ledger.Position, 1)
	endless := func(_ context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		defer func() { gone <- after }()
		for ; ; after++ {
			r := g.records[4]
			r.Position = after + 1
			if err := yield([]ledger.Record{r}); err != nil {
				return err
			}
		}
	}
	s := newSilent(t, func(c *Config) { c.Feed, c.Limits.Streams, c.Limits.StreamStall = endless, 1, 50*time.Millisecond })
	addr, end := serving(t, s)
	defer func() { _ = end() }()
	deaf, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	if _, err := io.WriteString(deaf, "GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if p := <-gone; p > 100_000 {
		t.Errorf("%d records were kept for a deaf reader", p)
	}

	s = newSilent(t, func(c *Config) { c.Feed, c.Limits.StreamSlow = endless, time.Millisecond })
	w := &slowWriter{ResponseRecorder: httptest.NewRecorder()}
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/stream?after=0", nil))
	<-gone
	in := bufio.NewReader(w.Body)
	var last heard
	for {
		e, err := nextEvent(in)
		if err != nil {
			break
		}
		last = e
	}
	if reason := last.reason(t); reason != "slow" {
		t.Error(reason)
	}
}

// slowWriter is a connection that takes its time.
type slowWriter struct{ *httptest.ResponseRecorder }

func (w *slowWriter) Write(b []byte) (int, error) {
	<-time.After(3 * time.Millisecond)
	return w.ResponseRecorder.Write(b)
}

// FuzzParseStream: no query makes the parser fail otherwise than with a problem.
func FuzzParseStream(f *testing.F) {
	for _, seed := range []string{"after=0", "after=7&kind=case.opened&agency=bkn&case=01&limit=3", "kind=,", "after=%00", "limit=-1"} {
		f.Add(seed, "")
	}
	f.Add("", "12")
	f.Fuzz(func(t *testing.T, query, last string) {
		r := httptest.NewRequest(http.MethodGet, "/v1/stream", nil)
		r.URL.RawQuery = query
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
		q, err := parseStream(r)
		if err == nil && !q.now && strconv.FormatUint(uint64(q.after), 10) != last && last != "" {
			t.Errorf("Last-Event-ID %q was read as %d", last, q.after)
		}
	})
}
