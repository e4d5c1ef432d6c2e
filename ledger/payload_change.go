package ledger

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Payloads of what changes a case's records or what it consists of, version 1.

// RespondentAdded is respondent.added.v1. The respondents are numbered on from
// those the case has.
type RespondentAdded struct {
	Catalogue   string          `json:"catalogue"`
	Items       []string        `json:"items"` // as alleged
	Respondents []NewRespondent `json:"respondents"`
}

// CaseReturned is case.returned.v1: the addressee sends the case back instead of
// receiving it.
type CaseReturned struct {
	To     AgencyID `json:"to"` // who forwarded it
	Letter Letter   `json:"letter"`
	Reason string   `json:"reason"` // incomplete, no-jurisdiction, duplicate
}

// CaseLinked is case.linked.v1.
type CaseLinked struct {
	Link string `json:"link"` // duplicate-of, related
	Case string `json:"case"` // the other one
}

// EvidenceAttached is evidence.attached.v1: a document by digest, never itself.
type EvidenceAttached struct {
	Digest    string `json:"digest"` // SHA-256, hexadecimal
	Size      uint64 `json:"size"`   // bytes
	MediaType string `json:"media_type"`
	Reference string `json:"reference"` // under which the agency keeps it
}

// CaseReopened is case.reopened.v1.
type CaseReopened struct {
	Reason      string   `json:"reason"` // new-evidence, court-order, recorded-in-error
	Respondents []string `json:"respondents"`
}

// EventCorrected is event.corrected.v1: another event of the case is void, or
// says what stands in Data instead.
type EventCorrected struct {
	Event   string `json:"event"`   // its id
	Kind    Kind   `json:"kind"`    // of that event
	Version int    `json:"version"` // of its kind
	Action  string `json:"action"`  // void, replace
	Reason  string `json:"reason"`
	// Data is the full new payload, with replace. Its sealed values name this
	// event, and places below /data/data.
	Data jsontext.Value `json:"data,omitzero"`

	payload any // of Data; nil with void
}

// Replacement is the new payload of the corrected event, as DecodePayload gives
// it; nil when the event is void.
func (p *EventCorrected) Replacement() any { return p.payload }

// decode reads what replaces the event.
func (p *EventCorrected) decode() error {
	if p.Data == nil {
		return nil
	}
	if !Correctable(p.Kind, p.Version) {
		return fmt.Errorf("data of %s.v%d does not fit its struct at %q", EventCorrectedKind, 1, "/data/kind")
	}
	var err error
	p.payload, err = decodePayload(p.Kind, p.Version, p.Data, "/data/data")
	return err
}

// Correctable reports whether events of a kind can be corrected: those of cases,
// save what the vault states about its keys, and corrections themselves. What a
// correction said wrongly, a later one of the same event says anew.
func Correctable(k Kind, version int) bool {
	info, ok := LookupKind(k, version)
	return ok && info.Stream == StreamCase && !info.NoVersion && k != EventCorrectedKind
}

// PersonalDataErased is personal-data.erased.v1: the vault destroyed a data key.
type PersonalDataErased struct {
	Key     string   `json:"key"`     // data key id, 22 characters of base64url
	Holder  string   `json:"holder"`  // whose key: r1, r2, ... or reporter
	Reason  string   `json:"reason"`  // retention-ended, data-subject-request, court-order
	Agency  AgencyID `json:"agency"`  // who asked
	Officer string   `json:"officer"` // the asking officer's code, not a name
}
