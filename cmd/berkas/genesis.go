package main

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// lateAfterDays: what happened longer ago is recorded under the mandate for late
// recording only.
const lateAfterDays = 30

// institutions are the participants of the first hour. The vault has no vote.
var institutions = []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.KemenPANRB, ledger.Kemendagri, ledger.Vault}

// firstMandates are the mandates that the genesis record grants, after the
// domain's table of who may do what since when. KASN ended on 4 September 2024;
// whose cases pass to whom says the scope.
// Sources: UU 7/2017; UU 5/2014; UU 20/2023; SE MenPANRB 4/2024; Perpres 116/2022;
// PerBKN 1/2023; PP 79/2021.
func firstMandates() []ledger.Grant {
	const endOfKASN, start = ledger.Date("2024-09-04"), ledger.Date("")
	const unsourced = "by practice; no basis sourced"
	unsure := func(g ledger.Grant) ledger.Grant {
		g.Doubt = ledger.DoubtUnsure
		return g
	}
	grant := func(a ledger.AgencyID, m ledger.Mandate, from, until ledger.Date, basis string) ledger.Grant {
		return ledger.Grant{Agency: a, Mandate: m, From: from, Until: until, Scope: ledger.ScopeAll, Basis: basis, Doubt: ledger.DoubtNone}
	}
	list := []ledger.Grant{
		grant(ledger.Bawaslu, ledger.MandateIntake, start, "", "UU 7/2017 Ps 454"),
		grant(ledger.Bawaslu, ledger.MandateAssessment, start, "", "UU 7/2017 Ps 454, 455; UU 1/2015 Ps 134"),
		grant(ledger.Bawaslu, ledger.MandateCriminal, start, "", "UU 7/2017 Ps 455"),
		unsure(grant(ledger.Bawaslu, ledger.MandateContests, start, "", unsourced)),
		grant(ledger.BKN, ledger.MandateIntake, "2023-03-21", "", "Sistem Berbagi Terintegrasi"),
		grant(ledger.BKN, ledger.MandateVerification, endOfKASN, "", "SE MenPANRB 4/2024"),
		unsure(grant(ledger.BKN, ledger.MandateFollowUp, start, "", "by practice; IDIS since Jan 2021")),
		grant(ledger.BKN, ledger.MandateConformity, "2022-09-14", "", "Perpres 116/2022"),
		unsure(grant(ledger.BKN, ledger.MandateControl, "2020-01-01", "2023-01-10", "by practice since 2020")),
		grant(ledger.BKN, ledger.MandateControl, "2023-01-10", "", "PerBKN 1/2023"),
		grant(ledger.BKN, ledger.MandateAppeals, "2021-08-10", "", "PP 79/2021"),
		grant(ledger.Kemendagri, ledger.MandateAdmonition, start, "", "letters of 27 Oct 2020"),
		unsure(grant(ledger.Kemendagri, ledger.MandatePPKSanction, start, "", unsourced)),
		unsure(grant(ledger.KemenPANRB, ledger.MandatePPKSanction, start, "", unsourced)),
		grant(ledger.KemenPANRB, ledger.MandateAppeals, "2021-08-10", "", "PP 79/2021"),
		unsure(grant(ledger.KemenPANRB, ledger.MandateRegimes, start, "", unsourced)),
		grant(ledger.Vault, ledger.MandateVault, start, "", "UU 27/2022"),
	}
	for _, m := range []ledger.Mandate{ledger.MandateClarification, ledger.MandateRecommendation} {
		kasn := grant(ledger.KASN, m, "2014-01-15", endOfKASN, "UU 5/2014; UU 20/2023")
		kasn.Doubt = ledger.DoubtConflict // sources name 24 August 2024 too
		heir := grant(ledger.KemenPANRB, m, endOfKASN, "", "SE MenPANRB 4/2024")
		heir.Scope, heir.Predecessor = ledger.ScopePredecessor, ledger.KASN
		other := grant(ledger.BKN, m, endOfKASN, "", "SE MenPANRB 4/2024; Perpres 92/2024")
		other.Scope, other.Predecessor = ledger.ScopeNotPredecessor, ledger.KASN
		list = append(list, kasn, heir, other)
	}
	own := grant(ledger.KASN, ledger.MandateFollowUp, "2014-01-15", endOfKASN, "UU 5/2014")
	own.Scope = ledger.ScopeOwnRecommendations
	list = append(list, own)
	for _, a := range institutions {
		if a == ledger.Vault {
			continue // there are no openings from before the ledger
		}
		late := grant(a, ledger.MandateLate, start, "", "history before this ledger")
		late.Happened = &ledger.Days{From: "2018-01-01", Until: "2026-01-01"}
		list = append(list, late)
	}
	slices.SortStableFunc(list, func(a, b ledger.Grant) int { return cmp.Compare(a.Agency, b.Agency) })
	return list
}

// founding is what a new ledger begins with.
type founding struct {
	origin    string
	roots     map[ledger.AgencyID]ledger.NamedKey
	threshold int
	now       time.Time
}

// initialise makes the registrar's keys and writes the genesis record, the first
// of the journal. It gives the genesis' leaf hash: whoever knows it can check
// everything else.
func (h home) initialise(f founding) (ledger.Hash, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return ledger.Hash{}, err
	}
	if err := writeSecret(h.path("keys", "registrar", "seed.hex"), hex.EncodeToString(private.Seed())); err != nil {
		return ledger.Hash{}, err
	}
	g := ledger.Genesis{
		Origin:    f.origin,
		Registrar: ledger.NamedKey{ID: "registrar/1", Public: ledger.EncodePublicKey(public)},
		Threshold: f.threshold, LateAfterDays: lateAfterDays, Mandates: firstMandates(),
	}
	if g.Receipt, err = h.newNoteKey("receipt.key", f.origin+"/receipt"); err != nil {
		return ledger.Hash{}, err
	}
	if g.Log, err = h.newNoteKey("log.key", f.origin); err != nil {
		return ledger.Hash{}, err
	}
	for _, a := range institutions {
		kind := ledger.KindInstitution
		if a == ledger.Vault {
			kind = ledger.KindService
		}
		g.Institutions = append(g.Institutions, ledger.GenesisInstitution{ID: a, Kind: kind, Root: f.roots[a]})
	}
	r, err := genesisRecord(g, private, f.now)
	if err != nil {
		return ledger.Hash{}, err
	}
	if err := writePublic(h.genesisFile(), r.Leaf()); err != nil {
		return ledger.Hash{}, err
	}
	if err := h.writePolicy(ledger.PolicyOf(g, r.LeafHash())); err != nil {
		return ledger.Hash{}, err
	}
	return r.LeafHash(), eventstore.CreateJournal(h.journal(), f.origin, r)
}

// genesisFile is the leaf of the genesis record: public, and all that an agency
// or an auditor needs to know of a ledger to check the rest.
func (h home) genesisFile() string { return h.path("genesis.leaf") }

func writePublic(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// readGenesis reads a genesis record from the file that init wrote.
func readGenesis(path string) (ledger.Genesis, error) {
	leaf, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return ledger.Genesis{}, err
	}
	r, err := ledger.ParseLeaf(leaf)
	if err != nil {
		return ledger.Genesis{}, fmt.Errorf("%s: %w", path, err)
	}
	start, err := roster.Start(r)
	if err != nil {
		return ledger.Genesis{}, fmt.Errorf("%s: %w", path, err)
	}
	return start.Genesis(), nil
}

func genesisRecord(g ledger.Genesis, private ed25519.PrivateKey, now time.Time) (ledger.Record, error) {
	data, err := json.Marshal(g)
	if err != nil {
		return ledger.Record{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return ledger.Record{}, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	body, err := ledger.Event{
		ID: id.String(), Source: ledger.Registrar, Kind: ledger.GenesisKind, Version: 1,
		Subject: "genesis", Time: now, Ledger: g.Origin, Data: data,
	}.Encode()
	if err != nil {
		return ledger.Record{}, err
	}
	r := ledger.Record{
		Position: 1, Recorded: now, Subject: ledger.SubjectRoster, Body: body,
		Signatures: []ledger.Signature{ledger.Sign(g.Registrar.ID, private, body)},
	}
	if _, err := roster.Start(r); err != nil {
		return ledger.Record{}, fmt.Errorf("genesis: %w", err)
	}
	return r, nil
}
