package projections

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestManyCodes: rules with more codes than numbers tell apart are asked of the
// definition, for what is owed, for pages of it, and for the backlog with its trend.
func TestManyCodes(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(ledger.Date("2020-01-01").Start())
	b.genesis(3)
	g := ledger.Regime{ID: "many", Deadlines: deadlines(5)}
	for i := range 64 {
		g.Deadlines = append(g.Deadlines, ledger.Deadline{
			Code: fmt.Sprintf("code-%02d", i), From: ledger.MilestoneRegistered, To: ledger.Milestones[i%7+4 : i%7+5], OwedBy: ledger.OwedByHolder, Length: &ledger.Length{Days: 1 + i},
		})
	}
	b.add(ledger.RegimePublishedKind, 1, ledger.KemenPANRB, g.ID, b.recorded, g)
	for _, r := range year(8).records[1:] {
		r.Position = ledger.Position(len(b.records) + 1)
		b.records = append(b.records, r)
	}
	reader := openColumnReader(t, url, 100, 40)
	project(t, url, b.feed(100))
	awaitColumns(t, reader)
	first, last := b.records[0].Recorded, b.records[len(b.records)-1]
	for _, at := range []time.Time{first.Add(last.Recorded.Sub(first) / 2), last.Recorded} {
		q := BacklogQuery{AsOf: at, KnownAt: last.Position, Longest: 5, Trend: []time.Time{at.AddDate(0, -2, 0), at}}
		got, err := reader.Backlog(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if compareBacklog(t, got, b); got.All.Pending == 0 {
			t.Error("nothing is owed")
		}
		work := WorkQuery{AsOf: at, KnownAt: last.Position, Offset: 3, Limit: 4}
		list, err := reader.WorkList(t.Context(), work)
		if err != nil {
			t.Fatal(err)
		}
		if want := b.obligations(work); list.Total != len(want) || !reflect.DeepEqual(list.Obligations, want[3:7]) {
			t.Errorf("of %d, not %d: %+v\nthe ledger says %+v", list.Total, len(want), list.Obligations, want[3:7])
		}
	}
	if c := reader.columns; c.now.Load().rulebook(b.rules(last.Position), "", &c.rules).fits {
		t.Fatal("there were not more codes than numbers tell apart")
	}
}

// TestDueOnTheFirstDay: the day from which days are counted is one like any other.
func TestDueOnTheFirstDay(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay)
	b.genesis(5)
	b.add(ledger.RegimePublishedKind, 1, ledger.KemenPANRB, "old", b.recorded, ledger.Regime{ID: "old", Deadlines: []ledger.Deadline{
		{Code: "decision", From: "sent", To: []ledger.Milestone{"decided"}, OwedBy: "appointing-authority", Length: &ledger.Length{Days: 14}},
	}})
	for n, sent := range []ledger.Date{"1969-12-18", "1969-12-19"} {
		at, letter := sent.Start().Add(time.Hour), ledger.Letter{Number: fmt.Sprintf("R-%d/1969", n), Date: sent}
		b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(n+1), at.Add(-time.Minute), ledger.CaseOpened{
			Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2020,
			Act: ledger.Act{Date: sent, Region: "73.71"}, Items: []string{"ethics-1"},
			Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
		})
		b.add(ledger.CaseRecommendedKind, 1, ledger.KASN, caseNumber(n+1), at, ledger.CaseRecommended{
			Letter: letter, Sent: sent, Authority: authorities[0], Respondents: []ledger.RecommendedRespondent{{ID: "r1", Family: ledger.FamilyDiscipline, Sanction: "medium"}},
		})
	}
	reader := openColumnReader(t, url, 100, 40)
	project(t, url, b.feed(100))
	awaitColumns(t, reader)
	got, err := reader.Backlog(t.Context(), BacklogQuery{Longest: 2})
	if err != nil {
		t.Fatal(err)
	}
	compareBacklog(t, got, b)
	if len(got.Authorities) != 1 || got.Authorities[0].OldestDue != firstDay70 {
		t.Errorf("the first was due on %s: %+v", firstDay70, got.Authorities)
	}
}
