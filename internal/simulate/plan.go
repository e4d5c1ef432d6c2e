package simulate

import "github.com/berkas-ledger/berkas/ledger"

// fate is where a respondent has got to by the end of 2020.
type fate byte

// Fates. The first six were recommended.
const (
	sanctioned fate = 'S' // sanctioned by 26 November
	lifted     fate = 'U' // blocked, then sanctioned and unblocked, by 26 November
	examined   fate = 'E' // being examined on 26 November, sanctioned by the end of the year
	late       fate = 'X' // being examined on 26 November, blocked by the end of the year
	blocked    fate = 'K' // blocked on 26 November and at the end of the year
	december   fate = 'J' // blocked on 26 November, sanctioned and unblocked by the end of the year

	notViolation fate = 'N' // Bawaslu saw no violation
	notProven    fate = 'P' // KASN found nothing proven
	incomplete   fate = 'I' // KASN closed it as incomplete
	waiting      fate = 'W' // still with KASN

	withdrawn     fate = 'D' // before registration
	notRegistered fate = 'R'
)

func (f fate) recommended() bool {
	switch f {
	case sanctioned, lifted, examined, late, blocked, december:
		return true
	default:
		return false
	}
}

// forwarded: the respondent's part of the case went to KASN.
func (f fate) forwarded() bool {
	return f.recommended() || f == notProven || f == incomplete || f == waiting
}

// clarified is what KASN found about one whose part was forwarded.
func (f fate) clarified() string {
	switch f {
	case notProven:
		return ledger.OutcomeNotProven
	case incomplete:
		return ledger.OutcomeIncomplete
	case waiting:
		return ledger.OutcomePending
	default:
		return ledger.OutcomeProven
	}
}

// mix is a number of cases with the same fates of their respondents.
type mix struct {
	cases int
	fates string // one letter for each respondent
}

// group is cases that go the same way in the same weeks.
type group struct {
	name string
	// copied: BKN was sent a copy and so sees the case.
	copied bool
	// admonished: the authority was admonished for the recommendation.
	admonished bool
	// central: all respondents work at central institutions.
	central bool
	// opened is the earliest day on which one is opened.
	opened ledger.Date
	// left is when it left Bawaslu: forwarded or ended there.
	left span
	// recommended bounds when the letter was sent.
	recommended span
	mixes       []mix
}

const firstDay ledger.Date = "2020-01-06"

// plan is the history as a table. The sums, which a test adds up again:
//
//	opened by 4 October       805 cases  (withdrawn ones do not count)
//	  forwarded by then       719
//	  not a violation          81
//	  in process                5
//	seen by BKN              1005 respondents in 748 cases
//	  recommended             727 = 580 sanctioned + 121 examined + 26 blocked
//	  not recommended         278 = 25 N + 110 P + 20 I + 123 W
var plan = []group{
	{
		name: "admonished by Kemendagri", copied: true, admonished: true, opened: firstDay,
		left: span{"2020-06-22", "2020-09-11"}, recommended: span{"2020-07-13", "2020-09-25"},
		mixes: []mix{
			{7, "K"},
			{2, "J"},
			{10, "X"},
			{4, "XS"},
			{14, "E"},
			{6, "ES"},
			{66, "S"},
			{18, "SS"},
			{6, "SP"},
			{4, "SSN"},
			{2, "SN"},
		},
	},
	{
		name: "blocked, of central institutions", copied: true, central: true, opened: firstDay,
		left: span{"2020-01-27", "2020-07-17"}, recommended: span{"2020-02-10", "2020-08-21"},
		mixes: []mix{{13, "K"}, {2, "J"}, {1, "KK"}},
	},
	{
		name: "blocked and unblocked by November", copied: true, opened: firstDay,
		left: span{"2020-01-27", "2020-05-29"}, recommended: span{"2020-02-10", "2020-07-03"},
		mixes: []mix{{6, "U"}, {1, "UU"}},
	},
	{
		name: "recommended since October, forwarded before", copied: true, opened: firstDay,
		left: span{"2020-09-14", "2020-10-02"}, recommended: span{"2020-10-05", "2020-11-09"},
		mixes: []mix{{18, "E"}, {5, "EE"}, {5, "ES"}, {6, "X"}, {2, "XX"}},
	},
	{
		name: "recommended since October, forwarded since", copied: true, opened: "2020-10-05",
		left: span{"2020-10-12", "2020-10-27"}, recommended: span{"2020-10-19", "2020-11-13"},
		mixes: []mix{{24, "E"}, {3, "EE"}, {12, "X"}, {1, "XX"}},
	},
	{
		name: "sanctioned in time", copied: true, opened: firstDay,
		left: span{"2020-01-20", "2020-10-02"}, recommended: span{"2020-02-03", "2020-10-30"},
		mixes: []mix{
			{196, "S"},
			{62, "SS"},
			{18, "SSS"},
			{4, "SSSS"},
			{9, "SN"},
			{8, "SSP"},
			{14, "SP"},
			{4, "SI"},
			{2, "SSSN"},
		},
	},
	{
		name: "closed by KASN", copied: true, opened: firstDay, left: span{"2020-01-20", "2020-10-02"},
		mixes: []mix{{49, "P"}, {8, "PP"}, {3, "PN"}, {10, "I"}, {2, "II"}},
	},
	{
		name: "closed by KASN, forwarded since October", copied: true, opened: "2020-10-05", left: span{"2020-10-12", "2020-11-06"},
		mixes: []mix{{9, "P"}, {1, "PP"}, {2, "I"}},
	},
	{
		name: "with KASN", copied: true, opened: firstDay, left: span{"2020-07-13", "2020-10-02"},
		mixes: []mix{{37, "W"}, {7, "WW"}, {4, "WN"}, {2, "WP"}},
	},
	{
		name: "with KASN, forwarded since October", copied: true, opened: "2020-10-05", left: span{"2020-10-12", "2020-11-13"},
		mixes: []mix{{47, "W"}, {7, "WW"}, {1, "WN"}, {1, "WP"}},
	},
	{
		name: "with KASN, in process on 4 October", copied: true, opened: "2020-09-30", left: span{"2020-10-06", "2020-10-09"},
		mixes: []mix{{3, "W"}},
	},
	{
		name: "not a violation, in process on 4 October", opened: "2020-09-30", left: span{"2020-10-06", "2020-10-09"},
		mixes: []mix{{2, "N"}},
	},
	{
		name: "with KASN, not copied to BKN", opened: firstDay, left: span{"2020-01-20", "2020-10-02"},
		mixes: []mix{{50, "W"}, {25, "P"}, {5, "WW"}, {2, "PN"}},
	},
	{
		name: "with KASN, not copied to BKN, since October", opened: "2020-10-05", left: span{"2020-10-12", "2020-12-04"},
		mixes: []mix{{14, "W"}},
	},
	{
		name: "not a violation", opened: firstDay, left: span{"2020-01-20", "2020-10-02"},
		mixes: []mix{{70, "N"}, {9, "NN"}, {2, "NNN"}},
	},
	{
		name: "not a violation, since October", opened: "2020-10-05", left: span{"2020-10-12", "2020-12-04"},
		mixes: []mix{{9, "N"}},
	},
	{
		name: "withdrawn", opened: firstDay, left: span{"2020-02-03", "2020-09-25"},
		mixes: []mix{{4, "D"}},
	},
	{
		name: "withdrawn, since October", opened: "2020-10-05", left: span{"2020-10-12", "2020-11-27"},
		mixes: []mix{{1, "D"}},
	},
	{
		name: "not registered, since October", opened: "2020-10-05", left: span{"2020-10-12", "2020-11-27"},
		mixes: []mix{{3, "R"}},
	},
}

// endOfBawaslu is the day of the table bws20: what is opened later is not in it.
const endOfBawaslu ledger.Date = "2020-10-04"

// countedByBawaslu: the table bws20 counts the group's cases. Those of in
// process were opened before it, although they left Bawaslu later.
func (g *group) countedByBawaslu() bool {
	return g.opened <= endOfBawaslu && g.mixes[0].fates != "D"
}

// Counts of the plan beside the groups.
const (
	reports      = 61 // of the cases that bws20 counts
	governors    = 10 // admonished
	regents      = 48
	mayors       = 9
	byGovernors  = 16 // recommendations to them
	byRegents    = 104
	byMayors     = 11
	unblocked21  = 44 // unblocked between the end of 2020 and 10 August 2021
	confirmed    = 25 // decrees that KASN recorded too, at most
	disputed     = 2  // and recorded otherwise
	leftService  = 3
	cancelled    = 2
	earlyHeads   = 12 // regional heads that were admonished on 5 October
	doubleLetter = 8  // letters about two cases
)

// blockedRegents are the regional offices of the regents in whose regencies
// somebody is blocked on 26 November.
var blockedRegents = []string{"IV", "IV", "IV", "IV", "IV", "IX", "IX", "III", "XII"}
