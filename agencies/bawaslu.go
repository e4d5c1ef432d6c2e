package agencies

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Bawaslu supervises elections: it takes cases in, assesses and forwards them.
type Bawaslu struct{ Institution }

// NewBawaslu gives what Bawaslu may say.
func NewBawaslu(o Office) Bawaslu { return Bawaslu{Institution{o, ledger.Bawaslu}} }

// OpenCase begins a case: a report was handed in or a finding made.
func (b Bawaslu) OpenCase(caseID string, at time.Time, p ledger.CaseOpened, options ...Option) (Draft, error) {
	return b.say(ledger.CaseOpenedKind, caseID, at, p, options)
}

// CheckCompleteness states the result of the first formal check.
func (b Bawaslu) CheckCompleteness(caseID string, at time.Time, p ledger.CompletenessChecked, options ...Option) (Draft, error) {
	return b.say(ledger.CompletenessCheckedKind, caseID, at, p, options)
}

// Register puts a case into Bawaslu's register.
func (b Bawaslu) Register(caseID string, at time.Time, p ledger.CaseRegistered, options ...Option) (Draft, error) {
	return b.say(ledger.CaseRegisteredKind, caseID, at, p, options)
}

// RefuseRegistration ends a case that may not be registered.
func (b Bawaslu) RefuseRegistration(caseID string, at time.Time, p ledger.CaseNotRegistered, options ...Option) (Draft, error) {
	return b.say(ledger.CaseNotRegisteredKind, caseID, at, p, options)
}

// Withdraw states that a case that Bawaslu opened was withdrawn.
func (b Bawaslu) Withdraw(caseID string, at time.Time, p ledger.CaseWithdrawn, options ...Option) (Draft, error) {
	return b.say(ledger.CaseWithdrawnKind, caseID, at, p, options)
}

// Assess states the outcome of the legal study for each respondent.
func (b Bawaslu) Assess(caseID string, at time.Time, p ledger.CaseAssessed, options ...Option) (Draft, error) {
	return b.say(ledger.CaseAssessedKind, caseID, at, p, options)
}

// Forward hands a case that Bawaslu holds over to another agency.
func (b Bawaslu) Forward(caseID string, at time.Time, p ledger.CaseForwarded, options ...Option) (Draft, error) {
	return b.say(ledger.CaseForwardedKind, caseID, at, p, options)
}

// Receive takes over a case that was forwarded to Bawaslu.
func (b Bawaslu) Receive(caseID string, at time.Time, p ledger.CaseReceived, options ...Option) (Draft, error) {
	return b.say(ledger.CaseReceivedKind, caseID, at, p, options)
}

// Cancel ends a case that Bawaslu holds, or some respondents' part of it.
func (b Bawaslu) Cancel(caseID string, at time.Time, p ledger.CaseCancelled, options ...Option) (Draft, error) {
	return b.say(ledger.CaseCancelledKind, caseID, at, p, options)
}

// PublishContest states the days of an election.
func (b Bawaslu) PublishContest(at time.Time, p ledger.Contest, options ...Option) (Draft, error) {
	return b.say(ledger.ContestPublishedKind, p.ID, at, p, options)
}

// AddRespondents states that more civil servants are concerned by a case that Bawaslu
// holds.
func (b Bawaslu) AddRespondents(caseID string, at time.Time, p ledger.RespondentAdded, options ...Option) (Draft, error) {
	return b.say(ledger.RespondentAddedKind, caseID, at, p, options)
}

// Return sends a case that was forwarded to Bawaslu back instead of receiving it.
func (b Bawaslu) Return(caseID string, at time.Time, p ledger.CaseReturned, options ...Option) (Draft, error) {
	return b.say(ledger.CaseReturnedKind, caseID, at, p, options)
}

// ReferToCriminal states that a case went to the criminal branch too.
func (b Bawaslu) ReferToCriminal(caseID string, at time.Time, p ledger.CriminalReferred, options ...Option) (Draft, error) {
	return b.say(ledger.CriminalReferredKind, caseID, at, p, options)
}

// ConcludeCriminal states how the criminal branch ended.
func (b Bawaslu) ConcludeCriminal(caseID string, at time.Time, p ledger.CriminalConcluded, options ...Option) (Draft, error) {
	return b.say(ledger.CriminalConcludedKind, caseID, at, p, options)
}
