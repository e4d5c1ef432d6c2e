package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// reply is what the server answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// problem reads the body of a refusal, and checks what every problem has.
func (n *node) problem(r reply) Problem {
	n.t.Helper()
	var p Problem
	if r.header.Get("Content-Type") != problemType {
		n.t.Fatalf("%d %q is no problem: %s", r.status, r.header.Get("Content-Type"), r.body)
	}
	n.check(json.Unmarshal([]byte(r.body), &p))
	if p.Status != r.status || p.Type != "urn:berkas:problem:"+p.Code || p.Detail == "" || p.DetailIndonesian == "" || p.Request != r.header.Get(headerRequestID) {
		n.t.Errorf("an incomplete problem: %s", r.body)
	}
	return p
}

// wants checks the status and code of a refusal.
func (n *node) wants(r reply, status int, code string) Problem {
	n.t.Helper()
	if r.status != status {
		n.t.Fatalf("status %d, want %d %s: %s", r.status, status, code, r.body)
	}
	p := n.problem(r)
	if p.Code != code {
		n.t.Errorf("code %s, want %s: %s", p.Code, code, r.body)
	}
	return p
}

func (n *node) do(method, path string, header http.Header, body []byte) reply {
	n.t.Helper()
	q, err := http.NewRequestWithContext(n.t.Context(), method, n.http.URL+path, bytes.NewReader(body))
	n.check(err)
	for name, values := range header {
		q.Header[name] = values
	}
	answer, err := n.http.Client().Do(q)
	n.check(err)
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	n.check(err)
	return reply{answer.StatusCode, answer.Header, string(got)}
}

func (n *node) get(path string) reply {
	n.t.Helper()
	return n.do(http.MethodGet, path, nil, nil)
}

// post submits over HTTP as an agency's program would.
func (n *node) post(s ledger.Submission) reply {
	n.t.Helper()
	return n.do(http.MethodPost, "/v1/events", s.Header(), s.Body)
}

// receipt verifies a signed receipt for a submission.
func (n *node) receipt(note string, s ledger.Submission) ledger.Receipt {
	n.t.Helper()
	r, err := ledger.OpenReceipt([]byte(note), n.verifier)
	n.check(err)
	if r.Origin != n.Origin || r.Agency != s.Agency || r.Sum != s.Sum() {
		n.t.Errorf("a receipt for something else:\n%s", note)
	}
	return r
}

func (n *node) admit(s ledger.Submission) ledger.Receipt {
	n.t.Helper()
	r := n.post(s)
	if r.status != http.StatusCreated {
		n.t.Fatalf("status %d: %s", r.status, r.body)
	}
	return n.receipt(r.body, s)
}

// open is the opening of a new case, an hour before today.
func (n *node) open() (string, ledger.Submission) {
	id := n.NewID()
	return id, n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Hour), testkit.Opened(1))
}

func (n *node) register(id string, change ...func(*ledger.Event)) ledger.Submission {
	return n.Say(ledger.Bawaslu, ledger.CaseRegisteredKind, id, today.Add(-time.Minute), ledger.CaseRegistered{Register: "CONTOH-REG/1"}, change...)
}

// TestSubmit: the same bytes twice are one submission and give the same receipt;
// what the receipt says is on the ledger, and at once to be read.
func TestSubmit(t *testing.T) {
	n := newNode(t)
	before := n.length()
	id, s := n.open()
	first := n.post(s)
	if first.status != http.StatusCreated || first.header.Get("Content-Type") != noteType || first.header.Get("Location") != "/v1/cases/"+id {
		t.Fatalf("%d %v\n%s", first.status, first.header, first.body)
	}
	r := n.receipt(first.body, s)
	if r.Outcome != ledger.Admitted || r.Position != before+1 {
		t.Errorf("%s at %d", r.Outcome, r.Position)
	}
	for range 3 {
		again := n.post(s)
		if again.status != http.StatusOK || again.body != first.body {
			t.Fatalf("the same bytes again: %d\n%s", again.status, again.body)
		}
	}
	records, err := n.records(t.Context(), ledger.SubjectCase(id))
	n.check(err)
	if len(records) != 1 || records[0].LeafHash() != r.Leaf || !bytes.Equal(records[0].Body, s.Body) {
		t.Errorf("the ledger holds something else: %+v", records)
	}
	if n.length() != before+1 {
		t.Errorf("%d records came of one submission", n.length()-before)
	}
	if got := n.get("/v1/cases/" + id); got.status != http.StatusOK {
		t.Errorf("the case is not to be read: %d %s", got.status, got.body)
	}
}

// TestSameBytesAtOnce: many callers with the same bytes at the same time get the
// one receipt of one record.
func TestSameBytesAtOnce(t *testing.T) {
	n := newNode(t)
	before := n.length()
	_, s := n.open()
	const callers = 30
	got := make(chan reply, callers)
	for range callers {
		go func() { got <- n.post(s) }()
	}
	first, created := "", 0
	for range callers {
		r := <-got
		if first == "" {
			first = r.body
		}
		if r.status == http.StatusCreated {
			created++
		} else if r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, r.body)
		}
		if r.body != first {
			t.Error("two receipts for the same bytes")
		}
	}
	if created == 0 || n.length() != before+1 {
		t.Errorf("%d created, %d records", created, n.length()-before)
	}
	n.receipt(first, s)
}

// TestRefused: what the registrar refuses is answered with the status of its
// reason and the signed receipt of the refusal.
func TestRefused(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	n.admit(opened)
	stale := uint64(0)
	for _, tt := range []struct {
		name    string
		s       ledger.Submission
		status  int
		code    ledger.Code
		pointer string
	}{
		{"stale", n.register(id, func(e *ledger.Event) { e.CaseVersion = &stale }), 409, ledger.CodeStaleVersion, "/caseversion"},
		{"no such case", n.register(n.NewID()), 409, ledger.CodeCaseUnknown, ""},
		{"opened twice", n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Minute), testkit.Opened(1)), 409, ledger.CodeCaseExists, ""},
		{"id reused", n.register(id, func(e *ledger.Event) { e.ID = eventID(t, opened) }), 409, ledger.CodeIDReused, "/id"},
		{"no mandate", n.Say(ledger.KASN, ledger.CaseOpenedKind, n.NewID(), today.Add(-time.Minute), testkit.Opened(1)), 403, ledger.CodeNoMandateThen, ""},
		{"schema", n.Say(ledger.Bawaslu, ledger.CaseRegisteredKind, id, today.Add(-time.Minute), map[string]string{"nomor": "1"}), 422, ledger.CodeSchema, "/data/register"},
		{"future", n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, n.NewID(), today.Add(time.Hour), testkit.Opened(1)), 422, ledger.CodeTimeInFuture, ""},
		{"other ledger", n.register(id, func(e *ledger.Event) { e.Ledger = "berkas.example/other" }), 422, ledger.CodeWrongLedger, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := n.length()
			p := n.wants(n.post(tt.s), tt.status, string(tt.code))
			r := n.receipt(p.Receipt, tt.s)
			if r.Outcome != ledger.Refused || r.Reason != tt.code || !slices.Equal(r.Pointers, p.Pointers) || r.Position != before+1 {
				t.Errorf("the receipt says %s %s %v at %d", r.Outcome, r.Reason, r.Pointers, r.Position)
			}
			if tt.pointer != "" && !slices.Contains(p.Pointers, tt.pointer) {
				t.Errorf("pointers %v, want %s", p.Pointers, tt.pointer)
			}
			if (r.First != 0) != (tt.code == ledger.CodeIDReused) || uint64(r.First) != p.First {
				t.Errorf("first %d, problem %d", r.First, p.First)
			}
			// A repeat makes no record and gets the same receipt.
			if again := n.wants(n.post(tt.s), tt.status, string(tt.code)); again.Receipt != p.Receipt || n.length() != before+1 {
				t.Errorf("the same bytes again: %d records", n.length()-before)
			}
		})
	}
}

func eventID(t *testing.T, s ledger.Submission) string {
	t.Helper()
	e, bad := ledger.Decode(s.Body)
	if bad != nil {
		t.Fatal(bad)
	}
	return e.ID
}

// TestTurnedAway: what is no signed event of an agency leaves nothing on the
// ledger, gets no receipt, and is counted.
func TestTurnedAway(t *testing.T) {
	reached := false
	n := newNode(t, func(c *Config) {
		submit := c.Submit
		c.Submit = func(ctx context.Context, s ledger.Submission) (ledger.Receipt, []byte, error) {
			reached = true
			return submit(ctx, s)
		}
	})
	id, good := n.open()
	stranger := n.Sign(ledger.Bawaslu, good.Body, "bawaslu/stranger")
	foreign := n.Sign(ledger.Bawaslu, good.Body, testkit.EventKey(ledger.BKN))
	root := n.Sign(ledger.Bawaslu, good.Body, testkit.RootKey(ledger.Bawaslu))
	with := func(s ledger.Submission, name string, values ...string) http.Header {
		h := http.Header(s.Header())
		h[name] = values
		return h
	}
	wrong := good
	wrong.Body = bytes.Replace(good.Body, []byte("2020-05-14"), []byte("2020-05-15"), 1)
	nip := "198501012010011001"
	personal := n.Event(ledger.Bawaslu, ledger.CaseRegisteredKind, id, today, ledger.CaseRegistered{Register: nip})
	for _, tt := range []struct {
		name   string
		header http.Header
		body   []byte
		status int
		code   ledger.Code
	}{
		{"too large", good.Header(), bytes.Repeat([]byte("x"), ledger.MaxBody+1), 413, ledger.CodeTooLarge},
		{"huge", good.Header(), bytes.Repeat([]byte("x"), 40*ledger.MaxBody), 413, ledger.CodeTooLarge},
		{"empty", good.Header(), nil, 400, ledger.CodeNotJSON},
		{"no JSON", good.Header(), []byte("halo"), 400, ledger.CodeNotJSON},
		{"no UTF-8", good.Header(), []byte("{\"\xff\":1}"), 400, ledger.CodeNotUTF8},
		{"deep", good.Header(), bytes.Repeat([]byte("["), 40_000), 400, ledger.CodeNotJSON},
		{"member twice", good.Header(), bytes.Replace(good.Body, []byte(`{"`), []byte(`{"id":"x","`), 1), 400, ledger.CodeDuplicateKey},
		{"no envelope", good.Header(), []byte(`{}`), 400, ledger.CodeBadEnvelope},
		{"media type", with(good, "Content-Type", "application/json"), good.Body, 415, ledger.CodeContentType},
		{"no media type", with(good, "Content-Type"), good.Body, 415, ledger.CodeContentType},
		{"charset", with(good, "Content-Type", ledger.ContentType+"; charset=latin1"), good.Body, 415, ledger.CodeContentType},
		{"no signature", with(good, ledger.HeaderSignature), good.Body, 401, ledger.CodeSignatureMissing},
		{"no signature at all", with(good, ledger.HeaderSignature, "bawaslu/a x"), good.Body, 400, ledger.CodeSignatureMalformed},
		{"signed twice", with(good, ledger.HeaderSignature, slices.Repeat(good.Header()[ledger.HeaderSignature], 2)...), good.Body, 400, ledger.CodeSignatureDoubled},
		{"signed a hundred times", with(good, ledger.HeaderSignature, slices.Repeat(good.Header()[ledger.HeaderSignature], 100)...), good.Body, 400, ledger.CodeSignatureMalformed},
		{"header of NATS", with(good, "Nats-Msg-Id", "1"), good.Body, 400, ledger.CodeForbiddenHeader},
		{"header of ours", with(good, "Berkas-Recorded", "1"), good.Body, 400, ledger.CodeForbiddenHeader},
		{"unknown key", stranger.Header(), good.Body, 401, ledger.CodeKeyUnknown},
		{"another's key", foreign.Header(), good.Body, 403, ledger.CodeKeyForeign},
		{"root key", root.Header(), good.Body, 403, ledger.CodeKeyForeign},
		{"other bytes", wrong.Header(), wrong.Body, 401, ledger.CodeSignatureInvalid},
		{"personal data", n.Sign(ledger.Bawaslu, personal).Header(), personal, 422, ledger.CodePersonalData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := n.server.door.counts().Turned[tt.code]
			p := n.wants(n.do(http.MethodPost, "/v1/events", tt.header, tt.body), tt.status, string(tt.code))
			if p.Receipt != "" || strings.Contains(p.Detail+p.DetailIndonesian, nip) {
				t.Errorf("the door gave a receipt, or repeated personal data: %+v", p)
			}
			if got := n.server.door.counts().Turned[tt.code]; got != before+1 {
				t.Errorf("counted %d times", got-before)
			}
		})
	}
	if founded := ledger.Position(len(testkit.NewWorld().Founding())); reached || n.length() != founded {
		t.Errorf("a stranger reached INTAKE; %d records", n.length()-founded)
	}
	// The next one is served, and so is a charset that says what JSON is anyway.
	if r := n.do(http.MethodPost, "/v1/events", with(good, "Content-Type", ledger.ContentType+"; charset=UTF-8"), good.Body); r.status != http.StatusCreated {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestKeyIsKnownWithItsReceipt: whoever holds the receipt of a key finds the door
// open to it, every time.
func TestKeyIsKnownWithItsReceipt(t *testing.T) {
	n := newNode(t)
	for i := range 20 {
		key := ledger.KeyID(fmt.Sprintf("bawaslu/n%d", i))
		n.admit(n.AddKey(ledger.Bawaslu, key, today.Add(-time.Minute)))
		id := n.NewID()
		body := n.Event(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Hour), testkit.Opened(1))
		n.admit(n.Sign(ledger.Bawaslu, body, key))
		n.admit(n.RevokeKey(ledger.Bawaslu, key, today.Add(-time.Second)))
		body = n.Event(ledger.Bawaslu, ledger.CaseRegisteredKind, id, today.Add(-time.Minute), ledger.CaseRegistered{Register: "CONTOH-REG/1"})
		n.wants(n.post(n.Sign(ledger.Bawaslu, body, key)), http.StatusForbidden, string(ledger.CodeKeyRevoked))
	}
}

// TestNoReceipt: while the registrar is away the wait ends, and says what to do;
// when it is back the same bytes get their receipt, and there is one record.
func TestNoReceipt(t *testing.T) {
	n := newNode(t, func(c *Config) { c.Limits.ReceiptWait = 300 * time.Millisecond })
	id, s := n.open()
	n.stop()
	r := n.post(s)
	p := n.wants(r, http.StatusGatewayTimeout, "receipt-pending")
	if !p.Retry || p.Receipt != "" || r.header.Get("Retry-After") == "" {
		t.Errorf("%+v", p)
	}
	if n.server.door.counts().Pending != 1 {
		t.Error("not counted")
	}
	n.startRegistrar()
	n.server.Limits.ReceiptWait = 20 * time.Second
	first := n.post(s)
	if first.status != http.StatusCreated && first.status != http.StatusOK {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if again := n.post(s); again.status != http.StatusOK || again.body != first.body {
		t.Errorf("%d %s", again.status, again.body)
	}
	records, err := n.records(t.Context(), ledger.SubjectCase(id))
	n.check(err)
	if len(records) != 1 {
		t.Errorf("%d records of one submission", len(records))
	}
}

// TestCallerGoesAway: an agency that hangs up before its receipt gets it when it
// sends the same bytes again.
func TestCallerGoesAway(t *testing.T) {
	n := newNode(t)
	_, s := n.open()
	n.stop() // so that the receipt cannot be there first
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, n.http.URL+"/v1/events", bytes.NewReader(s.Body))
	n.check(err)
	q.Header = s.Header()
	if answer, err := n.http.Client().Do(q); err == nil {
		answer.Body.Close()
		t.Fatalf("answered %d without a registrar", answer.StatusCode)
	}
	n.startRegistrar()
	if r := n.post(s); r.status != http.StatusCreated && r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	} else if n.receipt(r.body, s).Outcome != ledger.Admitted {
		t.Error(r.body)
	}
}

// TestIntakeIsAway: what was not taken in is said to be so, and when to try again.
func TestIntakeIsAway(t *testing.T) {
	away := error(nil)
	n := newNode(t, func(c *Config) {
		c.Submit = func(context.Context, ledger.Submission) (ledger.Receipt, []byte, error) {
			return ledger.Receipt{}, nil, away
		}
	})
	_, s := n.open()
	for code, err := range map[string]error{"intake-full": ErrBusy, "intake-away": ErrAway} {
		away = fmt.Errorf("%w: the disk is full", err)
		r := n.post(s)
		if p := n.wants(r, 503, code); !p.Retry || r.header.Get("Retry-After") == "" || strings.Contains(r.body, "disk") {
			t.Errorf("%s", r.body)
		}
	}
	n.server.Submit = nil
	n.wants(n.post(s), 503, "door-closed")
}

// TestStatuses: every reason code has a status, and no other has.
func TestStatuses(t *testing.T) {
	for _, r := range ledger.Reasons() {
		if _, ok := statuses[r.Code]; !ok {
			t.Errorf("%s has no HTTP status", r.Code)
		}
	}
	if len(statuses) != len(ledger.Reasons()) {
		t.Errorf("%d statuses for %d codes", len(statuses), len(ledger.Reasons()))
	}
}
