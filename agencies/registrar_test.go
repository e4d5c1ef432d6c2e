package agencies

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func TestMain(m *testing.M) {
	childMain() // does not return in a child process
	testkit.Main(m)
}

const origin = "ledger.example/test"

// receiptKeyText makes a receipt key and its verifier key in text.
func receiptKeyText(t testing.TB) (note.Signer, string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, public
}

// receiptKeys makes a receipt key pair.
func receiptKeys(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	signer, public := receiptKeyText(t)
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// registrar stands in for the real one: it takes from INTAKE, admits or refuses,
// and answers signed receipts. How it misbehaves a test says in fate.
type registrar struct {
	t      testing.TB
	conn   *nats.Conn
	js     jetstream.JetStream
	signer note.Signer

	// refuse says whether a submission is refused; nil admits all.
	refuse func(e ledger.Event) bool
	// answer sends the receipts of one delivery; nil sends the one.
	answer func(times int, subject string, receipt []byte)

	mu      sync.Mutex
	records []ledger.Event // in order of admission
	first   map[ledger.Hash]ledger.Receipt
	times   map[ledger.Hash]int // deliveries
	seen    chan ledger.Hash    // one for each delivery

	connected chan struct{} // after a reconnect
}

// intake makes an agency's INTAKE stream that takes at most limit bytes.
func (r *registrar) intake(agency ledger.AgencyID, limit int64) {
	r.t.Helper()
	_, err := r.js.CreateStream(r.t.Context(), jetstream.StreamConfig{
		Name: "INTAKE-" + string(agency), Subjects: []string{"intake." + string(agency)},
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: limit,
		MaxMsgSize: 64 << 10, Storage: jetstream.FileStorage,
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// work begins to decide what waits for an agency, until the test ends.
func (r *registrar) work(agency ledger.AgencyID) {
	r.t.Helper()
	consumer, err := r.js.CreateOrUpdateConsumer(r.t.Context(), "INTAKE-"+string(agency), jetstream.ConsumerConfig{
		Durable: "registrar", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1 << 14,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	consuming, err := consumer.Consume(func(m jetstream.Msg) { r.decide(agency, m) })
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		consuming.Stop()
		<-consuming.Closed()
	})
}

func (r *registrar) decide(agency ledger.AgencyID, m jetstream.Msg) {
	s, bad := ledger.ParseSubmission(agency, m.Headers(), m.Data())
	e, notEvent := ledger.Decode(m.Data())
	if bad != nil || notEvent != nil {
		r.t.Errorf("the registrar got something malformed: %v, %v", bad, notEvent)
		return
	}
	sum := s.Sum()
	r.mu.Lock()
	receipt, known := r.first[sum]
	if !known {
		receipt = ledger.Receipt{
			Origin: origin, Agency: agency, Event: e.ID, Sum: sum, Outcome: ledger.Admitted,
			Position: ledger.Position(len(r.first) + 1), Recorded: time.Now().UTC().Truncate(time.Microsecond),
		}
		if r.refuse != nil && r.refuse(e) {
			receipt.Outcome, receipt.Reason, receipt.Pointers = ledger.Refused, ledger.CodeCaseUnknown, []string{"/subject"}
		} else {
			r.records = append(r.records, e)
		}
		r.first[sum] = receipt
	}
	r.times[sum]++
	times := r.times[sum]
	r.mu.Unlock()

	if err := m.Ack(); err != nil {
		r.t.Errorf("ack: %v", err)
	}
	subject := ledger.ReceiptSubject(agency, sum)
	if r.answer != nil {
		r.answer(times, subject, r.sign(receipt))
	} else {
		r.send(subject, r.sign(receipt))
	}
	r.seen <- sum
}

func (r *registrar) sign(receipt ledger.Receipt) []byte {
	signed, err := ledger.SignReceipt(receipt, r.signer)
	if err != nil {
		r.t.Error(err)
	}
	return signed
}

func (r *registrar) send(subject string, receipt []byte) {
	if err := r.conn.Publish(subject, receipt); err != nil {
		r.t.Errorf("send receipt: %v", err)
	}
}

// receipt is what was decided about some bytes.
func (r *registrar) receipt(sum ledger.Hash) ledger.Receipt {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first[sum]
}

// deliveries is how often some bytes came.
func (r *registrar) deliveries(sum ledger.Hash) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.times[sum]
}

// resent is how many submissions came more than once.
func (r *registrar) resent() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, times := range r.times {
		if times > 1 {
			n++
		}
	}
	return n
}

// recorded lists the events on record, in order.
func (r *registrar) recorded() []ledger.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// admitted lists the ids of the events on record, in order.
func (r *registrar) admitted() []string {
	records := r.recorded()
	ids := make([]string, len(records))
	for i, e := range records {
		ids[i] = e.ID
	}
	return ids
}

// dial connects an agency that is not restricted.
func dial(t testing.TB, url string, agency ledger.AgencyID, verifier note.Verifier, patience time.Duration) *Client {
	t.Helper()
	c, err := Dial(t.Context(), Config{
		URL: url, Agency: agency, Origin: origin, Receipts: verifier, Patience: patience, Log: testkit.Log(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func signer(t testing.TB, id ledger.KeyID) Signer {
	t.Helper()
	s, err := GenerateSigner(id, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var happened = time.Date(2020, 10, 4, 3, 0, 0, 0, time.UTC)

func newID(t testing.TB) string {
	t.Helper()
	id, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// opening is a submission of Bawaslu's that opens a new case.
func opening(t testing.TB, s Signer) ledger.Submission {
	t.Helper()
	return openingOf(t, s, newID(t))
}

func openingOf(t testing.TB, s Signer, caseID string) ledger.Submission {
	t.Helper()
	draft, err := NewBawaslu(Office{Origin: origin}).OpenCase(caseID, happened, caseOpened())
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, ledger.Bawaslu, draft, s)
}

func sign(t testing.TB, agency ledger.AgencyID, d Draft, signers ...Signer) ledger.Submission {
	t.Helper()
	sub, err := Sign(agency, d, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func caseOpened() ledger.CaseOpened {
	return ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020",
		Act: ledger.Act{Date: "2020-10-01", Region: "73.71"}, Catalogue: ledger.CatalogueSKB2020,
		Items: []string{"social-media"},
		Respondents: []ledger.NewRespondent{{
			ID: "r1", Employment: "pns", Class: "pelaksana",
			Institution: ledger.Institution{Kind: "city", Region: "73.71", Office: "IV"},
		}},
	}
}

// within bounds a test that would otherwise wait for ever.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), d, errors.New("the test has waited long enough"))
	t.Cleanup(cancel)
	return ctx
}

func idOf(t testing.TB, s ledger.Submission) string {
	t.Helper()
	e, bad := ledger.Decode(s.Body)
	if bad != nil {
		t.Fatal(fmt.Errorf("decode: %w", bad))
	}
	return e.ID
}

func newRegistrar(t testing.TB, url string, signer note.Signer) *registrar {
	t.Helper()
	return newRegistrarWith(t, url, signer, "")
}

// newRegistrarWith connects with a seed file where the server asks for one.
func newRegistrarWith(t testing.TB, url string, signer note.Signer, seedFile string) *registrar {
	t.Helper()
	connected := make(chan struct{}, 16)
	options := []nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectHandler(func(*nats.Conn) { connected <- struct{}{} }),
	}
	if seedFile != "" {
		o, err := nats.NkeyOptionFromSeed(seedFile)
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, o)
	}
	conn, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return &registrar{
		t: t, conn: conn, js: js, signer: signer,
		first: map[ledger.Hash]ledger.Receipt{}, times: map[ledger.Hash]int{},
		seen: make(chan ledger.Hash, 1<<16), connected: connected,
	}
}

func portOf(t testing.TB, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// watchTurns gives a signal each time that INTAKE did not take a submission.
func watchTurns(c *Client) <-chan struct{} {
	w := watcher{c.log.Handler(), turnedAway, make(chan struct{}, 1<<16)}
	c.log = slog.New(w)
	return w.signal
}

type watcher struct {
	slog.Handler
	message string
	signal  chan struct{}
}

func (w watcher) Enabled(context.Context, slog.Level) bool { return true }

func (w watcher) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == w.message {
		w.signal <- struct{}{}
	}
	if !w.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

func await[T any](t testing.TB, signal <-chan T) T {
	t.Helper()
	select {
	case v := <-signal:
		return v
	case <-within(t, time.Minute).Done():
		t.Fatal("waited a minute for a signal")
		panic("unreachable")
	}
}
