package projections

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// year records a year of cases as they are handled side by side: eight events
// each, over three months.
func year(cases int) *book {
	type planned struct {
		at   time.Time
		id   string
		what act
	}
	letter, authority := letters[0], authorities[0]
	way := []act{
		{ledger.CaseOpenedKind, 1, ledger.Bawaslu, ledger.CaseOpened{
			Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2020,
			Act: ledger.Act{Date: "2020-01-01", Region: "73.71"}, Items: []string{"social-media"},
			Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
		}},
		{ledger.CaseRegisteredKind, 1, ledger.Bawaslu, ledger.CaseRegistered{Register: "1/2020"}},
		{ledger.CaseAssessedKind, 1, ledger.Bawaslu, ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2020, Respondents: []ledger.AssessedRespondent{{ID: "r1", Outcome: ledger.OutcomeViolation}}}},
		{ledger.CaseForwardedKind, 1, ledger.Bawaslu, ledger.CaseForwarded{To: ledger.KASN, Letter: letter, Copies: agencies[2:3]}},
		{ledger.CaseReceivedKind, 1, ledger.KASN, ledger.CaseReceived{From: ledger.Bawaslu}},
		{ledger.CaseRecommendedKind, 1, ledger.KASN, ledger.CaseRecommended{Letter: letter, Sent: letter.Date, Authority: authority, Respondents: []ledger.RecommendedRespondent{{ID: "r1", Family: ledger.FamilyDiscipline, Sanction: "medium"}}}},
		{ledger.ExaminationBegunKind, 1, ledger.BKN, ledger.ExaminationBegun{}},
		{ledger.DecisionRecordedKind, 1, ledger.BKN, ledger.DecisionRecorded{Decree: letter, Respondents: []ledger.DecidedRespondent{{ID: "r1", Outcome: ledger.OutcomeSanctioned, Family: ledger.FamilyDiscipline, Level: "medium", Kind: "promotion-held-1y"}}}},
	}
	start := ledger.Date("2020-01-01").Start()
	var plan []planned
	for n := range cases {
		at := start.Add(time.Duration(n) * (365 * day / time.Duration(cases)).Truncate(time.Millisecond))
		for i, what := range way {
			plan = append(plan, planned{at, caseNumber(n), what})
			at = at.Add(time.Duration(5+(n*7+i*3)%16) * day)
		}
	}
	slices.SortStableFunc(plan, func(a, b planned) int { return a.at.Compare(b.at) })
	b := newBook(start)
	b.genesis(3)
	for _, p := range plan {
		b.recorded = p.at
		b.add(p.what.kind, 1, p.what.source, p.id, p.at, p.what.payload)
	}
	return b
}

// BenchmarkCatchUp compares catching up with COPY of the same rows.
// BERKAS_BENCH_URL names a database to use instead of the tests' own, which does
// not wait for the disk.
func BenchmarkCatchUp(b *testing.B) {
	url := os.Getenv("BERKAS_BENCH_URL")
	if url == "" {
		url = testkit.DB(b)
	}
	cases := 12_500
	if s := os.Getenv("BERKAS_BENCH_CASES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		cases = n
	}
	book := year(cases)
	var sum CatchUp
	n := 0.0
	for b.Loop() {
		m, err := MeasureCatchUp(b.Context(), Config{URL: url}, book.feed(1000), ledger.Position(len(book.records)))
		if err != nil {
			b.Fatal(err)
		}
		sum.Project += m.Project
		sum.Copy += m.Copy
		sum.Records, sum.Rows, sum.Bytes = m.Records, m.Rows, m.Bytes
		n++
	}
	b.ReportMetric(float64(sum.Records)*n/sum.Project.Seconds(), "records/s")
	b.ReportMetric(float64(sum.Rows)*n/sum.Project.Seconds(), "rows/s")
	b.ReportMetric(float64(sum.Rows)*n/sum.Copy.Seconds(), "copied-rows/s")
	b.ReportMetric(float64(sum.Bytes)/float64(sum.Rows), "bytes/row")
	b.ReportMetric(sum.Ratio(), "ratio")
}
