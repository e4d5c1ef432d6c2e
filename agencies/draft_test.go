package agencies

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/seal"
)

func TestComposeIsByteExact(t *testing.T) {
	const (
		event = "01759a2b-7c00-7000-8000-0000000000e1"
		about = "01759a2b-7c00-7000-8000-0000000000c1"
	)
	wib := time.FixedZone("WIB", 7*60*60)
	d, err := NewKASN(Office{Origin: origin}).Receive(about, time.Date(2020, 10, 5, 9, 30, 0, 1500, wib),
		ledger.CaseReceived{From: ledger.Bawaslu},
		WithID(event), WithCaseVersion(5), WithCorrelation("01759a2b-7c00-7000-8000-0000000000aa"),
		WithCausation("01759a2b-7c00-7000-8000-0000000000bb"),
		WithTrace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"01759a2b-7c00-7000-8000-0000000000e1","source":"/agencies/kasn",` +
		`"type":"id.berkas.case.received.v1","subject":"01759a2b-7c00-7000-8000-0000000000c1",` +
		`"time":"2020-10-05T02:30:00.000001Z","dataschema":"urn:berkas:schema:case.received.v1",` +
		`"datacontenttype":"application/json","ledger":"ledger.example/test",` +
		`"correlationid":"01759a2b-7c00-7000-8000-0000000000aa","causationid":"01759a2b-7c00-7000-8000-0000000000bb",` +
		`"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","caseversion":5,"data":{"from":"bawaslu"}}`
	if string(d.Body) != want {
		t.Errorf("got\n%s\nwant\n%s", d.Body, want)
	}
	e, bad := ledger.Decode(d.Body)
	if bad != nil {
		t.Fatal(bad)
	}
	if e.ID != d.ID || e.Subject != d.Subject || !e.Time.Equal(d.Time) || e.Kind != d.Kind || *e.CaseVersion != 5 {
		t.Errorf("draft %+v, event %+v", d, e)
	}
}

// Every kind can be said by somebody, and by nobody whom its mandate cannot
// reach: KASN has no block, Kemendagri no recommendation.
func TestWhoMaySayWhat(t *testing.T) {
	said := map[string][]string{}
	for _, who := range []any{
		Bawaslu{}, KASN{}, BKN{}, KemenPANRB{}, Kemendagri{}, Vault{},
	} {
		typ := reflect.TypeOf(who)
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			if m.Type.NumOut() == 2 {
				said[m.Name] = append(said[m.Name], typ.Name())
			}
		}
	}
	only := map[string]string{
		"OpenCase": "Bawaslu BKN", "Register": "Bawaslu", "Assess": "Bawaslu", "ConcludeVerification": "BKN",
		"Clarify": "KASN BKN KemenPANRB", "Recommend": "KASN BKN KemenPANRB", "RecordDecision": "KASN BKN",
		"Block": "BKN", "Unblock": "BKN", "Warn": "BKN", "Reprimand": "BKN", "Admonish": "Kemendagri",
		"PublishRegime": "KemenPANRB", "PublishHolidays": "KemenPANRB", "PublishContest": "Bawaslu",
		"RecordUnsealing": "Vault", "RecordErasure": "Vault", "SanctionAuthority": "KemenPANRB Kemendagri",
		"AddRespondents": "Bawaslu KASN BKN KemenPANRB", "Return": "Bawaslu KASN BKN KemenPANRB",
		"RecordDelivery": "KASN BKN", "ReviewDecision": "BKN", "AnnulDecision": "BKN",
		"FileRemedy": "BKN KemenPANRB", "DecideRemedy": "BKN KemenPANRB",
		"ReferToCriminal": "Bawaslu", "ConcludeCriminal": "Bawaslu",
	}
	for method, who := range only {
		if got := strings.Join(said[method], " "); got != who {
			t.Errorf("%s: %s, want %s", method, got, who)
		}
	}
	for _, method := range []string{"PublishFigures", "AddKey", "RevokeKey", "AddInstitution", "GrantMandate", "EndMandate", "LinkCase", "AttachEvidence", "ReopenCase", "VoidEvent", "ReplaceEvent"} {
		if len(said[method]) != 6 {
			t.Errorf("%s is for all, not for %v only", method, said[method])
		}
	}
}

func TestSayRefusesWhatTheRegistrarWould(t *testing.T) {
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	b := NewBawaslu(Office{Origin: origin, Schemas: v})
	id := newID(t)
	if _, err := b.OpenCase(id, happened, caseOpened()); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		code    ledger.Code
		subject string
		change  func(*ledger.CaseOpened)
	}{
		"schema":        {ledger.CodeSchema, id, func(p *ledger.CaseOpened) { p.Origin = "rumour" }},
		"personal data": {ledger.CodePersonalData, id, func(p *ledger.CaseOpened) { p.Contest = "nobody@mail.example" }},
		"envelope":      {ledger.CodeBadEnvelope, "case-1", func(*ledger.CaseOpened) {}},
		"sealed elsewhere": {ledger.CodeSealedMisplaced, id, func(p *ledger.CaseOpened) {
			p.Respondents[0].Identity = sealedAt(t, seal.Place{Ledger: origin, Case: id, Event: newID(t), Pointer: "/data/reporter"})
		}},
	} {
		p := caseOpened()
		x.change(&p)
		_, err := b.OpenCase(x.subject, happened, p)
		var bad *ledger.Refusal
		if !errors.As(err, &bad) || bad.Code != x.code {
			t.Errorf("%s: %v, want %s", name, err, x.code)
		}
	}
}

// TestReplaceEvent: what replaces an event is checked as the event itself would
// be, and its sealed values have to stand in the correction.
func TestReplaceEvent(t *testing.T) {
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	b := NewBawaslu(Office{Origin: origin, Schemas: v})
	id, eventID := newID(t), newID(t)
	wrong := Mistake{Event: newID(t), Kind: ledger.CaseOpenedKind, Reason: "wrong-data"}
	if _, err := b.VoidEvent(id, happened, wrong); err != nil {
		t.Fatal(err)
	}
	p := caseOpened()
	p.Respondents[0].Identity = sealedAt(t, seal.Place{Ledger: origin, Case: id, Event: eventID, Pointer: "/data/data/respondents/0/identity"})
	if _, err := b.ReplaceEvent(id, happened, wrong, p, WithID(eventID)); err != nil {
		t.Fatal(err)
	}
	var bad *ledger.Refusal
	if _, err := b.ReplaceEvent(id, happened, wrong, p); !errors.As(err, &bad) || bad.Code != ledger.CodeSealedMisplaced {
		t.Errorf("sealed for another event: %v", err)
	}
	p.Origin = "rumour"
	if _, err := b.ReplaceEvent(id, happened, wrong, p, WithID(eventID)); !errors.As(err, &bad) || bad.Pointers[0] != "/data/data/origin" {
		t.Errorf("a replacement that breaks its schema: %v", err)
	}
}

func sealedAt(t *testing.T, at seal.Place) ledger.Sealed {
	t.Helper()
	text, err := seal.Seal(dataKey(t), at, []byte("Contoh Satu"))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Sealed(text)
}

func dataKey(t *testing.T) seal.Key {
	t.Helper()
	key, err := seal.NewKey(strings.NewReader(strings.Repeat("a key for tests ", 3)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSealInto(t *testing.T) {
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	o := Office{Origin: origin, Schemas: v}
	caseID, eventID := newID(t), newID(t)
	key := dataKey(t)
	p := caseOpened()
	p.Origin = ledger.OriginReport
	second := p.Respondents[0]
	second.ID = "r2"
	p.Respondents = append(p.Respondents, second)
	var holders []string
	err = o.SealInto(&p, caseID, eventID, Persons{Respondents: []string{"", "Contoh Dua"}, Reporter: "Contoh Pelapor"},
		func(at seal.Place, holder string, text []byte) (string, error) {
			holders = append(holders, holder)
			return seal.Seal(key, at, text)
		})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(holders, " "); got != "r2 reporter" {
		t.Errorf("sealed for %s", got)
	}
	d, err := NewBawaslu(o).OpenCase(caseID, happened, p, WithID(eventID))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(d.Body), "Contoh") {
		t.Error("a name stands in clear")
	}
	at := seal.Place{Ledger: origin, Case: caseID, Event: eventID, Pointer: "/data/respondents/1/identity"}
	if text, err := seal.Open(key, string(p.Respondents[1].Identity), at); err != nil || string(text) != "Contoh Dua" {
		t.Errorf("Open = %q, %v", text, err)
	}
	if _, err := NewBawaslu(o).OpenCase(caseID, happened, p); err == nil {
		t.Error("sealed values stand in another event than the one they name")
	}
	added := ledger.RespondentAdded{Catalogue: p.Catalogue, Items: p.Items, Respondents: []ledger.NewRespondent{second}}
	added.Respondents[0].ID = "r3"
	if err := o.SealAdded(&added, caseID, eventID, []string{"Contoh Tiga"}, func(at seal.Place, holder string, text []byte) (string, error) {
		holders = append(holders, holder)
		return seal.Seal(key, at, text)
	}); err != nil || holders[len(holders)-1] != "r3" {
		t.Fatalf("sealed for %v: %v", holders, err)
	}
	if _, err := NewBawaslu(o).AddRespondents(caseID, happened, added, WithID(eventID)); err != nil {
		t.Error(err)
	}
	if err := o.SealInto(&p, caseID, eventID, Persons{Respondents: make([]string, 3)}, nil); err == nil {
		t.Error("more persons than respondents")
	}
}

func TestKeyFiles(t *testing.T) {
	s := signer(t, "bawaslu/2026a")
	path := filepath.Join(t.TempDir(), "bawaslu.key")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key was overwritten: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	again, err := LoadSigner(path)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Fatalf("LoadSigner: %v", err)
	}
	body := []byte(`{"x":1}`)
	public, err := again.Public().Public.Key()
	if err != nil || !s.Sign(body).Fits(public, body) {
		t.Errorf("the signature does not fit: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSigner(path); !errors.Is(err, ErrKeyPermissions) {
		t.Errorf("a key that others may read: %v", err)
	}
	if _, err := GenerateSigner("Bawaslu", strings.NewReader(strings.Repeat("x", 32))); err == nil {
		t.Error("a malformed id")
	}
	if _, err := GenerateSigner("bawaslu/x", strings.NewReader("x")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: %v", err)
	}
}

func TestSignersAreNamedOnce(t *testing.T) {
	d, err := NewBawaslu(Office{Origin: origin}).AddInstitution(happened, ledger.InstitutionAdded{
		ID: "ombudsman", Kind: ledger.KindInstitution, Root: signer(t, "ombudsman/root").Public(),
	})
	if err != nil {
		t.Fatal(err)
	}
	one, two := signer(t, "kasn/root"), signer(t, "bawaslu/root")
	s := sign(t, ledger.Bawaslu, d, one, two)
	if len(s.Signatures) != 2 || s.Signatures[0].Key != "bawaslu/root" {
		t.Errorf("signatures %v", s.Signatures)
	}
	for _, signers := range [][]Signer{{}, {one, one}} {
		if _, err := Sign(ledger.Bawaslu, d, signers...); err == nil {
			t.Errorf("signed by %v", signers)
		}
	}
}
