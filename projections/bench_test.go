package projections

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/simulate"
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
	for name, book := range map[string]*book{"no rules": year(cases), "rules": yearUnderRules(cases)} {
		b.Run(name, func(b *testing.B) { benchCatchUp(b, url, book) })
	}
}

// yearUnderRules is year after the regimes and holidays of the demonstration were
// published, so that each event moves deadlines.
func yearUnderRules(cases int) *book {
	b := newBook(ledger.Date("2020-01-01").Start())
	b.genesis(3)
	for _, g := range simulate.Regimes() {
		b.add(ledger.RegimePublishedKind, 1, ledger.KemenPANRB, g.ID, b.recorded, g)
	}
	for _, h := range simulate.Holidays() {
		b.add(ledger.HolidaysPublishedKind, 1, ledger.KemenPANRB, h.Subject(), b.recorded, h)
	}
	for _, r := range year(cases).records[1:] {
		r.Position = ledger.Position(len(b.records) + 1)
		b.records = append(b.records, r)
	}
	return b
}

func benchCatchUp(b *testing.B, url string, book *book) {
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

// BenchmarkRules publishes a regime, then holidays, over the rows of a year of
// cases: each row is looked at, and what is owed is written anew where it moves.
func BenchmarkRules(b *testing.B) {
	url := testkit.DB(b)
	book := yearUnderRules(6_000)
	last := book.records[len(book.records)-1]
	book.recorded = last.Recorded
	at := len(book.records)
	book.add(ledger.RegimePublishedKind, 1, ledger.KemenPANRB, "again", book.recorded, ledger.Regime{ID: "again", From: "2020-06-01", Deadlines: deadlines(5)})
	book.add(ledger.HolidaysPublishedKind, 1, ledger.KemenPANRB, "holidays-2020", book.recorded, ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-05-01"}})
	conn := connectTo(b, url)
	var spent [2]time.Duration
	n := 0
	for b.Loop() {
		dropTables(b, conn)
		project(b, url, until(book.feed(1000), ledger.Position(at)))
		for i := range spent {
			began := time.Now()
			project(b, url, until(book.feed(1000), ledger.Position(at+1+i)))
			spent[i] += time.Since(began)
		}
		n++
	}
	rows, err := strconv.Atoi(one(b, conn, "SELECT count(*) FROM projection.respondent_history WHERE recorded_to = 9223372036854775807"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(rows*n)/spent[0].Seconds(), "regime-rows/s")
	b.ReportMetric(float64(rows*n)/spent[1].Seconds(), "holiday-rows/s")
	began := time.Now()
	listed := one(b, conn, "SELECT count(*) FROM laporan.deadlines")
	b.Logf("%s deadlines listed in %v", listed, time.Since(began))
}
