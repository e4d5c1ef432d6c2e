package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Payloads of roster events and of the registrar's own records, version 1.

// PublicKey is an Ed25519 public key: strict standard base64 of 32 bytes.
type PublicKey string

// EncodePublicKey writes a key.
func EncodePublicKey(k ed25519.PublicKey) PublicKey {
	return PublicKey(base64.StdEncoding.EncodeToString(k))
}

// Key reads the key.
func (p PublicKey) Key() (ed25519.PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(p))
	if err != nil || len(raw) != ed25519.PublicKeySize || base64.StdEncoding.EncodeToString(raw) != string(p) {
		return nil, fmt.Errorf("a public key is 32 bytes in strict standard base64")
	}
	return raw, nil
}

// NamedKey is a public key with its id.
type NamedKey struct {
	ID     KeyID     `json:"id"`
	Public PublicKey `json:"public"`
}

// Genesis is ledger.genesis.v1, the record at position 1, written by
// `berkas init` and signed by the registrar. Whoever knows its leaf hash knows
// every key by way of it.
type Genesis struct {
	Origin    string   `json:"origin"` // name of this ledger and of its log
	Registrar NamedKey `json:"registrar"`
	Receipt   string   `json:"receipt"`   // verifier key of receipts, as golang.org/x/mod/sumdb/note writes it
	Log       string   `json:"log"`       // verifier key of checkpoints, likewise
	Threshold int      `json:"threshold"` // how many institutions' roots change roots and mandates
	// LateAfterDays: see Late.
	LateAfterDays int                  `json:"late_after_days"`
	Institutions  []GenesisInstitution `json:"institutions"`
	Mandates      []Grant              `json:"mandates"`
}

// Late reports whether what happened at one time and is recorded at another is
// recorded late: more than LateAfterDays times 24 hours after it happened. That
// takes a mandate for late recording and is shown (docs/adr/0003).
func (g Genesis) Late(happened, recorded time.Time) bool {
	return recorded.Sub(happened) > time.Duration(g.LateAfterDays)*24*time.Hour
}

// Verifiers reads the keys of receipts and of checkpoints, which have to be two.
func (g Genesis) Verifiers() (receipt, log note.Verifier, err error) {
	if receipt, err = note.NewVerifier(g.Receipt); err != nil {
		return nil, nil, fmt.Errorf("key of receipts: %w", err)
	}
	if log, err = note.NewVerifier(g.Log); err != nil {
		return nil, nil, fmt.Errorf("key of checkpoints: %w", err)
	}
	if g.Receipt[strings.LastIndex(g.Receipt, "+"):] == g.Log[strings.LastIndex(g.Log, "+"):] {
		return nil, nil, fmt.Errorf("one key signs receipts and checkpoints")
	}
	return receipt, log, nil
}

// GenesisInstitution is a participant of the first hour.
type GenesisInstitution struct {
	ID   AgencyID `json:"id"`
	Kind string   `json:"kind"` // institution (has a vote), service (has none)
	Root NamedKey `json:"root"`
}

// Grant entitles an agency to something from one moment until another.
type Grant struct {
	Agency  AgencyID `json:"agency"`
	Mandate Mandate  `json:"mandate"`
	From    Date     `json:"from,omitempty"`  // first day; absent: always
	Until   Date     `json:"until,omitempty"` // first day no longer; absent: not ended
	Scope   Scope    `json:"scope"`
	// Predecessor is whose cases the scope speaks of.
	Predecessor AgencyID `json:"predecessor,omitempty"`
	Basis       string   `json:"basis"` // legal basis by number, for instance "UU 5/2014"
	Doubt       Doubt    `json:"doubt"`
	// Happened bounds, for late recording, the days on which the events happened.
	Happened *Days `json:"happened,omitempty"`
}

// Days is a span from its first day to before its last; either may be absent.
type Days struct {
	From  Date `json:"from,omitempty"`
	Until Date `json:"until,omitempty"`
}

// InstitutionAdded is institution.added.v1.
type InstitutionAdded struct {
	ID   AgencyID `json:"id"`
	Kind string   `json:"kind"`
	Root NamedKey `json:"root"`
}

// KeyAdded is key.added.v1, signed by the institution's root and by the new key;
// a new root by k of n roots and by the new root.
type KeyAdded struct {
	Agency AgencyID `json:"agency"`
	Key    NamedKey `json:"key"`
	Role   string   `json:"role"` // event, root
}

// KeyRevoked is key.revoked.v1, signed by the institution's root; a root is
// revoked by k of n roots.
type KeyRevoked struct {
	Agency AgencyID `json:"agency"`
	Key    KeyID    `json:"key"`
	Reason string   `json:"reason"` // retired, lost, exposed
}

// MandateGranted is mandate.granted.v1.
type MandateGranted struct {
	Grant Grant `json:"grant"`
}

// MandateEnded is mandate.ended.v1: the agency no longer holds the mandate from
// that day on.
type MandateEnded struct {
	Agency  AgencyID `json:"agency"`
	Mandate Mandate  `json:"mandate"`
	Until   Date     `json:"until"`
	Basis   string   `json:"basis"`
	Doubt   Doubt    `json:"doubt"`
}

// End ends the grants that it is about, in their list.
func (m *MandateEnded) End(grants []Grant) {
	for i, g := range grants {
		if g.Agency == m.Agency && g.Mandate == m.Mandate && (g.Until == "" || g.Until > m.Until) {
			grants[i].Until = m.Until
		}
	}
}

// Regime is regime.published.v1: rules that hold for events of its days. Check
// judges by ReprimandBeforeBlock; the deadlines are for the work list, which judges
// nobody.
type Regime struct {
	ID                       string     `json:"id"`
	From                     Date       `json:"from,omitempty"`
	Until                    Date       `json:"until,omitempty"`
	Basis                    string     `json:"basis"`
	Doubt                    Doubt      `json:"doubt"`
	ReprimandBeforeBlock     bool       `json:"reprimand_before_block"`
	FindingsSkipVerification bool       `json:"findings_skip_verification"`
	Deadlines                []Deadline `json:"deadlines,omitempty"`
}

// Deadline is how long somebody may take, as one regime says it. Of several that
// await the same, the earliest applies.
type Deadline struct {
	Code string      `json:"code"` // for instance completeness, decision
	From Milestone   `json:"from"` // where the period begins
	To   []Milestone `json:"to"`   // where it ends: at the first of them
	// OwedBy is an agency, or one of Parties.
	OwedBy string `json:"owed_by"`
	// WatchedBy is the agency that looks after a period that somebody else owes.
	WatchedBy AgencyID `json:"watched_by,omitempty"`
	// Contest narrows the deadline to cases of contests of a kind: pilkada, pemilu.
	Contest string `json:"contest,omitempty"`
	// Length is how long it is; absent where no source says it. AtMost is the
	// length where the law lets it be extended.
	Length *Length `json:"length,omitempty"`
	AtMost *Length `json:"at_most,omitempty"`
	// InForce is when, counted from the same day, what is awaited takes effect.
	InForce *Length `json:"in_force,omitempty"`
	// Right: whoever owes it may do it and need not; the time ends, and nobody is
	// late.
	Right bool   `json:"right,omitzero"`
	Basis string `json:"basis"`
	Doubt Doubt  `json:"doubt"`
}

// Contest is contest.published.v1.
type Contest struct {
	ID            string `json:"id"`   // for instance pilkada-2020
	Kind          string `json:"kind"` // pilkada, pemilu
	Voting        Date   `json:"voting"`
	Determination Date   `json:"determination"` // from here prospective candidates are candidates
	Doubt         Doubt  `json:"doubt"`
}

// Holidays is holidays.published.v1.
type Holidays struct {
	Year  int    `json:"year"`
	Days  []Date `json:"days"`
	Basis string `json:"basis"`
}

// Subject is what the events about a year's holidays are about.
func (h Holidays) Subject() string { return "holidays-" + strconv.Itoa(h.Year) }

// SubmissionRefused is submission.refused.v1, written by the registrar. Without
// the nonce, which only the receipt holds, nobody can find out by trying what
// the bytes were.
type SubmissionRefused struct {
	Agency   AgencyID `json:"agency"`
	Reason   Code     `json:"reason"`
	Pointers []string `json:"pointers,omitempty"`
	Digest   string   `json:"digest"` // SHA-256 of the 32-byte nonce and the bytes, hexadecimal
	First    Position `json:"first,omitzero"`
}
