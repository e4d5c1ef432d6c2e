package ledger_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

const (
	origin = "berkas.example/pilkada-2020"
	caseID = "01759a2b-7c00-7000-8000-0000000000c1"
)

// eventID makes the n-th of a row of event ids.
func eventID(n int) string { return fmt.Sprintf("01759a2b-7c00-7000-8000-%012x", n) }

// privateKey makes a signing key from its id, the same one every time.
func privateKey(id ledger.KeyID) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("berkas test key " + id))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicKey(id ledger.KeyID) ed25519.PublicKey {
	return privateKey(id).Public().(ed25519.PublicKey)
}

func namedKey(id ledger.KeyID) ledger.NamedKey {
	return ledger.NamedKey{ID: id, Public: ledger.EncodePublicKey(publicKey(id))}
}

// noteKeys makes a signer of notes and its verifier key from a name. The private
// key is put together by hand, since note.GenerateKey wants chance.
func noteKeys(t testing.TB, name string) (note.Signer, string) {
	t.Helper()
	private := privateKey(ledger.KeyID(name))
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + secret)
	if err != nil {
		t.Fatal(err)
	}
	return signer, vkey
}

func verifier(t testing.TB, vkey string) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustJSON(t rapid.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustEncode(t testing.TB, e ledger.Event) []byte {
	t.Helper()
	body, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return m.UTC()
}

// openedPayload is a case with two respondents, as an agency states it.
func openedPayload() ledger.CaseOpened {
	return ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginReport, Contest: "pilkada-2020",
		Act:       ledger.Act{Date: "2020-09-28", Region: "73.71"},
		Catalogue: ledger.CatalogueSKB2020, Items: []string{"social-media"},
		Respondents: []ledger.NewRespondent{
			{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: ledger.Institution{Kind: "city", Region: "73.71", Office: "IV"}},
			{ID: "r2", Employment: "pns", Class: "camat-lurah", Institution: ledger.Institution{Kind: "central", Code: "4011", Office: "central"}},
		},
	}
}

// openedEvent has every attribute that an event can have.
func openedEvent(t testing.TB) ledger.Event {
	t.Helper()
	version := uint64(0)
	return ledger.Event{
		ID: eventID(0xe1), Source: ledger.Bawaslu, Kind: ledger.CaseOpenedKind, Version: 1, Subject: caseID,
		Time: moment(t, "2020-10-03T09:30:00.250000+07:00"), Ledger: origin, CaseVersion: &version,
		Correlation: "01759a2b-7c00-7000-8000-0000000000aa", Causation: "01759a2b-7c00-7000-8000-0000000000bb",
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Data:        mustJSON(t, openedPayload()),
	}
}
