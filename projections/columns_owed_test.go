package projections

import (
	"cmp"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// checkOrder: what is found in numbers is, in its order, what is pending as the
// ledger says it, and so are the obligations that a page names.
func checkOrder(t *rapid.T, r *Reader, b *book) {
	s := r.columns.now.Load()
	for range rapid.IntRange(3, 15).Draw(t, "questions") {
		q := WorkQuery{
			Agency: pick(t, "agency", "", "", ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.Kemendagri),
			AsOf:   drawMoment(t, b), KnownAt: ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at")),
		}
		q.All = rapid.Bool().Draw(t, "all")
		a := owedAsked{s, q, b.rules(q.KnownAt), &r.columns.rules, rapid.SampledFrom([]int{1, 4, fewOwed}).Draw(t, "few")}
		o, err := a.order(t.Context())
		if o == nil || err != nil {
			t.Fatal("it was left to the definition: ", err)
		}
		want := b.obligations(q)
		places := []owedPlace{}
		for i := range want {
			places = append(places, placeOf(uuid.MustParse(want[i].Case), &want[i]))
		}
		n := len(o.places)
		if n > len(places) || n == 0 && len(places) > 0 || n < len(places) && (a.few == fewOwed || places[n-1].slot() == places[n].slot()) ||
			!slices.Equal(o.places, places[:n]) || !slices.IsSortedFunc(places, func(a, b owedPlace) int { return cmp.Compare(a.slot(), b.slot()) }) {
			t.Fatalf("%+v: %v, the ledger says %v", q, o.places, places)
		}
		o.places = places
		checkSlots(t, &a, o)
		q.Offset, q.Limit = rapid.IntRange(0, 3).Draw(t, "offset"), rapid.IntRange(1, 20).Draw(t, "limit")
		from := min(q.Offset, len(o.places))
		page, err := a.namePage(t.Context(), &owedWindow{places: o.places}, from, min(from+q.Limit, len(o.places)))
		if err != nil {
			t.Fatal(err)
		}
		want = want[min(q.Offset, len(want)):]
		want = want[:min(q.Limit, len(want))]
		if len(page)+len(want) > 0 && !reflect.DeepEqual(page, want) {
			t.Fatalf("%+v: %+v, the ledger says %+v", q, page, want)
		}
	}
}

// checkSlots: the places of some slots, listed alone, are those of the order.
func checkSlots(t *rapid.T, a *owedAsked, o *owedOrder) {
	lo := rapid.IntRange(0, len(o.slots)).Draw(t, "from slot")
	if len(o.places) > 0 {
		p := pick(t, "of", o.places...)
		lo = p.slot()
	}
	hi := rapid.IntRange(lo, len(o.slots)).Draw(t, "to slot")
	parts, err := a.find(t.Context(), a.rulebook(a.rules, a.q.Agency, a.memo), lo, hi, 1000)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(o.places), func(p owedPlace) bool { return p.slot() < lo || p.slot() >= hi })
	if got := mergedPlaces(parts); !slices.Equal(got, want) {
		t.Fatalf("%+v: slots %d to %d hold %v, not %v", a.q, lo, hi, got, want)
	}
}

// TestWindows: stretches cover the order without a gap, and none but that of one
// day has more than a few.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := owedOrder{slots: rapid.SliceOfN(rapid.SampledFrom([]int32{0, 0, 1, 9, fewOwed / 3, fewOwed, 2 * fewOwed}), 1, 20).Draw(t, "slots")}
		for _, n := range o.slots {
			o.total += int(n)
		}
		for at, slot := 0, 0; at < o.total; {
			w, n := o.window(at, fewOwed), 0
			for _, in := range o.slots[w.lo:w.hi] {
				n += int(in)
			}
			if w.first != at || w.lo != slot || n == 0 || n > fewOwed && n > int(slices.Max(o.slots[w.lo:w.hi])) || o.window(at+n-1, fewOwed).lo != w.lo {
				t.Fatalf("%v: %d places from %d stand in %+v", o.slots, n, at, w)
			}
			at, slot = at+n, w.hi
		}
	})
}

// TestOddIsLeftToTheDefinition: due days that numbers do not hold are owed
// as the ledger says.
func TestOddIsLeftToTheDefinition(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	reader := openColumnReader(t, url, 9, 4)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		far := ledger.Regime{ID: "far", Deadlines: []ledger.Deadline{
			{Code: "far", From: "opened", To: []ledger.Milestone{"registered"}, OwedBy: "holder", Length: &ledger.Length{Days: 2 * latestDayKept}},
			{Code: "near", From: "registered", To: []ledger.Milestone{"assessed"}, OwedBy: "holder", Length: &ledger.Length{Days: 3}},
		}}
		publishAt(b, 1, ledger.RegimePublishedKind, "far", far)
		dropTables(t, conn)
		applyInParts(t, url, b)
		awaitColumns(t, reader)
		checkWorkList(t, reader, b)
		checkBacklog(t, reader, b)
	})
}

// TestRightsLapseOnTheirDay: a decree was delivered, and nothing is open but the
// right to object. It is counted and listed to the end of its last day, and no
// longer; so it is when the case was reopened since.
func TestRightsLapseOnTheirDay(t *testing.T) {
	url := testkit.DB(t)
	b := newBook(firstDay.Add(200 * day))
	b.genesis(3)
	on := func(n int) time.Time { return firstDay.Add(time.Duration(n)*day + 9*time.Hour) }
	const last = 20 + 14 // the day on which the right lapses
	b.add(ledger.RegimePublishedKind, 1, ledger.KemenPANRB, "rules", b.recorded, ledger.Regime{ID: "rules", Deadlines: []ledger.Deadline{
		{Code: "decision", From: "sent", To: []ledger.Milestone{"decided"}, OwedBy: "appointing-authority", Length: &ledger.Length{Days: 3}},
		{Code: "delivery", From: "decreed", To: []ledger.Milestone{"delivered"}, OwedBy: "appointing-authority", Length: &ledger.Length{Days: 3}},
		{Code: "objection", From: "sanction-delivered", To: []ledger.Milestone{"objection-filed"}, OwedBy: "respondent", Length: &ledger.Length{Days: 14}, Right: true},
	}})
	opened := ledger.CaseOpened{
		Channel: ledger.ChannelOffice, Origin: ledger.OriginFinding, Contest: "pilkada-2020", Catalogue: ledger.CatalogueSKB2022,
		Act: ledger.Act{Date: "2020-09-01", Region: "73.71"}, Items: items[:1],
		Respondents: []ledger.NewRespondent{{ID: "r1", Employment: "pns", Class: "pelaksana", Institution: institution[0]}},
	}
	decree := ledger.Letter{Number: "SK-9/2020", Date: ledger.DayOf(on(10))}
	for n := 1; n <= 3; n++ {
		b.add(ledger.CaseOpenedKind, 1, ledger.Bawaslu, caseNumber(n), on(0), opened)
		b.add(ledger.DecisionRecordedKind, 1, ledger.BKN, caseNumber(n), on(10), ledger.DecisionRecorded{
			Decree: decree, Respondents: []ledger.DecidedRespondent{{ID: "r1", Outcome: ledger.OutcomeSanctioned, Level: "light"}},
		})
		b.add(ledger.DecisionDeliveredKind, 1, ledger.BKN, caseNumber(n), on(20), ledger.DecisionDelivered{Decree: decree})
	}
	b.add(ledger.ContestPublishedKind, 1, ledger.Bawaslu, "pilkada-2020", b.recorded, ledger.Contest{ID: "pilkada-2020", Kind: "pilkada"})
	project(t, url, b.feed(10))
	for name, r := range bothReaders(t, url) {
		for at, want := range map[time.Time]int{
			on(19): 0, on(21): 3, on(25): 3, ledger.DayOf(on(last)).End(): 3, ledger.DayOf(on(last)).End().Add(time.Microsecond): 0, on(100): 0,
		} {
			backlog, err := r.Backlog(t.Context(), BacklogQuery{AsOf: at, Longest: 3})
			if err != nil {
				t.Fatal(err)
			}
			compareBacklog(t, backlog, b)
			list, err := r.WorkList(t.Context(), WorkQuery{AsOf: at, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			rights := 0
			for _, o := range list.Obligations {
				if o.Right && o.Code == "objection" && o.State == ledger.ObligationOpen {
					rights++
				}
			}
			if backlog.Rights != want || rights != want {
				t.Errorf("%s, as of %v: %d rights are counted, %d listed, not %d", name, at, backlog.Rights, rights, want)
			}
		}
	}
}
