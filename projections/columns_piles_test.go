package projections

import (
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestPilesAnswerAsTheLedger: sums of many blocks say of steps what the ledger's
// rows do, less who is in the midst of his case, was recorded about later, or stands
// elsewhere since.
func TestPilesAnswerAsTheLedger(t *testing.T) {
	url := testkit.DB(t)
	b := demo(t)
	part := &book{records: b.records[:len(b.records)-300], recorded: b.recorded, events: b.events}
	project(t, url, part.feed(1000))
	r := openColumnReader(t, url, 1000, 100)
	awaitColumns(t, r)
	blocks := r.columns.now.Load().base
	if blocks < 2*pileBlocks {
		t.Fatalf("%d blocks are too few", blocks)
	}
	ask := func(b *book, moments int) {
		var turns []time.Time
		for _, row := range b.rows(ledger.Position(len(b.records))) {
			turns = append(turns, row.From)
		}
		slices.SortFunc(turns, time.Time.Compare)
		for i := range moments {
			known := ledger.Position(len(b.records) - i%3*len(b.records)/20)
			rows := b.rows(known)
			q := ledger.Query{Unit: ledger.UnitRespondent, AsOf: turns[len(turns)-1-i*len(turns)/40].Add(time.Hour), KnownAt: known}
			for _, by := range []string{"", "province", "seen-by", "item", "family"}[:2+i%4] {
				if by == "seen-by" {
					continue // is no dimension
				}
				sameWaits(t, r, rows, q, askedSteps, by)
			}
			q.SeenBy = ledger.BKN
			sameWaits(t, r, rows, q, askedSteps, "")
			q.Filter = map[string]string{"office": "IV"}
			sameWaits(t, r, rows, q, askedSteps, "") // of two attributes
			q.SeenBy = ""
			sameWaits(t, r, rows, q, askedSteps, "")
		}
	}
	ask(part, 12)
	kept := 0
	for _, p := range r.columns.piles.by {
		for _, s := range p.sums {
			kept += len(s.sums)
		}
	}
	if kept == 0 {
		t.Fatal("no question took sums")
	}
	project(t, url, b.feed(1000)) // some cases stand elsewhere now
	awaitColumns(t, r)
	ask(b, 6)
	dropped := r.columns.now.Load()
	r.columns.drop(t.Context(), dropped, "a test wants it")
	if _, err := r.columns.durations(t.Context(), dropped, ledger.Query{Unit: ledger.UnitRespondent, AsOf: turnsEnd, KnownAt: dropped.position}, askedSteps, ""); err != nil {
		t.Error(err)
	}
	if n := len(r.columns.piles.by); n > 0 {
		t.Errorf("%d piles hold on to columns that were dropped", n)
	}
	awaitColumns(t, r)
	ask(b, 3)
}

// turnsEnd is after everything that happened.
var turnsEnd = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
