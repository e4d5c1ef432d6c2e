package agencies

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// What every agency may say about the cases that it takes part in.

// LinkCase ties a case to another one, as its duplicate or as related.
func (i Institution) LinkCase(caseID string, at time.Time, p ledger.CaseLinked, options ...Option) (Draft, error) {
	return i.say(ledger.CaseLinkedKind, caseID, at, p, options)
}

// AttachEvidence states that the institution keeps a document of the case.
func (i Institution) AttachEvidence(caseID string, at time.Time, p ledger.EvidenceAttached, options ...Option) (Draft, error) {
	return i.say(ledger.EvidenceAttachedKind, caseID, at, p, options)
}

// ReopenCase takes an end back that the institution, or its predecessor,
// recorded.
func (i Institution) ReopenCase(caseID string, at time.Time, p ledger.CaseReopened, options ...Option) (Draft, error) {
	return i.say(ledger.CaseReopenedKind, caseID, at, p, options)
}

// Mistake names an event that the institution, or its predecessor, recorded
// wrongly.
type Mistake struct {
	Event  string // its id
	Kind   ledger.Kind
	Reason string // why it is corrected; the schema of event.corrected lists them
}

// VoidEvent states that an event never happened.
func (i Institution) VoidEvent(caseID string, at time.Time, m Mistake, options ...Option) (Draft, error) {
	p := ledger.EventCorrected{Event: m.Event, Kind: m.Kind, Version: 1, Action: ledger.ActionVoid, Reason: m.Reason}
	return i.say(ledger.EventCorrectedKind, caseID, at, p, options)
}

// ReplaceEvent states in full what an event should have said. Sealed values in
// it name the correction (WithID), at places below /data/data.
func (i Institution) ReplaceEvent(caseID string, at time.Time, m Mistake, payload any, options ...Option) (Draft, error) {
	data, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		return Draft{}, fmt.Errorf("replace %s: write data: %w", m.Kind, err)
	}
	p := ledger.EventCorrected{Event: m.Event, Kind: m.Kind, Version: 1, Action: ledger.ActionReplace, Reason: m.Reason, Data: data}
	return i.say(ledger.EventCorrectedKind, caseID, at, p, options)
}
