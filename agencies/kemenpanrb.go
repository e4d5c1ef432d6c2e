package agencies

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// KemenPANRB is the ministry of the civil service: it publishes the rules, and
// since September 2024 finishes the letters that KASN had processed.
type KemenPANRB struct{ Institution }

// NewKemenPANRB gives what KemenPAN-RB may say.
func NewKemenPANRB(o Office) KemenPANRB { return KemenPANRB{Institution{o, ledger.KemenPANRB}} }

// Receive takes over a case.
func (k KemenPANRB) Receive(caseID string, at time.Time, p ledger.CaseReceived, options ...Option) (Draft, error) {
	return k.say(ledger.CaseReceivedKind, caseID, at, p, options)
}

// Clarify states what hearing the respondents has shown.
func (k KemenPANRB) Clarify(caseID string, at time.Time, p ledger.CaseClarified, options ...Option) (Draft, error) {
	return k.say(ledger.CaseClarifiedKind, caseID, at, p, options)
}

// Recommend binds the appointing authority by a letter.
func (k KemenPANRB) Recommend(caseID string, at time.Time, p ledger.CaseRecommended, options ...Option) (Draft, error) {
	return k.say(ledger.CaseRecommendedKind, caseID, at, p, options)
}

// Forward hands a case that KemenPAN-RB holds over to another agency.
func (k KemenPANRB) Forward(caseID string, at time.Time, p ledger.CaseForwarded, options ...Option) (Draft, error) {
	return k.say(ledger.CaseForwardedKind, caseID, at, p, options)
}

// Cancel ends a case that KemenPAN-RB holds, or some respondents' part of it.
func (k KemenPANRB) Cancel(caseID string, at time.Time, p ledger.CaseCancelled, options ...Option) (Draft, error) {
	return k.say(ledger.CaseCancelledKind, caseID, at, p, options)
}

// PublishRegime states rules of procedure and the days for which they hold.
func (k KemenPANRB) PublishRegime(at time.Time, p ledger.Regime, options ...Option) (Draft, error) {
	return k.say(ledger.RegimePublishedKind, p.ID, at, p, options)
}

// PublishHolidays states the holidays of a year.
func (k KemenPANRB) PublishHolidays(at time.Time, p ledger.Holidays, options ...Option) (Draft, error) {
	return k.say(ledger.HolidaysPublishedKind, p.Subject(), at, p, options)
}

// AddRespondents states that more civil servants are concerned by a case that KemenPAN-RB
// holds.
func (k KemenPANRB) AddRespondents(caseID string, at time.Time, p ledger.RespondentAdded, options ...Option) (Draft, error) {
	return k.say(ledger.RespondentAddedKind, caseID, at, p, options)
}

// Return sends a case that was forwarded to KemenPAN-RB back instead of receiving it.
func (k KemenPANRB) Return(caseID string, at time.Time, p ledger.CaseReturned, options ...Option) (Draft, error) {
	return k.say(ledger.CaseReturnedKind, caseID, at, p, options)
}

// FileRemedy states that respondents appealed against a decree.
func (k KemenPANRB) FileRemedy(caseID string, at time.Time, p ledger.RemedyFiled, options ...Option) (Draft, error) {
	return k.say(ledger.RemedyFiledKind, caseID, at, p, options)
}

// DecideRemedy states what became of an appeal.
func (k KemenPANRB) DecideRemedy(caseID string, at time.Time, p ledger.RemedyDecided, options ...Option) (Draft, error) {
	return k.say(ledger.RemedyDecidedKind, caseID, at, p, options)
}

// SanctionAuthority states that an appointing authority was sanctioned for not
// acting.
func (k KemenPANRB) SanctionAuthority(caseID string, at time.Time, p ledger.PPKSanctioned, options ...Option) (Draft, error) {
	return k.say(ledger.PPKSanctionedKind, caseID, at, p, options)
}
