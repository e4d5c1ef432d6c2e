package roster_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

const origin = "berkas.example/latihan"

func privateKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("berkas test key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicKey(name string) ed25519.PublicKey { return privateKey(name).Public().(ed25519.PublicKey) }

func named(id ledger.KeyID) ledger.NamedKey {
	return ledger.NamedKey{ID: id, Public: ledger.EncodePublicKey(publicKey(string(id)))}
}

func noteKey(t testing.TB, name string) string {
	t.Helper()
	vkey, err := note.NewEd25519VerifierKey(name, publicKey(name))
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

// genesis has four institutions, of which two have to agree, and a service.
func genesis(t testing.TB) ledger.Genesis {
	t.Helper()
	g := ledger.Genesis{
		Origin: origin, Registrar: named("registrar/1"), Receipt: noteKey(t, origin+"/receipt"), Log: noteKey(t, origin),
		Threshold: 2, LateAfterDays: 30,
		Mandates: []ledger.Grant{
			grant(ledger.Bawaslu, ledger.MandateIntake, "", ""),
			grant(ledger.KASN, ledger.MandateClarification, "2014-01-15", "2024-09-04"),
			grant(ledger.BKN, ledger.MandateControl, "2020-01-01", ""),
		},
	}
	late := grant(ledger.KASN, ledger.MandateLate, "2021-01-01", "2026-01-01")
	late.Happened = &ledger.Days{From: "2018-01-01", Until: "2021-01-01"}
	g.Mandates = append(g.Mandates, late)
	for _, a := range []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.Kemendagri} {
		g.Institutions = append(g.Institutions, ledger.GenesisInstitution{ID: a, Kind: ledger.KindInstitution, Root: named(ledger.KeyID(a) + "/root")})
	}
	g.Institutions = append(g.Institutions, ledger.GenesisInstitution{ID: ledger.Vault, Kind: ledger.KindService, Root: named("vault/root")})
	return g
}

func grant(a ledger.AgencyID, m ledger.Mandate, from, until ledger.Date) ledger.Grant {
	return ledger.Grant{Agency: a, Mandate: m, From: from, Until: until, Scope: ledger.ScopeAll, Basis: "UU 5/2014", Doubt: ledger.DoubtNone}
}

// record makes the record at position 1 of a genesis.
func record(t testing.TB, g ledger.Genesis) ledger.Record {
	t.Helper()
	data, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	body, err := ledger.Event{
		ID: "01759a2b-7c00-7000-8000-000000000001", Source: ledger.Registrar, Kind: ledger.GenesisKind, Version: 1,
		Subject: "genesis", Time: at, Ledger: g.Origin, Data: data,
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return sign(ledger.Record{Position: 1, Recorded: at, Subject: ledger.SubjectRoster, Body: body}, "registrar/1")
}

func sign(r ledger.Record, keys ...ledger.KeyID) ledger.Record {
	r.Signatures = nil
	for _, k := range keys {
		r.Signatures = append(r.Signatures, ledger.Sign(k, privateKey(string(k)), r.Body))
	}
	return r
}

// start gives a roster at position 1.
func start(t testing.TB) *roster.Roster {
	t.Helper()
	r, err := roster.Start(record(t, genesis(t)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// event makes an event as its payload suggests: who says it, about what.
func event(source ledger.AgencyID, payload any) ledger.Event {
	e := ledger.Event{Version: 1, Source: source, Payload: payload}
	switch p := payload.(type) {
	case *ledger.InstitutionAdded:
		e.Kind, e.Subject = ledger.InstitutionAddedKind, string(p.ID)
	case *ledger.KeyAdded:
		e.Kind, e.Subject = ledger.KeyAddedKind, string(p.Agency)
	case *ledger.KeyRevoked:
		e.Kind, e.Subject = ledger.KeyRevokedKind, string(p.Agency)
	case *ledger.MandateGranted:
		e.Kind, e.Subject = ledger.MandateGrantedKind, string(p.Grant.Agency)
	case *ledger.MandateEnded:
		e.Kind, e.Subject = ledger.MandateEndedKind, string(p.Agency)
	case *ledger.Regime:
		e.Kind, e.Subject = ledger.RegimePublishedKind, p.ID
	case *ledger.Contest:
		e.Kind, e.Subject = ledger.ContestPublishedKind, p.ID
	case *ledger.Holidays:
		e.Kind, e.Subject = ledger.HolidaysPublishedKind, fmt.Sprintf("holidays-%d", p.Year)
	case *ledger.FiguresPublished:
		e.Kind, e.Subject = ledger.FiguresPublishedKind, p.Table
	case *ledger.CaseOpened:
		e.Kind = ledger.CaseOpenedKind
	}
	return e
}

func addKey(id ledger.KeyID, role string) ledger.Event {
	return event(id.Agency(), &ledger.KeyAdded{Agency: id.Agency(), Key: named(id), Role: role})
}

func revokeKey(source ledger.AgencyID, id ledger.KeyID) ledger.Event {
	return event(source, &ledger.KeyRevoked{Agency: id.Agency(), Key: id, Reason: "lost"})
}

// apply records events one after the other from position p on; each has to fit.
func apply(t testing.TB, r *roster.Roster, p ledger.Position, events ...ledger.Event) *roster.Roster {
	t.Helper()
	for i, e := range events {
		if bad := r.Check(e); bad != nil {
			t.Fatalf("%s: %v", e.Kind, bad)
		}
		var err error
		if r, err = r.Apply(p+ledger.Position(i), e); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func wantRefusal(t testing.TB, what string, bad *ledger.Refusal, code ledger.Code, pointer string) {
	t.Helper()
	var pointers []string
	if pointer != "" {
		pointers = []string{pointer}
	}
	switch {
	case bad == nil:
		t.Errorf("%s: admitted, want %s at %q", what, code, pointer)
	case bad.Code != code || !slices.Equal(bad.Pointers, pointers):
		t.Errorf("%s: refused %v, want %s at %q", what, bad, code, pointer)
	}
}
