package ledger

// The closed vocabularies of payloads. Every string in a payload is one of
// these, a date, a patterned code, or sealed.

// Mandate is what an agency may be entitled to. Who holds which, and since
// when, is data on the ledger.
type Mandate string

// Mandates, after the table "who may do what" of the domain.
const (
	MandateIntake         Mandate = "intake"
	MandateAssessment     Mandate = "assessment" // completeness, registration, assessment
	MandateVerification   Mandate = "verification"
	MandateClarification  Mandate = "clarification"
	MandateRecommendation Mandate = "recommendation"
	MandateFollowUp       Mandate = "follow-up"
	MandateConformity     Mandate = "conformity"
	MandateControl        Mandate = "control"
	MandateAdmonition     Mandate = "admonition"
	MandatePPKSanction    Mandate = "ppk-sanction"
	MandateAppeals        Mandate = "appeals"
	MandateCriminal       Mandate = "criminal-referral"
	MandateRegimes        Mandate = "regimes" // regimes and holidays
	MandateContests       Mandate = "contests"
	MandateVault          Mandate = "vault"
	// MandateLate lets an agency record what happened long ago, or under a
	// mandate it no longer holds.
	MandateLate Mandate = "late-recording"
)

// Mandates lists all mandates in the order of the procedure.
var Mandates = []Mandate{
	MandateIntake, MandateAssessment, MandateVerification, MandateClarification,
	MandateRecommendation, MandateFollowUp, MandateConformity, MandateControl,
	MandateAdmonition, MandatePPKSanction, MandateAppeals, MandateCriminal,
	MandateRegimes, MandateContests, MandateVault, MandateLate,
}

// Scope narrows a mandate to some cases.
type Scope string

// Scopes of a mandate.
const (
	ScopeAll Scope = "all"
	// ScopeOwnRecommendations: cases in which the agency itself recommended.
	ScopeOwnRecommendations Scope = "own-recommendations"
	// ScopePredecessor: cases in which the predecessor has recorded a
	// clarification or a recommendation.
	ScopePredecessor Scope = "processed-by-predecessor"
	// ScopeNotPredecessor: the others.
	ScopeNotPredecessor Scope = "not-processed-by-predecessor"
)

// Doubt marks a fact whose sources are silent or disagree.
type Doubt string

// Doubts.
const (
	DoubtNone     Doubt = "none"
	DoubtUnsure   Doubt = "unsure"
	DoubtConflict Doubt = "conflict"
)

// Stage is where a respondent stands in the procedure.
type Stage string

// Stages in order, then ends.
const (
	StageReceived      Stage = "received"
	StageRegistered    Stage = "registered"
	StageAssessment    Stage = "assessment"
	StageForwarded     Stage = "forwarded"
	StageClarification Stage = "clarification"
	StageRecommended   Stage = "recommended"
	StageExamined      Stage = "examined"
	StageDecided       Stage = "decided"

	EndInitialInformation Stage = "initial_information"
	EndNotRegistered      Stage = "not_registered"
	EndRejected           Stage = "rejected"
	EndNotAViolation      Stage = "not_a_violation"
	EndNotProven          Stage = "not_proven"
	EndIncomplete         Stage = "incomplete"
	EndCancelled          Stage = "cancelled"
	EndLeftService        Stage = "left_service"
)

// Stages lists stages and ends in the order of the procedure.
var Stages = []Stage{
	StageReceived, StageRegistered, StageAssessment, StageForwarded, StageClarification,
	StageRecommended, StageExamined, StageDecided,
	EndInitialInformation, EndNotRegistered, EndRejected, EndNotAViolation, EndNotProven,
	EndIncomplete, EndCancelled, EndLeftService,
}

// End reports whether nothing more is expected of the case of a respondent.
func (s Stage) End() bool {
	switch s {
	case EndInitialInformation, EndNotRegistered, EndRejected, EndNotAViolation,
		EndNotProven, EndIncomplete, EndCancelled, EndLeftService:
		return true
	default:
		return false
	}
}

// Control is BKN's ladder when an appointing authority does not act; it stands
// beside the stage.
type Control string

// Steps of the control ladder.
const (
	ControlNone        Control = "none"
	ControlWarned      Control = "warned"
	ControlReprimanded Control = "reprimanded"
	ControlBlocked     Control = "blocked"
)

// Criminal is where the criminal branch stands, which runs beside the case.
type Criminal string

// States of the criminal branch.
const (
	CriminalNone     Criminal = "none"
	CriminalUnderWay Criminal = "referred"
	CriminalEnded    Criminal = "concluded"
)

// States of a respondent's remedies, besides the outcomes of the last one.
const (
	RemedyNone    = "none"
	RemedyPending = "filed"
)

// Remedies of a respondent against a decree.
const (
	RemedyObjection = "objection" // to the appointing authority
	RemedyBPASN     = "bpasn"     // to the board of appeal
	RemedyCourt     = "court"
)

// Remedies lists them in the order in which one may follow another.
var Remedies = []string{RemedyObjection, RemedyBPASN, RemedyCourt}

// Outcomes of a remedy.
const (
	OutcomeUpheld    = "upheld" // what stood before stands
	OutcomeLightened = "lightened"
	OutcomeIncreased = "increased"
	OutcomeChanged   = "changed"
	OutcomeAnnulled  = "annulled" // no sanction stands any more
)

// RemedyOutcomes lists the outcomes of a remedy.
var RemedyOutcomes = []string{OutcomeUpheld, OutcomeLightened, OutcomeIncreased, OutcomeChanged, OutcomeAnnulled}

// Actions of a correction and kinds of a link.
const (
	ActionVoid    = "void"
	ActionReplace = "replace"

	LinkDuplicate = "duplicate-of"
	LinkRelated   = "related"
)

// Small enumerations of payloads.
const (
	OriginReport  = "report"
	OriginFinding = "finding"

	ChannelOffice       = "office"        // at a desk of Bawaslu
	ChannelSharedSystem = "shared-system" // waits for the task force's verification

	FamilyEthics     = "ethics"
	FamilyDiscipline = "discipline"

	OutcomeViolation     = "violation"
	OutcomeNotAViolation = "not-a-violation"
	OutcomePending       = "pending"
	OutcomeProven        = "proven"
	OutcomeNotProven     = "not-proven"
	OutcomeIncomplete    = "incomplete"
	OutcomeSanctioned    = "sanctioned"
	OutcomeAccepted      = "accepted"
	OutcomeRejected      = "rejected"

	RoleEvent = "event"
	RoleRoot  = "root"

	KindInstitution = "institution"
	KindService     = "service"
)

// PositionClasses are the classes of civil-service positions.
var PositionClasses = []string{
	"jpt-utama", "jpt-madya", "jpt-pratama", "administrator", "pengawas",
	"fungsional", "pelaksana", "camat-lurah",
}

// Employments are the kinds of employment of a civil servant.
var Employments = []string{"pns", "pppk", "contract"}

// InstitutionKinds are the kinds of institution a respondent works at.
var InstitutionKinds = []string{"central", "province", "regency", "city"}

// AuthorityKinds are the offices of appointing authorities (PPK).
var AuthorityKinds = []string{"minister", "governor", "regent", "mayor"}

// Offices are BKN's head office and its fourteen regional offices (Kanreg).
var Offices = []string{
	"central", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV",
}

// Sanctions are the severities of recommendation and decision, lightest first.
var Sanctions = []string{"moral-closed", "moral-open", "light", "medium", "heavy", "dismissal"}

// SanctionKind is one sanction of a law, with its severity and validity.
type SanctionKind struct {
	Code  string `json:"code"`
	Level string `json:"level"`
	Basis string `json:"basis"`
}

// SanctionKinds are the sanctions that decrees impose.
// Sources: PP 42/2004 Ps 15; PP 53/2010 Ps 7 (until 30 Aug 2021); PP 94/2021
// Ps 8 (since 31 Aug 2021); PP 49/2018.
var SanctionKinds = []SanctionKind{
	{"moral-statement-closed", "moral-closed", "PP 42/2004"},
	{"moral-statement-open", "moral-open", "PP 42/2004"},
	{"oral-reprimand", "light", "PP 53/2010; PP 94/2021"},
	{"written-reprimand", "light", "PP 53/2010; PP 94/2021"},
	{"written-dissatisfaction", "light", "PP 53/2010; PP 94/2021"},
	{"salary-step-held-1y", "medium", "PP 53/2010"},
	{"promotion-held-1y", "medium", "PP 53/2010"},
	{"grade-lowered-1y", "medium", "PP 53/2010"},
	{"allowance-cut-6m", "medium", "PP 94/2021"},
	{"allowance-cut-9m", "medium", "PP 94/2021"},
	{"allowance-cut-12m", "medium", "PP 94/2021"},
	{"grade-lowered-3y", "heavy", "PP 53/2010"},
	{"moved-down", "heavy", "PP 53/2010"},
	{"released-from-position", "heavy", "PP 53/2010"},
	{"position-lowered-12m", "heavy", "PP 94/2021"},
	{"released-to-executive-post-12m", "heavy", "PP 94/2021"},
	{"honourable-dismissal", "heavy", "PP 53/2010; PP 94/2021"},
	{"dishonourable-dismissal", "dismissal", "PP 53/2010"},
	{"end-of-contract", "dismissal", "PP 49/2018"},
}

// Item is one violation of a catalogue.
type Item struct {
	Code      string `json:"code"`
	Catalogue string `json:"catalogue"`
	Family    string `json:"family,omitempty"`
	// Act is a short name of the act in Indonesian.
	Act   string `json:"act"`
	Doubt Doubt  `json:"doubt"`
	// When says on which side of the contest's determination date the act lies.
	When When `json:"when,omitempty"`
}

// When is a side of the day on which a contest's candidates are determined:
// before it there are prospective candidates (bakal calon), since then candidates.
type When string

// The sides; "" for an item that may lie on either.
const (
	BeforeDetermination When = "before-determination"
	SinceDetermination  When = "since-determination"
)

// Catalogues of violations.
const (
	CatalogueSKB2020 = "skb-2020" // before 22 Sep 2022; incomplete
	CatalogueSKB2022 = "skb-2022" // joint decree (SKB) of 22 Sep 2022

	// SKB2022From is the first day of whose acts skb-2022 speaks.
	SKB2022From = Date("2022-09-22")
)

// Items lists both catalogues. skb-2022 has seven items of ethics and twelve of
// discipline; skb-2020 is incomplete in the sources and says no family.
var Items = []Item{
	{"ethics-1", CatalogueSKB2022, FamilyEthics, "spanduk, baliho, alat peraga bakal calon", DoubtNone, BeforeDetermination},
	{"ethics-2", CatalogueSKB2022, FamilyEthics, "sosialisasi atau kampanye media sosial bakal calon", DoubtNone, BeforeDetermination},
	{"ethics-3", CatalogueSKB2022, FamilyEthics, "menghadiri deklarasi atau kampanye bakal calon dan memberi dukungan aktif", DoubtNone, BeforeDetermination},
	{"ethics-4", CatalogueSKB2022, FamilyEthics, "unggahan, komentar, suka, ikut akun pemenangan bakal calon", DoubtNone, BeforeDetermination},
	{"ethics-5", CatalogueSKB2022, FamilyEthics, "unggah foto bersama bakal calon, tim sukses, alat peraga", DoubtNone, BeforeDetermination},
	{"ethics-6", CatalogueSKB2022, FamilyEthics, "ikut kegiatan kampanye, sosialisasi, pengenalan bakal calon", DoubtNone, BeforeDetermination},
	{"ethics-7", CatalogueSKB2022, FamilyEthics, "mengikuti deklarasi atau kampanye suami atau istri tanpa cuti di luar tanggungan negara", DoubtNone, ""},
	{"discipline-1", CatalogueSKB2022, FamilyDiscipline, "spanduk, baliho, alat peraga calon", DoubtNone, SinceDetermination},
	{"discipline-2", CatalogueSKB2022, FamilyDiscipline, "sosialisasi atau kampanye media sosial calon", DoubtNone, SinceDetermination},
	{"discipline-3", CatalogueSKB2022, FamilyDiscipline, "pendekatan ke partai atau masyarakat sebagai bakal calon tanpa cuti di luar tanggungan negara", DoubtConflict, BeforeDetermination},
	{"discipline-4", CatalogueSKB2022, FamilyDiscipline, "menghadiri deklarasi atau kampanye calon dan memberi dukungan aktif", DoubtNone, SinceDetermination},
	{"discipline-5", CatalogueSKB2022, FamilyDiscipline, "menjadi anggota atau pengurus partai politik", DoubtNone, ""},
	{"discipline-6", CatalogueSKB2022, FamilyDiscipline, "unggahan, komentar, suka, ikut akun pemenangan calon", DoubtNone, SinceDetermination},
	{"discipline-7", CatalogueSKB2022, FamilyDiscipline, "unggah foto bersama calon, tim sukses, alat peraga", DoubtNone, SinceDetermination},
	{"discipline-8", CatalogueSKB2022, FamilyDiscipline, "kegiatan mengarah pada keberpihakan (pertemuan, ajakan, imbauan, seruan, pemberian barang)", DoubtConflict, ""},
	{"discipline-9", CatalogueSKB2022, FamilyDiscipline, "tim ahli, pemenangan, konsultan sebelum penetapan peserta", DoubtNone, BeforeDetermination},
	{"discipline-10", CatalogueSKB2022, FamilyDiscipline, "tim ahli, pemenangan, konsultan setelah penetapan peserta", DoubtNone, SinceDetermination},
	{"discipline-11", CatalogueSKB2022, FamilyDiscipline, "dukungan atau KTP bagi bakal calon perseorangan", DoubtNone, BeforeDetermination},
	{"discipline-12", CatalogueSKB2022, FamilyDiscipline, "keputusan atau tindakan yang menguntungkan atau merugikan calon", DoubtNone, SinceDetermination},
	{"social-media", CatalogueSKB2020, "", "media sosial", DoubtUnsure, ""},
	{"partiality", CatalogueSKB2020, "", "keberpihakan", DoubtUnsure, ""},
	{"photo", CatalogueSKB2020, "", "foto bersama", DoubtUnsure, ""},
	{"declaration", CatalogueSKB2020, "", "deklarasi", DoubtUnsure, ""},
	{"party-approach", CatalogueSKB2020, "", "pendekatan ke partai politik", DoubtUnsure, ""},
	{"party-membership", CatalogueSKB2020, "", "keanggotaan partai politik", DoubtUnsure, ""},
	{"gathering", CatalogueSKB2020, "", "menghadiri kegiatan", DoubtUnsure, ""},
	{"other", CatalogueSKB2020, "", "lainnya", DoubtUnsure, ""},
}

// familyOf gives the family of items: discipline if any item is one of
// discipline, ethics if any is of ethics, else "".
func familyOf(items []string) string {
	family := ""
	for _, code := range items {
		for _, it := range Items {
			if it.Code != code || it.Family == "" {
				continue
			}
			if it.Family == FamilyDiscipline {
				return FamilyDiscipline
			}
			family = FamilyEthics
		}
	}
	return family
}
