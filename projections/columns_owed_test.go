package projections

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestOrderOfWhatIsOwed: what is found in numbers is, in its order, what is
// pending as the ledger says it, and so are the obligations that a page names.
func TestOrderOfWhatIsOwed(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	reader := openColumnReader(t, url, 9, 4)
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		publish(t, b)
		dropTables(t, conn)
		applyInParts(t, url, b)
		awaitColumns(t, reader)
		s := reader.columns.now.Load()
		for range rapid.IntRange(3, 15).Draw(t, "questions") {
			q := WorkQuery{
				Agency: pick(t, "agency", "", "", ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.Kemendagri),
				AsOf:   drawMoment(t, b), KnownAt: ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at")),
			}
			rules := b.rules(q.KnownAt)
			o, err := s.order(t.Context(), q, rules, &reader.columns.due)
			if o == nil || err != nil {
				t.Fatal("it was left to the definition: ", err)
			}
			want := b.obligations(q)
			var places []owedPlace
			for i := range want {
				places = append(places, placeOf(uuid.MustParse(want[i].Case), &want[i]))
			}
			if !slices.Equal(o.places, places) {
				t.Fatalf("%+v: %v, the ledger says %v", q, o.places, places)
			}
			q.Offset, q.Limit = rapid.IntRange(0, 3).Draw(t, "offset"), rapid.IntRange(1, 20).Draw(t, "limit")
			page, err := s.namePage(o, q, rules)
			if err != nil {
				t.Fatal(err)
			}
			want = want[min(q.Offset, len(want)):]
			want = want[:min(q.Limit, len(want))]
			if len(page)+len(want) > 0 && !reflect.DeepEqual(page, want) {
				t.Fatalf("%+v: %+v, the ledger says %+v", q, page, want)
			}
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
