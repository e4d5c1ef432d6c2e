package web

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
	"github.com/berkas-ledger/berkas/vault"
)

// asking is a request of today with a nonce of its own.
func (n *node) asking(id string, holders ...string) keyRequest {
	nonce := strings.ReplaceAll(n.NewID(), "-", "")
	return keyRequest{n.Origin, id, holders, n.clock().UTC().Format(time.RFC3339), nonce}
}

func (n *node) askKeys(key ledger.KeyID, q keyRequest) reply {
	n.t.Helper()
	body, err := json.Marshal(q)
	n.check(err)
	return n.sendKeys(signKeys(n.World, key, body), body)
}

func (n *node) sendKeys(signature string, body []byte) reply {
	n.t.Helper()
	return n.do(http.MethodPost, "/v1/data-keys", http.Header{"Content-Type": {KeyRequestType}, ledger.HeaderSignature: {signature}}, body)
}

func (n *node) keys(r reply) keyAnswer {
	n.t.Helper()
	var a keyAnswer
	if r.status != http.StatusOK {
		n.t.Fatalf("%d %s", r.status, r.body)
	}
	n.check(json.Unmarshal([]byte(r.body), &a))
	return a
}

var (
	bawaslu = testkit.EventKey(ledger.Bawaslu)
	kasn    = testkit.EventKey(ledger.KASN)
)

// TestDataKeys: an agency gets keys for the case it is about to open, seals with
// them by itself, and what it sealed is admitted and opens with the vault.
func TestDataKeys(t *testing.T) {
	n := newNode(t)
	id := n.NewID()
	a := n.keys(n.askKeys(bawaslu, n.asking(id, "r1", "reporter")))
	if len(a.Keys) != 2 || a.Case != id || !a.Keys[0].Made || a.Keys[0].Holder != "r1" || a.Keys[0].JWK.Kid == a.Keys[1].JWK.Kid || a.Keys[0].JWK.Kty != "oct" {
		t.Fatalf("%+v", a)
	}
	raw, err := base64.RawURLEncoding.DecodeString(a.Keys[0].JWK.K)
	n.check(err)
	key, err := seal.ParseKey(a.Keys[0].JWK.Kid, raw)
	n.check(err)
	eventID := n.NewID()
	place := seal.Place{Ledger: n.Origin, Case: id, Event: eventID, Pointer: "/data/respondents/0/identity"}
	sealed, err := seal.Seal(key, place, []byte("Contoh Satu"))
	n.check(err)
	opened := testkit.Opened(1)
	opened.Respondents[0].Identity = ledger.Sealed(sealed)
	n.admit(n.Say(ledger.Bawaslu, ledger.CaseOpenedKind, id, today.Add(-time.Hour), opened, func(e *ledger.Event) { e.ID = eventID }))
	entries := n.ring.Keys(id)
	if len(entries) != 2 || entries[0].Kid != key.ID {
		t.Fatalf("the vault has %+v", entries)
	}
	held, made, err := n.ring.Give(vault.Holder{Case: id, Label: "r1"}, today)
	n.check(err)
	if text, err := seal.Open(held, sealed, place); made || err != nil || string(text) != "Contoh Satu" {
		t.Errorf("%q %v", text, err)
	}
	// A new respondent's key, once the case is on the ledger.
	if b := n.keys(n.askKeys(bawaslu, n.asking(id, "r2"))); !b.Keys[0].Made {
		t.Errorf("%+v", b)
	}
}

// TestWhoGetsKeys: a key's bytes go to the agency it was made for, for an hour;
// to a case's holder and opener only; never to another.
func TestWhoGetsKeys(t *testing.T) {
	n := newNode(t)
	id, opened := n.open()
	first := n.keys(n.askKeys(bawaslu, n.asking(id, "r1")))
	// The answer was lost: the same key again.
	again := n.keys(n.askKeys(bawaslu, n.asking(id, "r1")))
	if again.Keys[0].Made || again.Keys[0].JWK != first.Keys[0].JWK {
		t.Errorf("%+v then %+v", first, again)
	}
	n.wants(n.askKeys(kasn, n.asking(id, "r1")), 409, "data-key-given")
	n.admit(opened)
	n.wants(n.askKeys(kasn, n.asking(id, "r2")), 403, string(ledger.CodeNotHolder))
	if keys := n.ring.Keys(id); len(keys) != 1 {
		t.Errorf("a stranger made keys: %+v", keys)
	}
	n.keys(n.askKeys(bawaslu, n.asking(id, "r1")))
	n.pass(keyGiven + time.Minute)
	n.wants(n.askKeys(bawaslu, n.asking(id, "r1")), 409, "data-key-given")
}

// TestKeyRequests: a request counts once, in time, for this ledger, and signed
// as a request by an institution's event key.
func TestKeyRequests(t *testing.T) {
	n := newNode(t)
	n.pass(time.Hour)
	id := n.NewID()
	q := n.asking(id, "r1")
	n.keys(n.askKeys(bawaslu, q))
	n.wants(n.askKeys(bawaslu, q), 409, "request-repeated")
	change := func(f func(*keyRequest)) keyRequest {
		q := n.asking(id, "r1")
		f(&q)
		return q
	}
	at := func(d time.Duration) keyRequest {
		return change(func(q *keyRequest) { q.Time = n.clock().Add(d).UTC().Format(time.RFC3339) })
	}
	for _, tt := range []struct {
		name   string
		key    ledger.KeyID
		q      keyRequest
		status int
		code   string
	}{
		{"old", bawaslu, at(-keySkew - time.Second), 409, "request-too-old"},
		{"early", bawaslu, at(keySkew + time.Second), 409, "request-too-old"},
		{"of before the start", bawaslu, at(-2 * time.Hour), 409, "request-too-old"},
		{"other ledger", bawaslu, change(func(q *keyRequest) { q.Ledger = "berkas.example/other" }), 422, "wrong-ledger"},
		{"no case", bawaslu, change(func(q *keyRequest) { q.Case = "x" }), 400, "bad-key-request"},
		{"no nonce", bawaslu, change(func(q *keyRequest) { q.Nonce = "" }), 400, "bad-key-request"},
		{"no holder", bawaslu, change(func(q *keyRequest) { q.Holders = nil }), 400, "bad-key-request"},
		{"strange holder", bawaslu, change(func(q *keyRequest) { q.Holders = []string{"budi"} }), 400, "bad-key-request"},
		{"holder twice", bawaslu, change(func(q *keyRequest) { q.Holders = []string{"r1", "r1"} }), 400, "bad-key-request"},
		{"root key", testkit.RootKey(ledger.Bawaslu), n.asking(id, "r1"), 403, "key-foreign"},
		{"the vault's key", testkit.EventKey(ledger.Vault), n.asking(id, "r1"), 403, "key-foreign"},
		{"the registrar's key", testkit.RegistrarKey, n.asking(id, "r1"), 403, "key-foreign"},
		{"unknown key", "bawaslu/stranger", n.asking(id, "r1"), 401, "key-unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) { n.wants(n.askKeys(tt.key, tt.q), tt.status, tt.code) })
	}
	body, err := json.Marshal(n.asking(id, "r1"))
	n.check(err)
	signed := signKeys(n.World, bawaslu, body)
	n.wants(n.sendKeys(signed, append(body, ' ')), 401, "signature-invalid")
	// The signature of an event is none of a request.
	n.wants(n.sendKeys(ledger.Sign(bawaslu, n.Private(bawaslu), body).String(), body), 401, "signature-invalid")
	n.wants(n.do(http.MethodPost, "/v1/data-keys", http.Header{"Content-Type": {"application/json"}, ledger.HeaderSignature: {signed}}, body), 415, "content-type")
	n.wants(n.do(http.MethodPost, "/v1/data-keys", http.Header{"Content-Type": {KeyRequestType}, ledger.HeaderSignature: {signed, signed}}, body), 400, "signature-doubled")
	n.wants(n.do(http.MethodPost, "/v1/data-keys", http.Header{"Content-Type": {KeyRequestType}}, body), 401, "signature-missing")
	n.wants(n.sendKeys(signed, make([]byte, maxKeyRequest+1)), 413, "too-large")
	if keys := n.ring.Keys(id); len(keys) != 1 {
		t.Errorf("%d keys", len(keys))
	}
}

// TestKeyIsNotPrinted: a key shows its id only.
func TestKeyIsNotPrinted(t *testing.T) {
	if got := fmt.Sprintf("%+v %d", DataKey{ID: "abc", Key: [32]byte{1, 2, 3}}, DataKey{ID: "abc"}); got != "key abc key abc" {
		t.Error(got)
	}
}

// FuzzKeyRequest: whatever is asked is read without panic, and what is read
// names a case and distinct holders.
func FuzzKeyRequest(f *testing.F) {
	f.Add([]byte(`{"ledger":"berkas.example/uji","case":"01726df4-2380-7000-8000-000000000009","holders":["r1"],"time":"2020-06-15T03:00:00Z","nonce":"00112233445566778899aabbccddeeff"}`))
	f.Add([]byte(`{"holders":["r1"],"holders":["r2"]}`))
	f.Add([]byte(`[]`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, _, err := parseKeyRequest(body)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, h := range q.Holders {
			if seen[h] {
				t.Fatalf("holder %s twice", h)
			}
			seen[h] = true
		}
		if len(q.Holders) == 0 || !caseID.MatchString(q.Case) {
			t.Fatalf("%s is read", body)
		}
	})
}

// FuzzSubmission: whatever comes to the door is examined without panic, and
// nothing passes that no key of its source has signed.
func FuzzSubmission(f *testing.F) {
	w := testkit.NewWorld()
	s := newSilent(f)
	opened := w.Say(ledger.Bawaslu, ledger.CaseOpenedKind, w.NewID(), today, testkit.Opened(1))
	added := w.AddKey(ledger.Bawaslu, bawaslu, today)
	for _, one := range []ledger.Submission{opened, added} {
		f.Add(ledger.ContentType, one.Signatures[0].String(), one.Body)
	}
	f.Add("text/plain; charset", "x y", []byte("{"))
	f.Fuzz(func(t *testing.T, media, signature string, body []byte) {
		header := http.Header{"Content-Type": {media}, ledger.HeaderSignature: {signature}}
		sub, event, bad := examine(s.Roster(), s.validator, header, body)
		if bad != nil {
			return
		}
		k, ok := s.Roster().Key(sub.Signatures[0].Key)
		public, err := k.Public.Key()
		if !ok || err != nil || k.Agency != event.Source || !ed25519.Verify(public, ledger.PAE(body), sub.Signatures[0].Value[:]) {
			t.Fatalf("%s passed", body)
		}
	})
}
