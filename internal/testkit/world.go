package testkit

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// World is an invented ledger for tests: the five institutions and the vault
// with their keys, mandates, ids. Everything in it follows from names and from
// the order of calls, so two runs make the same bytes. Its keys are no secret.
//
// It was founded on 1 June 2020, when KASN still worked. What happened more than
// 30 days before it is recorded needs the mandate for late recording, which all
// five hold for what happened before 2020.
type World struct {
	Origin string
	Start  time.Time // the genesis record's
	ids    atomic.Uint64
}

// Contest is published in every world, with its cases' acts before it.
const Contest = "pilkada-2020"

// Institutions are the world's participants that have a vote.
var Institutions = []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.KemenPANRB, ledger.Kemendagri}

// NewWorld makes a world.
func NewWorld() *World {
	return &World{Origin: "berkas.example/uji", Start: time.Date(2020, 6, 1, 3, 0, 0, 0, time.UTC)}
}

// Copy is a world that goes on from here: what is called next on either gives the
// same bytes.
func (w *World) Copy() *World {
	c := &World{Origin: w.Origin, Start: w.Start}
	c.ids.Store(w.ids.Load())
	return c
}

// RegistrarKey is the id of the registrar's key.
const RegistrarKey ledger.KeyID = "registrar/1"

// EventKey is the id of an agency's first signing key.
func EventKey(a ledger.AgencyID) ledger.KeyID { return ledger.KeyID(a) + "/a" }

// RootKey is the id of an agency's root key.
func RootKey(a ledger.AgencyID) ledger.KeyID { return ledger.KeyID(a) + "/root" }

// Private gives the private key of any id.
func (w *World) Private(id ledger.KeyID) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(w.Origin + " " + string(id)))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Named gives the public key of any id.
func (w *World) Named(id ledger.KeyID) ledger.NamedKey {
	return ledger.NamedKey{ID: id, Public: ledger.EncodePublicKey(w.Private(id).Public().(ed25519.PublicKey))}
}

// NoteKeys gives a signer and verifier of notes, and the verifier's key as the
// genesis record names it: for "receipt", and for "" the log's.
func (w *World) NoteKeys(name string) (note.Signer, note.Verifier, string) {
	full := strings.TrimSuffix(w.Origin+"/"+name, "/")
	private := w.Private(ledger.KeyID("note/" + name))
	public, err := note.NewEd25519VerifierKey(full, private.Public().(ed25519.PublicKey))
	must(err)
	hash := strings.Split(public, "+")[1]
	seed := base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)) // 1: Ed25519
	signer, err := note.NewSigner("PRIVATE+KEY+" + full + "+" + hash + "+" + seed)
	must(err)
	verifier, err := note.NewVerifier(public)
	must(err)
	return signer, verifier, public
}

// NewID gives the next id: a UUID of version 7.
func (w *World) NewID() string {
	n := w.ids.Add(1)
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(w.Start.UnixMilli())<<16)
	binary.BigEndian.PutUint64(u[8:], n)
	u[6], u[8] = 0x70, 0x80
	return u.String()
}

// Random fills b like a source of random bytes; no two calls give the same.
func (w *World) Random(b []byte) {
	for i := 0; i < len(b); i += sha256.Size {
		h := sha256.Sum256(fmt.Appendf(nil, "random %d", w.ids.Add(1)))
		copy(b[i:], h[:])
	}
}

// Mandates are those of the domain's table, each with a basis, and late
// recording of what happened from 2018 until the end of 2019.
func (w *World) Mandates() []ledger.Grant {
	const endOfKASN = ledger.Date("2024-09-04")
	grant := func(a ledger.AgencyID, m ledger.Mandate, from, until ledger.Date) ledger.Grant {
		return ledger.Grant{Agency: a, Mandate: m, From: from, Until: until, Scope: ledger.ScopeAll, Basis: "UU 5/2014", Doubt: ledger.DoubtNone}
	}
	list := []ledger.Grant{
		grant(ledger.Bawaslu, ledger.MandateIntake, "", ""),
		grant(ledger.Bawaslu, ledger.MandateAssessment, "", ""),
		grant(ledger.Bawaslu, ledger.MandateCriminal, "", ""),
		grant(ledger.Bawaslu, ledger.MandateContests, "", ""),
		grant(ledger.BKN, ledger.MandateIntake, "2023-03-21", ""),
		grant(ledger.BKN, ledger.MandateVerification, endOfKASN, ""),
		grant(ledger.BKN, ledger.MandateFollowUp, "", ""),
		grant(ledger.BKN, ledger.MandateConformity, "2022-09-14", ""),
		grant(ledger.BKN, ledger.MandateControl, "2020-01-01", ""),
		grant(ledger.BKN, ledger.MandateAppeals, "2021-08-10", ""),
		grant(ledger.Kemendagri, ledger.MandateAdmonition, "", ""),
		grant(ledger.Kemendagri, ledger.MandatePPKSanction, "", ""),
		grant(ledger.KemenPANRB, ledger.MandatePPKSanction, "", ""),
		grant(ledger.KemenPANRB, ledger.MandateAppeals, "2021-08-10", ""),
		grant(ledger.KemenPANRB, ledger.MandateRegimes, "", ""),
		grant(ledger.Vault, ledger.MandateVault, "", ""),
	}
	for _, m := range []ledger.Mandate{ledger.MandateClarification, ledger.MandateRecommendation} {
		heir, other := grant(ledger.KemenPANRB, m, endOfKASN, ""), grant(ledger.BKN, m, endOfKASN, "")
		heir.Scope, heir.Predecessor = ledger.ScopePredecessor, ledger.KASN
		other.Scope, other.Predecessor = ledger.ScopeNotPredecessor, ledger.KASN
		list = append(list, grant(ledger.KASN, m, "2014-01-15", endOfKASN), heir, other)
	}
	own := grant(ledger.KASN, ledger.MandateFollowUp, "2014-01-15", endOfKASN)
	own.Scope = ledger.ScopeOwnRecommendations
	list = append(list, own)
	for _, a := range Institutions {
		late := grant(a, ledger.MandateLate, "", "")
		late.Happened = &ledger.Days{From: "2018-01-01", Until: "2020-01-01"}
		list = append(list, late)
	}
	return list
}

// Genesis is the record at position 1.
func (w *World) Genesis() ledger.Record {
	g := ledger.Genesis{
		Origin: w.Origin, Registrar: w.Named(RegistrarKey),
		Threshold: 3, LateAfterDays: 30, Mandates: w.Mandates(),
	}
	_, _, g.Receipt = w.NoteKeys("receipt")
	_, _, g.Log = w.NoteKeys("")
	for _, a := range Institutions {
		g.Institutions = append(g.Institutions, ledger.GenesisInstitution{ID: a, Kind: ledger.KindInstitution, Root: w.Named(RootKey(a))})
	}
	g.Institutions = append(g.Institutions, ledger.GenesisInstitution{ID: ledger.Vault, Kind: ledger.KindService, Root: w.Named(RootKey(ledger.Vault))})
	body := w.Event(ledger.Registrar, ledger.GenesisKind, "genesis", w.Start, g)
	return w.Record(nil, w.Sign(ledger.Registrar, body, RegistrarKey), w.Start)
}

// Founding gives the records that a world begins with, a millisecond apart:
// genesis, a signing key for every participant, and the contest.
func (w *World) Founding() []ledger.Record {
	records := []ledger.Record{w.Genesis()}
	add := func(s ledger.Submission) {
		at := w.Start.Add(time.Duration(len(records)) * time.Millisecond)
		records = append(records, w.Record(records, s, at))
	}
	for _, a := range append([]ledger.AgencyID{ledger.Vault}, Institutions...) {
		add(w.AddKey(a, EventKey(a), w.Start))
	}
	add(w.Say(ledger.Bawaslu, ledger.ContestPublishedKind, Contest, w.Start, ledger.Contest{
		ID: Contest, Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtUnsure,
	}))
	return records
}

// AddKey is the event by which an agency gets a signing key.
func (w *World) AddKey(a ledger.AgencyID, key ledger.KeyID, at time.Time) ledger.Submission {
	body := w.Event(a, ledger.KeyAddedKind, string(a), at, ledger.KeyAdded{Agency: a, Key: w.Named(key), Role: ledger.RoleEvent})
	return w.Sign(a, body, RootKey(a), key)
}

// RevokeKey is the event by which an agency revokes a signing key.
func (w *World) RevokeKey(a ledger.AgencyID, key ledger.KeyID, at time.Time) ledger.Submission {
	body := w.Event(a, ledger.KeyRevokedKind, string(a), at, ledger.KeyRevoked{Agency: a, Key: key, Reason: "lost"})
	return w.Sign(a, body, RootKey(a))
}

// Event writes the bytes of an event with a new id; change may alter it before.
func (w *World) Event(by ledger.AgencyID, kind ledger.Kind, subject string, at time.Time, payload any, change ...func(*ledger.Event)) []byte {
	data, err := json.Marshal(payload, json.Deterministic(true))
	must(err)
	e := ledger.Event{
		ID: w.NewID(), Source: by, Kind: kind, Version: 1, Subject: subject,
		Time: at.UTC().Truncate(time.Microsecond), Ledger: w.Origin, Data: data,
	}
	for _, f := range change {
		f(&e)
	}
	body, err := e.Encode()
	must(err)
	return body
}

// Sign makes the submission of a sender; without keys with its event key.
func (w *World) Sign(by ledger.AgencyID, body []byte, keys ...ledger.KeyID) ledger.Submission {
	if len(keys) == 0 {
		keys = []ledger.KeyID{EventKey(by)}
	}
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = ledger.Sign(k, w.Private(k), body).String()
	}
	signatures, bad := ledger.ParseSignatures(values)
	if bad != nil {
		panic(bad)
	}
	return ledger.Submission{Agency: by, Body: body, Signatures: signatures}
}

// Say is Event and Sign.
func (w *World) Say(by ledger.AgencyID, kind ledger.Kind, subject string, at time.Time, payload any, change ...func(*ledger.Event)) ledger.Submission {
	return w.Sign(by, w.Event(by, kind, subject, at, payload, change...))
}

// Record puts a submission behind other records, as a registrar that admits
// everything would.
func (w *World) Record(after []ledger.Record, s ledger.Submission, recorded time.Time) ledger.Record {
	e, bad := ledger.Decode(s.Body)
	if bad != nil {
		panic(bad)
	}
	info, _ := ledger.LookupKind(e.Kind, e.Version)
	return ledger.Record{
		Position: ledger.Position(len(after) + 1), Recorded: recorded.UTC().Truncate(time.Microsecond),
		Subject: ledger.SubjectOf(e, info), Signatures: s.Signatures, Body: s.Body,
	}
}

// Feed yields the records of a slice, then ends.
func Feed(records []ledger.Record) ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		rest := records[min(int(after), len(records)):]
		if len(rest) > 0 && ctx.Err() == nil {
			return yield(slices.Clone(rest))
		}
		return nil
	}
}

// Opened is the payload of case.opened: a finding about n civil servants of one
// city.
func Opened(n int) ledger.CaseOpened {
	p := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: Contest,
		Act: ledger.Act{Date: "2020-05-14", Region: "73.71"}, Catalogue: ledger.CatalogueSKB2020, Items: []string{"social-media"},
	}
	for i := range n {
		p.Respondents = append(p.Respondents, ledger.NewRespondent{
			ID: fmt.Sprintf("r%d", i+1), Employment: "pns", Class: "pelaksana",
			Institution: ledger.Institution{Kind: "city", Region: "73.71", Office: "IV"},
		})
	}
	return p
}

// Story is the way of a case from its opening to the decision, an hour apart:
// Bawaslu opens, registers, assesses and forwards, KASN receives, clarifies and
// recommends, BKN records the decision. All respondents fare alike.
func (w *World) Story(caseID string, begin time.Time, respondents int) []ledger.Submission {
	var out []ledger.Submission
	say := func(by ledger.AgencyID, kind ledger.Kind, payload any) {
		out = append(out, w.Say(by, kind, caseID, begin.Add(time.Duration(len(out))*time.Hour), payload))
	}
	letter := func(kind string) ledger.Letter {
		return ledger.Letter{Number: "CONTOH-" + kind + "/" + caseID[len(caseID)-6:], Date: "2020-06-10"}
	}
	assessed := ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2020}
	clarified, decided := ledger.CaseClarified{}, ledger.DecisionRecorded{Decree: letter("SK")}
	recommended := ledger.CaseRecommended{
		Letter: letter("R"), Sent: "2020-06-11", Authority: ledger.Authority{Kind: "mayor", Region: "73.71"},
	}
	for i := range respondents {
		id := fmt.Sprintf("r%d", i+1)
		assessed.Respondents = append(assessed.Respondents, ledger.AssessedRespondent{ID: id, Outcome: ledger.OutcomeViolation, Items: []string{"social-media"}})
		clarified.Respondents = append(clarified.Respondents, ledger.ClarifiedRespondent{ID: id, Outcome: ledger.OutcomeProven})
		recommended.Respondents = append(recommended.Respondents, ledger.RecommendedRespondent{ID: id, Family: ledger.FamilyDiscipline, Sanction: "medium"})
		decided.Respondents = append(decided.Respondents, ledger.DecidedRespondent{
			ID: id, Outcome: ledger.OutcomeSanctioned, Family: ledger.FamilyDiscipline, Level: "medium", Kind: "promotion-held-1y",
		})
	}
	say(ledger.Bawaslu, ledger.CaseOpenedKind, Opened(respondents))
	say(ledger.Bawaslu, ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: "CONTOH-REG/" + caseID[len(caseID)-6:]})
	say(ledger.Bawaslu, ledger.CaseAssessedKind, assessed)
	say(ledger.Bawaslu, ledger.CaseForwardedKind, ledger.CaseForwarded{To: ledger.KASN, Letter: letter("TR")})
	say(ledger.KASN, ledger.CaseReceivedKind, ledger.CaseReceived{From: ledger.Bawaslu})
	say(ledger.KASN, ledger.CaseClarifiedKind, clarified)
	say(ledger.KASN, ledger.CaseRecommendedKind, recommended)
	say(ledger.BKN, ledger.DecisionRecordedKind, decided)
	return out
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
