package ledger

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Unit is what a figure counts.
type Unit string

// Units. Identities are sealed, so persons cannot be counted: a respondent is
// one entry in one case.
const (
	UnitCase           Unit = "case"
	UnitRespondent     Unit = "respondent"
	UnitRecommendation Unit = "recommendation" // distinct agency and letter number
	UnitPPK            Unit = "ppk"            // distinct appointing authority
)

// Units lists the units.
var Units = []Unit{UnitCase, UnitRespondent, UnitRecommendation, UnitPPK}

// Measure is one thing that can be true of a respondent at a moment.
type Measure int

// Measures, in the order of the procedure.
const (
	Opened Measure = iota
	WaitingVerification
	Rejected
	Registered
	NotRegistered
	Violation
	NotViolation
	Forwarded
	InProcess
	Concluded
	NotProven
	Incomplete
	Recommended
	NotFollowedUp
	PPKInProcess
	Admonished
	Blocked
	Unblocked
	FollowedUp
	Sanctioned
	DecidedNotProven
	Cancelled
	LeftServiceMeasure
	measureCount
)

// MeasureCount is how many measures there are.
const MeasureCount = int(measureCount)

// MeasureInfo defines a measure in words.
type MeasureInfo struct {
	Measure Measure `json:"-"`
	Name    string  `json:"measure"`
	// English says what is counted, and from which moment `since` counts it.
	English    string `json:"en"`
	Indonesian string `json:"id"`
	// All: a case counts only when the measure is true of all its respondents;
	// otherwise one is enough.
	All bool `json:"all_respondents,omitempty"`
}

// MeasureTable defines every measure. A figure with `since` counts those whose
// measure became true after that moment.
var MeasureTable = []MeasureInfo{
	{Opened, "opened", "Opened; not withdrawn before registration, not rejected at verification, not a linked duplicate.", "Dibuka; tidak dicabut sebelum registrasi, tidak ditolak saat verifikasi, bukan duplikat tertaut.", false},
	{WaitingVerification, "waiting_verification", "Entered through the shared system and not verified yet.", "Masuk lewat sistem berbagi dan belum diverifikasi.", false},
	{Rejected, "rejected", "Rejected at verification.", "Ditolak saat verifikasi.", false},
	{Registered, "registered", "Registered by Bawaslu.", "Diregistrasi Bawaslu.", false},
	{NotRegistered, "not_registered", "Refused registration.", "Tidak diregistrasi.", false},
	{Violation, "violation", "Assessed as a violation, latest assessment.", "Dinilai sebagai pelanggaran, kajian terakhir.", false},
	{NotViolation, "not_violation", "Assessed as no violation, latest assessment; a case when all its respondents are.", "Dinilai bukan pelanggaran, kajian terakhir; kasus bila semua terlapornya demikian.", true},
	{Forwarded, "forwarded", "Forwarded to another agency for action.", "Diteruskan ke lembaga lain untuk ditindaklanjuti.", false},
	{InProcess, "in_process", "The agency that holds the case has reached no outcome.", "Lembaga pemegang kasus belum mencapai hasil.", false},
	{Concluded, "concluded", "The agency that holds the case has reached an outcome; a case when it has for all respondents.", "Lembaga pemegang kasus telah mencapai hasil; kasus bila untuk semua terlapor.", true},
	{NotProven, "not_proven", "Not proven, as the supervisor found.", "Tidak terbukti menurut pengawas.", false},
	{Incomplete, "incomplete", "Closed by the supervisor as incomplete.", "Ditutup pengawas karena tidak lengkap.", false},
	{Recommended, "recommended", "A recommendation to the appointing authority was sent.", "Rekomendasi kepada PPK telah dikirim.", false},
	{NotFollowedUp, "not_followed_up", "Recommended, no decision of the appointing authority stands.", "Direkomendasikan, belum ada keputusan PPK.", false},
	{PPKInProcess, "ppk_in_process", "Not followed up, examination begun, not blocked.", "Belum ditindaklanjuti, pemeriksaan dimulai, tidak diblokir.", false},
	{Admonished, "admonished", "The appointing authority was admonished for not acting.", "PPK ditegur karena tidak menindaklanjuti.", false},
	{Blocked, "blocked", "Civil-service data blocked now.", "Data kepegawaian sedang diblokir.", false},
	{Unblocked, "unblocked", "A block was lifted.", "Blokir telah dibuka.", false},
	{FollowedUp, "followed_up", "Recommended, and a decision of the appointing authority stands.", "Direkomendasikan dan keputusan PPK berlaku.", false},
	{Sanctioned, "sanctioned", "A sanction stands: as decided, or as a remedy changed it.", "Sanksi berlaku: menurut keputusan PPK atau putusan upaya hukum.", false},
	{DecidedNotProven, "decided_not_proven", "The appointing authority decided that nothing was proven.", "PPK memutuskan tidak terbukti.", false},
	{Cancelled, "cancelled", "Cancelled.", "Dibatalkan.", false},
	{LeftServiceMeasure, "left_service", "The respondent left the service.", "Terlapor tidak lagi ASN.", false},
}

func (m Measure) String() string {
	if m < 0 || int(m) >= len(MeasureTable) {
		return fmt.Sprintf("measure(%d)", int(m))
	}
	return MeasureTable[m].Name
}

// ParseMeasures reads a measure or a sum such as "sanctioned+not_followed_up".
func ParseMeasures(s string) ([]Measure, error) {
	var out []Measure
	for _, name := range strings.Split(s, "+") {
		i := slices.IndexFunc(MeasureTable, func(m MeasureInfo) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("unknown measure %q: one of %s, or a sum a+b", name, strings.Join(measureNames(), ", "))
		}
		if slices.Contains(out, Measure(i)) {
			return nil, fmt.Errorf("measure %q stands twice in the sum", name)
		}
		out = append(out, Measure(i))
	}
	return out, nil
}

func measureNames() []string {
	names := make([]string, len(MeasureTable))
	for i, m := range MeasureTable {
		names[i] = m.Name
	}
	return names
}

// Filters lists the names of the filters of a figure.
var Filters = []string{
	"origin", "forwarded-to", "holder", "family", "sanction", "office", "ppk-kind",
	"province-of-act", "province", "institution", "institution-kind", "class", "item", "contest",
}

// Query asks for one figure.
type Query struct {
	Measures []Measure // summed
	Unit     Unit
	Filter   map[string]string
	SeenBy   AgencyID  // zero: every case
	Since    time.Time // zero: from the beginning; counts what began after it
	AsOf     time.Time // what had happened by then
	KnownAt  Position  // using only records up to here
}

// Validate reports the first thing wrong with a query, in words for a person.
func (q Query) Validate() error {
	if len(q.Measures) == 0 {
		return fmt.Errorf("a figure needs a measure")
	}
	for _, m := range q.Measures {
		if m < 0 || m >= measureCount {
			return fmt.Errorf("no such measure: %s", m)
		}
	}
	if !slices.Contains(Units, q.Unit) {
		return fmt.Errorf("unknown unit %q: case, respondent, recommendation or ppk", q.Unit)
	}
	if q.SeenBy != "" && !q.SeenBy.Valid() {
		return fmt.Errorf("unknown agency %q", q.SeenBy)
	}
	names := make([]string, 0, len(q.Filter))
	for name := range q.Filter {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !slices.Contains(Filters, name) {
			return fmt.Errorf("unknown filter %q: one of %s", name, strings.Join(Filters, ", "))
		}
		if err := checkFilterValue(name, q.Filter[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkFilterValue(name, value string) error {
	var allowed []string
	switch name {
	case "origin":
		allowed = []string{OriginFinding, OriginReport}
	case "family":
		allowed = []string{FamilyEthics, FamilyDiscipline}
	case "sanction":
		allowed = Sanctions
	case "office":
		allowed = Offices
	case "ppk-kind":
		allowed = AuthorityKinds
	case "institution-kind":
		allowed = InstitutionKinds
	case "class":
		allowed = PositionClasses
	default:
		if value == "" || len(value) > 64 {
			return fmt.Errorf("filter %s needs a value", name)
		}
		return nil
	}
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("filter %s: %q is not one of %s", name, value, strings.Join(allowed, ", "))
	}
	return nil
}
