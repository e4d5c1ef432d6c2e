package ledger

// Payloads of case events, version 1. JSON names are the format; a published
// version never changes meaning or bytes. Strings are enumerations of
// vocabulary.go, Dates, patterned codes, or Sealed values.

// Sealed is a compact JWE (see package seal) that stands in the place its
// protected header names. Without the data key it says nothing.
type Sealed string

// Letter is an official letter by number and date.
type Letter struct {
	Number string `json:"number"` // [A-Za-z0-9./-]{1,64}
	Date   Date   `json:"date"`
}

// Institution is where a respondent works.
type Institution struct {
	Kind   string `json:"kind"`             // InstitutionKinds
	Region string `json:"region,omitempty"` // Kemendagri code: "73" or "73.71"; absent for central
	Code   string `json:"code,omitempty"`   // BKN's code, four digits; required for central
	Office string `json:"office"`           // Offices: who at BKN watches it
}

// Key names the institution in filters: "central-<code>" or its region code.
func (i Institution) Key() string {
	if i.Kind == "central" {
		return "central-" + i.Code
	}
	return i.Region
}

// Authority is an appointing authority (PPK), by office and not by person.
type Authority struct {
	Kind   string `json:"kind"`             // AuthorityKinds
	Region string `json:"region,omitempty"` // of a governor, regent or mayor
	Code   string `json:"code,omitempty"`   // of a minister's institution
}

// Key names the authority in figures: "minister-<code>" or "<kind>-<region>".
func (a Authority) Key() string {
	if a.Kind == "minister" {
		return a.Kind + "-" + a.Code
	}
	return a.Kind + "-" + a.Region
}

// Act is when and where the alleged act took place.
type Act struct {
	Date   Date   `json:"date"`
	Region string `json:"region"` // code in force on that date
}

// NewRespondent describes a civil servant a case is about.
type NewRespondent struct {
	ID          string      `json:"id"`         // r1, r2, ...
	Employment  string      `json:"employment"` // Employments
	Class       string      `json:"class"`      // PositionClasses
	Institution Institution `json:"institution"`
	Identity    Sealed      `json:"identity,omitempty"` // name, NIP
}

// CaseOpened is case.opened.v1.
type CaseOpened struct {
	Channel     string          `json:"channel"` // office, shared-system
	Origin      string          `json:"origin"`  // report, finding
	Contest     string          `json:"contest"` // for instance pilkada-2020
	Act         Act             `json:"act"`
	Catalogue   string          `json:"catalogue"`
	Items       []string        `json:"items"` // as alleged
	Respondents []NewRespondent `json:"respondents"`
	Reporter    Sealed          `json:"reporter,omitempty"`
}

// Named lists respondents an event is about; absent, it is about all whose
// part of the case is open.
type Named struct {
	Respondents []string `json:"respondents,omitempty"`
}

// CompletenessChecked is case.completeness-checked.v1.
type CompletenessChecked struct {
	Result string `json:"result"` // complete, incomplete
}

// CaseRegistered is case.registered.v1.
type CaseRegistered struct {
	Register string `json:"register"` // number in Bawaslu's register
}

// CaseNotRegistered is case.not-registered.v1.
type CaseNotRegistered struct {
	Reason string `json:"reason"` // formal-incomplete, material-incomplete, not-election, expired, duplicate
}

// CaseWithdrawn is case.withdrawn.v1.
type CaseWithdrawn struct {
	By string `json:"by"` // reporter, agency
}

// VerificationConcluded is verification.concluded.v1.
type VerificationConcluded struct {
	Result  string     `json:"result"`  // accepted, rejected
	Members []AgencyID `json:"members"` // of the task force who took part
}

// CaseAssessed is case.assessed.v1.
type CaseAssessed struct {
	Catalogue   string               `json:"catalogue"`
	Respondents []AssessedRespondent `json:"respondents"`
}

// AssessedRespondent is the outcome for one respondent.
type AssessedRespondent struct {
	ID      string   `json:"id"`
	Outcome string   `json:"outcome"` // violation, not-a-violation
	Items   []string `json:"items,omitempty"`
}

// CaseForwarded is case.forwarded.v1.
type CaseForwarded struct {
	To     AgencyID   `json:"to"`
	Letter Letter     `json:"letter"`
	Copies []AgencyID `json:"copies,omitempty"` // "tembusan": agencies that were sent a copy
	Named
}

// CaseReceived is case.received.v1.
type CaseReceived struct {
	From AgencyID `json:"from"`
}

// CaseClarified is case.clarified.v1.
type CaseClarified struct {
	Respondents []ClarifiedRespondent `json:"respondents"`
}

// ClarifiedRespondent is the outcome for one respondent.
type ClarifiedRespondent struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"` // pending, proven, not-proven, incomplete
}

// CaseRecommended is case.recommended.v1.
type CaseRecommended struct {
	Letter      Letter                  `json:"letter"`
	Sent        Date                    `json:"sent"` // deadlines run from here
	Authority   Authority               `json:"appointing_authority"`
	Copies      []AgencyID              `json:"copies,omitempty"`
	Respondents []RecommendedRespondent `json:"respondents"`
}

// RecommendedRespondent is what is recommended for one respondent.
type RecommendedRespondent struct {
	ID       string `json:"id"`
	Family   string `json:"family"`   // ethics, discipline
	Sanction string `json:"sanction"` // Sanctions
}

// ExaminationBegun is examination.begun.v1.
type ExaminationBegun struct {
	Named
}

// DecisionRecorded is decision.recorded.v1: the appointing authority's decree.
type DecisionRecorded struct {
	Decree      Letter              `json:"decree"`
	Respondents []DecidedRespondent `json:"respondents"`
}

// DecidedRespondent is the decree's outcome for one respondent.
type DecidedRespondent struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"`          // sanctioned, not-proven
	Family  string `json:"family,omitempty"` // with sanctioned
	Level   string `json:"level,omitempty"`  // Sanctions, with sanctioned
	Kind    string `json:"kind,omitempty"`   // SanctionKinds, with sanctioned
}

// ControlStep is control.warned.v1, control.reprimanded.v1, control.blocked.v1
// and control.unblocked.v1.
type ControlStep struct {
	Letter Letter `json:"letter"`
	Named
}

// PPKAdmonished is ppk.admonished.v1.
type PPKAdmonished struct {
	Letter         Letter            `json:"letter"`
	Authority      Authority         `json:"appointing_authority"`
	Recommendation RecommendationRef `json:"recommendation"` // the one not acted on
}

// RecommendationRef names a recommendation of the case.
type RecommendationRef struct {
	Agency AgencyID `json:"agency"`
	Number string   `json:"number"`
}

// CaseCancelled is case.cancelled.v1.
type CaseCancelled struct {
	Reason string `json:"reason"` // no-jurisdiction, court-order, recorded-in-error
	Named
}

// LeftService is respondent.left-service.v1.
type LeftService struct {
	Reason      string   `json:"reason"` // retired, died, resigned, dismissed
	Respondents []string `json:"respondents"`
}

// Unsealed is personal-data.unsealed.v1.
type Unsealed struct {
	Event   string   `json:"event"`   // id of the event that holds the sealed value
	Pointer string   `json:"pointer"` // its place in that event
	Key     string   `json:"key"`     // data key id, 22 characters of base64url
	Reason  string   `json:"reason"`  // case-handling, objection, audit, data-subject-request, court-order
	Agency  AgencyID `json:"agency"`  // who asked
	Officer string   `json:"officer"` // the asking officer's code, not a name
}

// FiguresPublished is figures.published.v1: totals as an agency published them.
type FiguresPublished struct {
	Table     string     `json:"table"` // short code of the publication, for instance bkn20
	Publisher AgencyID   `json:"publisher"`
	Doubt     Doubt      `json:"doubt"`
	Sources   []string   `json:"sources"` // references such as kompas.tv/127122
	Restates  string     `json:"restates,omitempty"`
	Figures   []FigureV1 `json:"figures"`
}

// FigureV1 is one published number with everything that says what it counts.
type FigureV1 struct {
	AsOf    Date              `json:"as_of"`
	Since   Date              `json:"since,omitempty"`
	SeenBy  AgencyID          `json:"seen_by,omitempty"` // default: the publisher
	Unit    Unit              `json:"unit"`
	Measure string            `json:"measure"` // a measure, or a sum a+b
	Filter  map[string]string `json:"filter,omitempty"`
	Value   uint64            `json:"value"`
}
