package ledger

// Payloads of what follows a decree, version 1: its delivery and check, remedies,
// and what befalls the appointing authority. When it happened is the event's
// time.

// DecisionDelivered is decision.delivered.v1: the decree reached the respondent.
type DecisionDelivered struct {
	Decree Letter `json:"decree"`
	Named
}

// DecisionReviewed is decision.reviewed.v1: the conformity check of a decree.
type DecisionReviewed struct {
	Decree Letter `json:"decree"`
	Result string `json:"result"` // conforming, not-conforming
	Named
}

// DecisionAnnulled is decision.annulled.v1: the authority owes a new decree.
type DecisionAnnulled struct {
	Decree Letter `json:"decree"`
	Letter Letter `json:"letter"` // that annuls it
	Named
}

// PPKSanctioned is ppk.sanctioned.v1: an appointing authority was sanctioned for
// not acting on a recommendation.
type PPKSanctioned struct {
	Letter         Letter            `json:"letter"`
	Authority      Authority         `json:"appointing_authority"`
	Recommendation RecommendationRef `json:"recommendation"`
	Basis          string            `json:"basis"`
}

// RemedyFiled is remedy.filed.v1: a respondent turns against a decree.
type RemedyFiled struct {
	Remedy string `json:"remedy"` // Remedies
	Decree Letter `json:"decree"`
	Named
}

// RemedyDecided is remedy.decided.v1.
type RemedyDecided struct {
	Remedy      string               `json:"remedy"` // Remedies
	Decree      Letter               `json:"decree"`
	Ruling      Letter               `json:"ruling"` // that decides it
	Respondents []RemediedRespondent `json:"respondents"`
}

// RemediedRespondent is a remedy's outcome for one respondent.
type RemediedRespondent struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"` // RemedyOutcomes
	// Family, Level and Kind are those of the new sanction, with an outcome that
	// has one: lightened, increased, changed.
	Family string `json:"family,omitempty"`
	Level  string `json:"level,omitempty"`
	Kind   string `json:"kind,omitempty"`
}

// CriminalReferred is criminal.referred.v1: the case, or some respondents' part
// of it, went to the criminal branch too.
type CriminalReferred struct {
	Letter Letter `json:"letter"`
	Named
}

// CriminalConcluded is criminal.concluded.v1.
type CriminalConcluded struct {
	Outcome string `json:"outcome"` // not-pursued, acquitted, convicted
	Named
}
