package agencies

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// BKN keeps the data of the civil service: it follows up what appointing
// authorities do and controls those that do nothing. Since 2023 it takes reports
// in and verifies them, since September 2024 it clarifies and recommends.
type BKN struct{ Institution }

// NewBKN gives what BKN may say.
func NewBKN(o Office) BKN { return BKN{Institution{o, ledger.BKN}} }

// OpenCase begins a case: a report came through the shared system.
func (b BKN) OpenCase(caseID string, at time.Time, p ledger.CaseOpened, options ...Option) (Draft, error) {
	return b.say(ledger.CaseOpenedKind, caseID, at, p, options)
}

// Withdraw states that a case that BKN opened was withdrawn.
func (b BKN) Withdraw(caseID string, at time.Time, p ledger.CaseWithdrawn, options ...Option) (Draft, error) {
	return b.say(ledger.CaseWithdrawnKind, caseID, at, p, options)
}

// ConcludeVerification states what the task force found about a report.
func (b BKN) ConcludeVerification(caseID string, at time.Time, p ledger.VerificationConcluded, options ...Option) (Draft, error) {
	return b.say(ledger.VerificationConcludedKind, caseID, at, p, options)
}

// Receive takes over a case that was forwarded to BKN.
func (b BKN) Receive(caseID string, at time.Time, p ledger.CaseReceived, options ...Option) (Draft, error) {
	return b.say(ledger.CaseReceivedKind, caseID, at, p, options)
}

// Clarify states what hearing the respondents has shown.
func (b BKN) Clarify(caseID string, at time.Time, p ledger.CaseClarified, options ...Option) (Draft, error) {
	return b.say(ledger.CaseClarifiedKind, caseID, at, p, options)
}

// Recommend sends the result to the appointing authority, which it binds.
func (b BKN) Recommend(caseID string, at time.Time, p ledger.CaseRecommended, options ...Option) (Draft, error) {
	return b.say(ledger.CaseRecommendedKind, caseID, at, p, options)
}

// Forward hands a case that BKN holds over to another agency.
func (b BKN) Forward(caseID string, at time.Time, p ledger.CaseForwarded, options ...Option) (Draft, error) {
	return b.say(ledger.CaseForwardedKind, caseID, at, p, options)
}

// Cancel ends a case that BKN holds, or some respondents' part of it.
func (b BKN) Cancel(caseID string, at time.Time, p ledger.CaseCancelled, options ...Option) (Draft, error) {
	return b.say(ledger.CaseCancelledKind, caseID, at, p, options)
}

// BeginExamination states that the appointing authority has begun to examine.
func (b BKN) BeginExamination(caseID string, at time.Time, p ledger.ExaminationBegun, options ...Option) (Draft, error) {
	return b.say(ledger.ExaminationBegunKind, caseID, at, p, options)
}

// RecordDecision states what the appointing authority decreed.
func (b BKN) RecordDecision(caseID string, at time.Time, p ledger.DecisionRecorded, options ...Option) (Draft, error) {
	return b.say(ledger.DecisionRecordedKind, caseID, at, p, options)
}

// RecordLeaving states that respondents left the service.
func (b BKN) RecordLeaving(caseID string, at time.Time, p ledger.LeftService, options ...Option) (Draft, error) {
	return b.say(ledger.LeftServiceKind, caseID, at, p, options)
}

// Warn is the first step when an appointing authority does not act.
func (b BKN) Warn(caseID string, at time.Time, p ledger.ControlStep, options ...Option) (Draft, error) {
	return b.say(ledger.ControlWarnedKind, caseID, at, p, options)
}

// Reprimand is the second step.
func (b BKN) Reprimand(caseID string, at time.Time, p ledger.ControlStep, options ...Option) (Draft, error) {
	return b.say(ledger.ControlReprimandedKind, caseID, at, p, options)
}

// Block freezes the civil-service data of respondents.
func (b BKN) Block(caseID string, at time.Time, p ledger.ControlStep, options ...Option) (Draft, error) {
	return b.say(ledger.ControlBlockedKind, caseID, at, p, options)
}

// Unblock lifts a block, which it may only after the authority has decided.
func (b BKN) Unblock(caseID string, at time.Time, p ledger.ControlStep, options ...Option) (Draft, error) {
	return b.say(ledger.ControlUnblockedKind, caseID, at, p, options)
}

// AddRespondents states that more civil servants are concerned by a case that BKN
// holds.
func (b BKN) AddRespondents(caseID string, at time.Time, p ledger.RespondentAdded, options ...Option) (Draft, error) {
	return b.say(ledger.RespondentAddedKind, caseID, at, p, options)
}

// Return sends a case that was forwarded to BKN back instead of receiving it.
func (b BKN) Return(caseID string, at time.Time, p ledger.CaseReturned, options ...Option) (Draft, error) {
	return b.say(ledger.CaseReturnedKind, caseID, at, p, options)
}

// RecordDelivery states that a decree reached the respondents.
func (b BKN) RecordDelivery(caseID string, at time.Time, p ledger.DecisionDelivered, options ...Option) (Draft, error) {
	return b.say(ledger.DecisionDeliveredKind, caseID, at, p, options)
}

// ReviewDecision states what the conformity check of a decree found.
func (b BKN) ReviewDecision(caseID string, at time.Time, p ledger.DecisionReviewed, options ...Option) (Draft, error) {
	return b.say(ledger.DecisionReviewedKind, caseID, at, p, options)
}

// AnnulDecision annuls a decree: the appointing authority owes a new one.
func (b BKN) AnnulDecision(caseID string, at time.Time, p ledger.DecisionAnnulled, options ...Option) (Draft, error) {
	return b.say(ledger.DecisionAnnulledKind, caseID, at, p, options)
}

// FileRemedy states that respondents turned against a decree.
func (b BKN) FileRemedy(caseID string, at time.Time, p ledger.RemedyFiled, options ...Option) (Draft, error) {
	return b.say(ledger.RemedyFiledKind, caseID, at, p, options)
}

// DecideRemedy states what became of a remedy.
func (b BKN) DecideRemedy(caseID string, at time.Time, p ledger.RemedyDecided, options ...Option) (Draft, error) {
	return b.say(ledger.RemedyDecidedKind, caseID, at, p, options)
}
