package agencies

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// KASN was the commission that supervised the civil service until September
// 2024: it clarified and recommended. It followed up its own recommendations.
type KASN struct{ Institution }

// NewKASN gives what KASN may say.
func NewKASN(o Office) KASN { return KASN{Institution{o, ledger.KASN}} }

// Receive takes over a case that was forwarded to KASN.
func (k KASN) Receive(caseID string, at time.Time, p ledger.CaseReceived, options ...Option) (Draft, error) {
	return k.say(ledger.CaseReceivedKind, caseID, at, p, options)
}

// Clarify states what hearing the respondents has shown.
func (k KASN) Clarify(caseID string, at time.Time, p ledger.CaseClarified, options ...Option) (Draft, error) {
	return k.say(ledger.CaseClarifiedKind, caseID, at, p, options)
}

// Recommend binds the appointing authority by a letter.
func (k KASN) Recommend(caseID string, at time.Time, p ledger.CaseRecommended, options ...Option) (Draft, error) {
	return k.say(ledger.CaseRecommendedKind, caseID, at, p, options)
}

// Forward hands a case that KASN holds over to another agency.
func (k KASN) Forward(caseID string, at time.Time, p ledger.CaseForwarded, options ...Option) (Draft, error) {
	return k.say(ledger.CaseForwardedKind, caseID, at, p, options)
}

// Cancel ends a case that KASN holds, or some respondents' part of it.
func (k KASN) Cancel(caseID string, at time.Time, p ledger.CaseCancelled, options ...Option) (Draft, error) {
	return k.say(ledger.CaseCancelledKind, caseID, at, p, options)
}

// BeginExamination states that the appointing authority has begun to examine.
func (k KASN) BeginExamination(caseID string, at time.Time, p ledger.ExaminationBegun, options ...Option) (Draft, error) {
	return k.say(ledger.ExaminationBegunKind, caseID, at, p, options)
}

// RecordDecision states what the appointing authority decreed on KASN's
// recommendation.
func (k KASN) RecordDecision(caseID string, at time.Time, p ledger.DecisionRecorded, options ...Option) (Draft, error) {
	return k.say(ledger.DecisionRecordedKind, caseID, at, p, options)
}

// RecordLeaving states that respondents left the service.
func (k KASN) RecordLeaving(caseID string, at time.Time, p ledger.LeftService, options ...Option) (Draft, error) {
	return k.say(ledger.LeftServiceKind, caseID, at, p, options)
}

// AddRespondents states that more civil servants are concerned by a case that KASN
// holds.
func (k KASN) AddRespondents(caseID string, at time.Time, p ledger.RespondentAdded, options ...Option) (Draft, error) {
	return k.say(ledger.RespondentAddedKind, caseID, at, p, options)
}

// Return sends a case that was forwarded to KASN back instead of receiving it.
func (k KASN) Return(caseID string, at time.Time, p ledger.CaseReturned, options ...Option) (Draft, error) {
	return k.say(ledger.CaseReturnedKind, caseID, at, p, options)
}

// RecordDelivery states that a decree reached the respondents.
func (k KASN) RecordDelivery(caseID string, at time.Time, p ledger.DecisionDelivered, options ...Option) (Draft, error) {
	return k.say(ledger.DecisionDeliveredKind, caseID, at, p, options)
}
