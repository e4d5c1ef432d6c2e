package ledger

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kind names what happened: dotted lower-case words in the past tense.
type Kind string

// Kinds of version 1.
const (
	CaseOpenedKind            Kind = "case.opened"
	RespondentAddedKind       Kind = "respondent.added"
	CompletenessCheckedKind   Kind = "case.completeness-checked"
	CaseRegisteredKind        Kind = "case.registered"
	CaseNotRegisteredKind     Kind = "case.not-registered"
	CaseWithdrawnKind         Kind = "case.withdrawn"
	VerificationConcludedKind Kind = "verification.concluded"
	CaseAssessedKind          Kind = "case.assessed"
	CaseForwardedKind         Kind = "case.forwarded"
	CaseReceivedKind          Kind = "case.received"
	CaseReturnedKind          Kind = "case.returned"
	CaseClarifiedKind         Kind = "case.clarified"
	CaseRecommendedKind       Kind = "case.recommended"
	ExaminationBegunKind      Kind = "examination.begun"
	DecisionRecordedKind      Kind = "decision.recorded"
	DecisionDeliveredKind     Kind = "decision.delivered"
	DecisionReviewedKind      Kind = "decision.reviewed"
	DecisionAnnulledKind      Kind = "decision.annulled"
	ControlWarnedKind         Kind = "control.warned"
	ControlReprimandedKind    Kind = "control.reprimanded"
	ControlBlockedKind        Kind = "control.blocked"
	ControlUnblockedKind      Kind = "control.unblocked"
	PPKAdmonishedKind         Kind = "ppk.admonished"
	PPKSanctionedKind         Kind = "ppk.sanctioned"
	RemedyFiledKind           Kind = "remedy.filed"
	RemedyDecidedKind         Kind = "remedy.decided"
	CriminalReferredKind      Kind = "criminal.referred"
	CriminalConcludedKind     Kind = "criminal.concluded"
	LeftServiceKind           Kind = "respondent.left-service"
	CaseCancelledKind         Kind = "case.cancelled"
	CaseLinkedKind            Kind = "case.linked"
	EvidenceAttachedKind      Kind = "evidence.attached"
	CaseReopenedKind          Kind = "case.reopened"
	EventCorrectedKind        Kind = "event.corrected"
	UnsealedKind              Kind = "personal-data.unsealed"
	ErasedKind                Kind = "personal-data.erased"
	FiguresPublishedKind      Kind = "figures.published"
	InstitutionAddedKind      Kind = "institution.added"
	KeyAddedKind              Kind = "key.added"
	KeyRevokedKind            Kind = "key.revoked"
	MandateGrantedKind        Kind = "mandate.granted"
	MandateEndedKind          Kind = "mandate.ended"
	RegimePublishedKind       Kind = "regime.published"
	ContestPublishedKind      Kind = "contest.published"
	HolidaysPublishedKind     Kind = "holidays.published"
	GenesisKind               Kind = "ledger.genesis"
	SubmissionRefusedKind     Kind = "submission.refused"
)

// Stream says on which subjects a kind's records stand.
type Stream int

// Streams of records.
const (
	StreamCase Stream = iota
	StreamFigures
	StreamRoster
	StreamRefusal
)

// Party says who may record a kind when it is not a question of a mandate.
type Party int

// Parties.
const (
	PartyMandate     Party = iota // whoever holds KindInfo.Mandate
	PartyHolder                   // the agency that holds the case
	PartyAddressee                // the agency the case was forwarded to
	PartyOpener                   // the agency that opened the case
	PartyParticipant              // any agency that takes part in the case
	PartyRecorder                 // the agency that recorded what this is about, or its successor
	PartyInstitution              // any agency that holds a mandate, whichever
	PartyOwnRoot                  // the agency, with its root key
	PartyRoots                    // k of n root keys
	PartyRegistrar                // the registrar only
)

// KindInfo is what holds of all events of a kind.
type KindInfo struct {
	Kind    Kind
	Version int
	Stream  Stream
	Party   Party
	Mandate Mandate // with PartyMandate
	// OrMandate is demanded instead by some payloads; see MandateFor.
	OrMandate Mandate
	// NoVersion: the kind does not move the case, and its caseversion stays.
	NoVersion bool
}

// Kinds lists every kind of version 1 in the order of the procedure.
var Kinds = []KindInfo{
	{Kind: CaseOpenedKind, Version: 1, Mandate: MandateIntake},
	{Kind: RespondentAddedKind, Version: 1, Party: PartyHolder},
	{Kind: CompletenessCheckedKind, Version: 1, Mandate: MandateAssessment},
	{Kind: CaseRegisteredKind, Version: 1, Mandate: MandateAssessment},
	{Kind: CaseNotRegisteredKind, Version: 1, Mandate: MandateAssessment},
	{Kind: CaseWithdrawnKind, Version: 1, Party: PartyOpener},
	{Kind: VerificationConcludedKind, Version: 1, Mandate: MandateVerification},
	{Kind: CaseAssessedKind, Version: 1, Mandate: MandateAssessment},
	{Kind: CaseForwardedKind, Version: 1, Party: PartyHolder},
	{Kind: CaseReceivedKind, Version: 1, Party: PartyAddressee},
	{Kind: CaseReturnedKind, Version: 1, Party: PartyAddressee},
	{Kind: CaseClarifiedKind, Version: 1, Mandate: MandateClarification},
	{Kind: CaseRecommendedKind, Version: 1, Mandate: MandateRecommendation},
	{Kind: ExaminationBegunKind, Version: 1, Mandate: MandateFollowUp},
	{Kind: DecisionRecordedKind, Version: 1, Mandate: MandateFollowUp},
	{Kind: DecisionDeliveredKind, Version: 1, Mandate: MandateFollowUp},
	{Kind: DecisionReviewedKind, Version: 1, Mandate: MandateConformity},
	{Kind: DecisionAnnulledKind, Version: 1, Mandate: MandateConformity},
	{Kind: ControlWarnedKind, Version: 1, Mandate: MandateControl},
	{Kind: ControlReprimandedKind, Version: 1, Mandate: MandateControl},
	{Kind: ControlBlockedKind, Version: 1, Mandate: MandateControl},
	{Kind: ControlUnblockedKind, Version: 1, Mandate: MandateControl},
	{Kind: PPKAdmonishedKind, Version: 1, Mandate: MandateAdmonition},
	{Kind: PPKSanctionedKind, Version: 1, Mandate: MandatePPKSanction},
	{Kind: RemedyFiledKind, Version: 1, Mandate: MandateFollowUp, OrMandate: MandateAppeals},
	{Kind: RemedyDecidedKind, Version: 1, Mandate: MandateFollowUp, OrMandate: MandateAppeals},
	{Kind: CriminalReferredKind, Version: 1, Mandate: MandateCriminal},
	{Kind: CriminalConcludedKind, Version: 1, Mandate: MandateCriminal},
	{Kind: LeftServiceKind, Version: 1, Mandate: MandateFollowUp},
	{Kind: CaseCancelledKind, Version: 1, Party: PartyHolder},
	{Kind: CaseLinkedKind, Version: 1, Party: PartyParticipant},
	{Kind: EvidenceAttachedKind, Version: 1, Party: PartyParticipant},
	{Kind: CaseReopenedKind, Version: 1, Party: PartyRecorder},
	{Kind: EventCorrectedKind, Version: 1, Party: PartyRecorder},
	{Kind: UnsealedKind, Version: 1, Mandate: MandateVault, NoVersion: true},
	{Kind: ErasedKind, Version: 1, Mandate: MandateVault, NoVersion: true},
	{Kind: FiguresPublishedKind, Version: 1, Stream: StreamFigures, Party: PartyInstitution},
	{Kind: InstitutionAddedKind, Version: 1, Stream: StreamRoster, Party: PartyRoots},
	{Kind: KeyAddedKind, Version: 1, Stream: StreamRoster, Party: PartyOwnRoot},
	{Kind: KeyRevokedKind, Version: 1, Stream: StreamRoster, Party: PartyOwnRoot},
	{Kind: MandateGrantedKind, Version: 1, Stream: StreamRoster, Party: PartyRoots},
	{Kind: MandateEndedKind, Version: 1, Stream: StreamRoster, Party: PartyRoots},
	{Kind: RegimePublishedKind, Version: 1, Stream: StreamRoster, Mandate: MandateRegimes},
	{Kind: ContestPublishedKind, Version: 1, Stream: StreamRoster, Mandate: MandateContests},
	{Kind: HolidaysPublishedKind, Version: 1, Stream: StreamRoster, Mandate: MandateRegimes},
	{Kind: GenesisKind, Version: 1, Stream: StreamRoster, Party: PartyRegistrar},
	{Kind: SubmissionRefusedKind, Version: 1, Stream: StreamRefusal, Party: PartyRegistrar},
}

// MandateFor is the mandate that an event with a payload is recorded under: an
// objection goes to the authority and is followed up, other remedies are appeals.
func (k KindInfo) MandateFor(payload any) Mandate {
	remedy := RemedyObjection
	switch p := payload.(type) {
	case *RemedyFiled:
		remedy = p.Remedy
	case *RemedyDecided:
		remedy = p.Remedy
	}
	if remedy != RemedyObjection {
		return k.OrMandate
	}
	return k.Mandate
}

// kindIndex finds a kind by its CloudEvents type.
var kindIndex = func() map[string]KindInfo {
	m := make(map[string]KindInfo, len(Kinds))
	for _, k := range Kinds {
		m[k.Type()] = k
	}
	return m
}()

// kindFirst finds the kinds of version 1, of which the folding of a record asks
// many times: putting their type together would take longer than the rest.
var kindFirst = func() map[Kind]KindInfo {
	m := make(map[Kind]KindInfo, len(Kinds))
	for _, k := range Kinds {
		if k.Version == 1 {
			m[k.Kind] = k
		}
	}
	return m
}()

// LookupKind finds a kind and version; ok is false for one this code does not
// know.
func LookupKind(k Kind, version int) (KindInfo, bool) {
	if version == 1 {
		i, ok := kindFirst[k]
		return i, ok
	}
	return LookupType(typeOf(k, version))
}

// LookupType is LookupKind by the CloudEvents type, such as
// "id.berkas.case.opened.v1".
func LookupType(t string) (KindInfo, bool) {
	i, ok := kindIndex[t]
	return i, ok
}

const typePrefix = "id.berkas."

func typeOf(k Kind, version int) string {
	return typePrefix + string(k) + ".v" + strconv.Itoa(version)
}

// Type is the CloudEvents type of the kind's events.
func (k KindInfo) Type() string { return typeOf(k.Kind, k.Version) }

// Schema is the dataschema of the kind's events.
func (k KindInfo) Schema() string { return schemaOf(k.Kind, k.Version) }

const schemaPrefix = "urn:berkas:schema:"

func schemaOf(k Kind, version int) string {
	return schemaPrefix + string(k) + ".v" + strconv.Itoa(version)
}

// parseType splits "id.berkas.<kind>.v<n>".
func parseType(s string) (Kind, int, bool) {
	rest, ok := strings.CutPrefix(s, typePrefix)
	if !ok {
		return "", 0, false
	}
	i := strings.LastIndex(rest, ".v")
	if i <= 0 {
		return "", 0, false
	}
	n, err := strconv.Atoi(rest[i+2:])
	if err != nil || n < 1 || n > 999 || strconv.Itoa(n) != rest[i+2:] || !kindPattern(rest[:i]) {
		return "", 0, false
	}
	return Kind(rest[:i]), n, true
}

// kindPattern accepts [a-z][a-z-]*(\.[a-z][a-z-]*)+ of at most 64 bytes.
func kindPattern(s string) bool {
	parts := strings.Split(s, ".")
	if len(s) > 64 || len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		if p == "" || p[0] == '-' || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz-") != "" {
			return false
		}
	}
	return true
}

// newPayload gives a pointer to the payload struct of a kind, nil for one that
// this code does not know. A closed switch, not a registry.
func newPayload(k Kind, version int) any {
	if version != 1 {
		return nil
	}
	if p := newCasePayload(k); p != nil {
		return p
	}
	switch k {
	case FiguresPublishedKind:
		return new(FiguresPublished)
	case InstitutionAddedKind:
		return new(InstitutionAdded)
	case KeyAddedKind:
		return new(KeyAdded)
	case KeyRevokedKind:
		return new(KeyRevoked)
	case MandateGrantedKind:
		return new(MandateGranted)
	case MandateEndedKind:
		return new(MandateEnded)
	case RegimePublishedKind:
		return new(Regime)
	case ContestPublishedKind:
		return new(Contest)
	case HolidaysPublishedKind:
		return new(Holidays)
	case GenesisKind:
		return new(Genesis)
	case SubmissionRefusedKind:
		return new(SubmissionRefused)
	default:
		return nil
	}
}

var casePayloads = map[Kind]func() any{
	CaseOpenedKind:            func() any { return new(CaseOpened) },
	RespondentAddedKind:       func() any { return new(RespondentAdded) },
	CompletenessCheckedKind:   func() any { return new(CompletenessChecked) },
	CaseRegisteredKind:        func() any { return new(CaseRegistered) },
	CaseNotRegisteredKind:     func() any { return new(CaseNotRegistered) },
	CaseWithdrawnKind:         func() any { return new(CaseWithdrawn) },
	VerificationConcludedKind: func() any { return new(VerificationConcluded) },
	CaseAssessedKind:          func() any { return new(CaseAssessed) },
	CaseForwardedKind:         func() any { return new(CaseForwarded) },
	CaseReceivedKind:          func() any { return new(CaseReceived) },
	CaseReturnedKind:          func() any { return new(CaseReturned) },
	CaseClarifiedKind:         func() any { return new(CaseClarified) },
	CaseRecommendedKind:       func() any { return new(CaseRecommended) },
	ExaminationBegunKind:      func() any { return new(ExaminationBegun) },
	DecisionRecordedKind:      func() any { return new(DecisionRecorded) },
	DecisionDeliveredKind:     func() any { return new(DecisionDelivered) },
	DecisionReviewedKind:      func() any { return new(DecisionReviewed) },
	DecisionAnnulledKind:      func() any { return new(DecisionAnnulled) },
	ControlWarnedKind:         func() any { return new(ControlStep) },
	ControlReprimandedKind:    func() any { return new(ControlStep) },
	ControlBlockedKind:        func() any { return new(ControlStep) },
	ControlUnblockedKind:      func() any { return new(ControlStep) },
	PPKAdmonishedKind:         func() any { return new(PPKAdmonished) },
	PPKSanctionedKind:         func() any { return new(PPKSanctioned) },
	RemedyFiledKind:           func() any { return new(RemedyFiled) },
	RemedyDecidedKind:         func() any { return new(RemedyDecided) },
	CriminalReferredKind:      func() any { return new(CriminalReferred) },
	CriminalConcludedKind:     func() any { return new(CriminalConcluded) },
	LeftServiceKind:           func() any { return new(LeftService) },
	CaseCancelledKind:         func() any { return new(CaseCancelled) },
	CaseLinkedKind:            func() any { return new(CaseLinked) },
	EvidenceAttachedKind:      func() any { return new(EvidenceAttached) },
	CaseReopenedKind:          func() any { return new(CaseReopened) },
	EventCorrectedKind:        func() any { return new(EventCorrected) },
	UnsealedKind:              func() any { return new(Unsealed) },
	ErasedKind:                func() any { return new(PersonalDataErased) },
}

func newCasePayload(k Kind) any {
	if f, ok := casePayloads[k]; ok {
		return f()
	}
	return nil
}

// DecodePayload reads the data of an event into the kind's struct. Member names
// are exact, unknown ones are refused. The error names the place and nothing of
// the data.
func DecodePayload(k Kind, version int, data []byte) (any, error) {
	return decodePayload(k, version, data, "/data")
}

// decodePayload reads data that stands at a place of an event.
func decodePayload(k Kind, version int, data []byte, at string) (any, error) {
	p := newPayload(k, version)
	if p == nil {
		return nil, fmt.Errorf("unknown kind %s.v%d", k, version)
	}
	if err := json.Unmarshal(data, p, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("data of %s.v%d does not fit its struct at %q", k, version, SafePointer(at+placeOf(err)))
	}
	if c, ok := p.(*EventCorrected); ok {
		if err := c.decode(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// placeOf gives the JSON pointer of a decoding error, which is not wrapped: it
// quotes what the sender wrote.
func placeOf(err error) string {
	var wrong *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &wrong):
		return string(wrong.JSONPointer)
	case errors.As(err, &syntax):
		return string(syntax.JSONPointer)
	default:
		return ""
	}
}
