package simulate

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

const origin = "ledger.example/pilkada-2020"

// told is a history taken in as the registrar would, but for signatures and
// mandates.
type told struct {
	steps    []Step
	cases    map[string][]ledger.CaseEvent
	regimes  []ledger.Regime
	contests []ledger.Contest
	figures  []ledger.FiguresPublished
}

// take folds a history. Every step must be in the one form, fit its schema, hold
// nothing personal in clear, and be allowed at its place in its case.
func take(t *testing.T, steps iter.Seq2[Step, error]) told {
	t.Helper()
	v, err := schemas.New()
	if err != nil {
		t.Fatal(err)
	}
	out := told{cases: map[string][]ledger.CaseEvent{}}
	for s, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
		out.steps = append(out.steps, s)
		e, bad := ledger.Decode(s.Submission.Body)
		if bad == nil {
			bad = v.Refusal(e.Kind, e.Version, e.Data)
		}
		if bad == nil {
			bad = ledger.CheckSealed(e)
		}
		if bad != nil {
			t.Fatalf("%s: %v\n%s", s.Kind, bad, s.Body)
		}
		if e.Payload, err = ledger.DecodePayload(e.Kind, e.Version, e.Data); err != nil {
			t.Fatal(err)
		}
		if e.Source != s.Submission.Agency || e.ID != s.ID || !e.Time.Equal(s.Time) || e.Subject != s.Subject {
			t.Fatalf("step and event differ: %+v", s.Draft)
		}
		switch p := e.Payload.(type) {
		case *ledger.Regime:
			out.regimes = append(out.regimes, *p)
		case *ledger.Contest:
			out.contests = append(out.contests, *p)
		case *ledger.Holidays: // no step of a case waits for them
		case *ledger.FiguresPublished:
			out.figures = append(out.figures, *p)
		default:
			out.place(t, ledger.CaseEvent{Position: ledger.Position(len(out.steps)), Event: e})
		}
	}
	return out
}

func (h *told) lawAt(at time.Time) ledger.Law {
	for _, r := range h.regimes {
		if (r.From == "" || !at.Before(r.From.Start())) && (r.Until == "" || at.Before(r.Until.Start())) {
			return ledger.Law{At: at, Regime: r, Heirs: []ledger.Grant{
				{Agency: ledger.KemenPANRB, Mandate: ledger.MandateClarification, From: "2024-09-04", Scope: ledger.ScopePredecessor, Predecessor: ledger.KASN},
			}}
		}
	}
	panic("no regime at " + at.String())
}

func (h *told) place(t *testing.T, e ledger.CaseEvent) {
	t.Helper()
	history := h.cases[e.Subject]
	if bad := ledger.CheckVersion(ledger.Fold(history), e.Event); bad != nil {
		t.Fatalf("%s: %v", e.Kind, bad)
	}
	if p, ok := e.Payload.(*ledger.CaseOpened); ok {
		if !slices.ContainsFunc(h.contests, func(c ledger.Contest) bool { return c.ID == p.Contest }) {
			t.Fatalf("a case of %s, which is not published", p.Contest)
		}
		if !p.Act.Date.Start().Before(e.Time) {
			t.Errorf("an act of %s in a case opened %v", p.Act.Date, e.Time)
		}
	}
	if _, bad := ledger.Place(history, e, h.lawAt); bad != nil {
		t.Fatalf("%s at %v: %v\n%s", e.Kind, e.Time, bad, e.Data)
	}
	if n := len(history); n > 0 && !history[n-1].Time.Before(e.Time) {
		t.Errorf("%s at %v does not come after the event before", e.Kind, e.Time)
	}
	h.cases[e.Subject] = ledger.Insert(history, e)
}

// rowsOf folds a history without judging it.
func rowsOf(t *testing.T, seed uint64) []ledger.Row {
	t.Helper()
	cases := map[string][]ledger.CaseEvent{}
	n := ledger.Position(0)
	for s, err := range Pilkada2020(Config{Origin: origin, Seed: seed}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		e, bad := ledger.Decode(s.Body)
		if bad != nil {
			t.Fatal(bad)
		}
		if e.Payload, err = ledger.DecodePayload(e.Kind, e.Version, e.Data); err != nil {
			t.Fatal(err)
		}
		if info, _ := ledger.LookupKind(e.Kind, e.Version); info.Stream == ledger.StreamCase {
			cases[e.Subject] = ledger.Insert(cases[e.Subject], ledger.CaseEvent{Position: n, Event: e})
		}
	}
	return rows(cases)
}

func rows(cases map[string][]ledger.CaseEvent) (out []ledger.Row) {
	for _, events := range cases {
		out = append(out, ledger.History(events)...)
	}
	return out
}

func query(t *testing.T, f ledger.FigureV1, publisher ledger.AgencyID) ledger.Query {
	t.Helper()
	m, err := ledger.ParseMeasures(f.Measure)
	if err != nil {
		t.Fatal(err)
	}
	q := ledger.Query{Measures: m, Unit: f.Unit, Filter: f.Filter, SeenBy: publisher, AsOf: f.AsOf.End()}
	if f.Since != "" {
		q.Since = f.Since.End()
	}
	if err := q.Validate(); err != nil {
		t.Fatal(err)
	}
	return q
}

// differences compares every line of a table with what the rows count.
func differences(t *testing.T, rows []ledger.Row, p ledger.FiguresPublished) (out []string) {
	t.Helper()
	for _, f := range p.Figures {
		if got := ledger.Count(rows, query(t, f, p.Publisher)); got != f.Value {
			out = append(out, fmt.Sprintf("%s: %s of %s %v as of %s: %d, published %d", p.Table, f.Measure, f.Unit, f.Filter, f.AsOf, got, f.Value))
		}
	}
	return out
}

var tables = []string{"bws20", "mdn20", "bkn20", "bkn20lakip"}

// The promise of the example: every line of the four published tables, as the
// files in examples have them, is what the history counts, whatever the seed.
func TestHistoryAgreesWithThePublishedTables(t *testing.T) {
	for _, seed := range []uint64{0, 1, 2020} {
		rows := rowsOf(t, seed)
		lines := 0
		for _, table := range tables {
			p := readTable(t, table)
			lines += len(p.Figures)
			for _, d := range differences(t, rows, p) {
				t.Errorf("seed %d, %s", seed, d)
			}
		}
		if lines != 32 {
			t.Errorf("%d lines compared, want 32", lines)
		}
	}
}

// TestHistory looks from all sides at the history that the demo records.
func TestHistory(t *testing.T) {
	h := take(t, Pilkada2020(Config{Origin: origin, Seed: 2020}))
	t.Run("one off is found", func(t *testing.T) { oneOffIsFound(t, rows(h.cases)) })
	t.Run("agrees with the sources' text", func(t *testing.T) { agreesWithText(t, rows(h.cases)) })
	t.Run("is in order", func(t *testing.T) { isInOrder(t, h) })
	t.Run("is plausible", func(t *testing.T) { isPlausible(t, h) })
}

// The comparison can fail: each number that is off by one is found.
func oneOffIsFound(t *testing.T, rows []ledger.Row) {
	for _, table := range tables {
		p := readTable(t, table)
		for i, f := range p.Figures {
			f.Value++
			p := ledger.FiguresPublished{Table: table, Publisher: p.Publisher, Figures: []ledger.FigureV1{f}}
			if d := differences(t, rows, p); len(d) != 1 {
				t.Errorf("%s, line %d changed: %d differences", table, i+2, len(d))
			}
		}
	}
}

// readTable reads a file of examples as one that checks it by hand would.
func readTable(t *testing.T, table string) ledger.FiguresPublished {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "examples", "published", table+".tsv"))
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := publishedFiles.ReadFile("data/" + table + ".tsv")
	if err != nil || !bytes.Equal(raw, embedded) {
		t.Fatalf("%s.tsv differs from the embedded one, %v", table, err)
	}
	p, err := Published(table)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(raw, []byte("\n")) - 1; n != len(p.Figures) {
		t.Fatalf("%s.tsv has %d lines, %d were read", table, n, len(p.Figures))
	}
	return p
}

// What the sources tell besides the tables.
func agreesWithText(t *testing.T, rows []ledger.Row) {
	for _, x := range []struct {
		asOf    ledger.Date
		measure string
		filter  map[string]string
		want    uint64
	}{
		{"2021-08-10", "blocked", nil, 16},
		{"2021-08-10", "sanctioned", nil, 711},
		{"2021-08-10", "opened", nil, 1005},
		{"2020-11-26", "followed_up", nil, 580},
		{"2020-11-26", "decided_not_proven", nil, 0},
		{"2020-12-31", "ppk_in_process", nil, 0},
	} {
		f := ledger.FigureV1{AsOf: x.asOf, Unit: ledger.UnitRespondent, Measure: x.measure, Filter: x.filter}
		if got := ledger.Count(rows, query(t, f, ledger.BKN)); got != x.want {
			t.Errorf("%s as of %s: %d, want %d", x.measure, x.asOf, got, x.want)
		}
	}
	// The eight unblocked are all among the sanctioned.
	at := ledger.Date("2020-11-26").End()
	for _, r := range rows {
		if !r.From.After(at) && (r.To.IsZero() || r.To.After(at)) && !r.Began[ledger.Unblocked].IsZero() && r.Began[ledger.Sanctioned].IsZero() {
			t.Errorf("%s of %s is unblocked and not sanctioned", r.Respondent, r.Case)
		}
	}
}

func TestPlanAddsUp(t *testing.T) {
	var opened, forwarded, seenCases, seen int
	fates := map[fate]int{}
	for _, g := range plan {
		for _, m := range g.mixes {
			if g.countedByBawaslu() {
				opened += m.cases
				if g.left.until <= endOfBawaslu && strings.ContainsAny(m.fates, "SUEXKJPIW") {
					forwarded += m.cases
				}
			}
			if g.copied {
				seenCases += m.cases
				seen += m.cases * len(m.fates)
				for _, f := range m.fates {
					fates[fate(f)] += m.cases
				}
			}
		}
	}
	got := fmt.Sprint(opened, forwarded, seenCases, seen, fates[sanctioned]+fates[lifted], fates[lifted],
		fates[examined]+fates[late], fates[blocked]+fates[december], fates[late]-fates[december]+26,
		fates[notViolation], fates[notProven], fates[incomplete], fates[waiting])
	if want := "805 719 748 1005 580 8 121 26 60 25 110 20 123"; got != want {
		t.Errorf("the plan adds up to %s, want %s", got, want)
	}
}
