package simulate

import (
	"bytes"
	"context"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// What agencies publish is what the ledger said at that moment by
// ledger.Count, save the tables that are meant to be wrong.
func TestTablesSayWhatTheLedgerSaid(t *testing.T) {
	l := simulated(250, 21, "2024-12-31")
	due := issues(newDraw(l.Seed, 11), l.Until)
	cases := map[string][]ledger.CaseEvent{}
	rows := map[string][]ledger.Row{}
	right, wrong, again := 0, 0, 0
	for _, r := range all(t, l)[1:] {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		if id := r.CaseID(); id != "" {
			cases[id] = ledger.Insert(cases[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
			rows[id] = ledger.History(cases[id])
			continue
		}
		p, ok := e.Payload.(*ledger.FiguresPublished)
		if !ok {
			continue
		}
		issue := due[0]
		due = due[1:]
		if issue.by != p.Publisher || issue.again != (p.Restates != "") {
			t.Fatalf("%s is published where %+v was due", p.Table, issue)
		}
		var now []ledger.Row
		for _, list := range rows {
			now = append(now, list...)
		}
		for _, f := range p.Figures {
			count := ledger.Count(now, query(t, f, p.Publisher))
			switch {
			case issue.wrong:
				if wrong++; count == f.Value {
					t.Errorf("%s is meant to be wrong: %s", p.Table, f.Measure)
				}
			case count != f.Value:
				t.Errorf("%s of %s says %d, the ledger %d: %+v", p.Table, f.AsOf, f.Value, count, f)
			default:
				right++
			}
		}
		if issue.again {
			again++
		}
	}
	if len(due) > 0 || right < 300 || wrong < 20 || again < 10 {
		t.Errorf("%d figures are right, %d wrong, %d tables restated, %d missing", right, wrong, again, len(due))
	}
	t.Logf("%d figures are right, %d wrong, %d tables restated", right, wrong, again)
}

// The same values give the same bytes, other seeds others; a longer course
// does not give the same either, since its cases are spread over more days.
func TestCourseIsRepeatable(t *testing.T) {
	lines := func(c Course) []byte {
		var out bytes.Buffer
		if err := c.Lines(t.Context(), &out, nil); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	c := Course{Cases: 300, Seed: 4, Until: "2025-12-31"}
	one := lines(c)
	if !bytes.Equal(one, lines(c)) {
		t.Error("the same seed gives other lines")
	}
	c.Seed = 5
	if bytes.Equal(one, lines(c)) {
		t.Error("another seed gives the same lines")
	}
	l := simulated(200, 4, "2025-12-31")
	first, second := all(t, l), all(t, l)
	if len(first) != len(second) {
		t.Fatalf("%d and %d records", len(first), len(second))
	}
	for i := range first {
		if !bytes.Equal(first[i].Leaf(), second[i].Leaf()) {
			t.Fatalf("position %d differs", i+1)
		}
	}
	var rest []ledger.Record
	if err := l.Feed()(t.Context(), 1500, func(list []ledger.Record) error {
		rest = append(rest, list...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(rest) != len(first)-1500 || rest[0].Position != 1501 {
		t.Errorf("a feed from 1500 has %d records from %d", len(rest), rest[0].Position)
	}
}

// A feed ends when its reader or its context does, and leaves nothing running.
func TestFeedEnds(t *testing.T) {
	l := simulated(20_000, 4, "2025-12-31")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := l.Feed()(ctx, 0, func(list []ledger.Record) error {
		if n += len(list); n > 3000 {
			cancel()
		}
		return nil
	})
	if err != nil || n > 20_000 {
		t.Errorf("after %d records: %v", n, err)
	}
}

// A course without sense is refused; every seed and any number of cases gives
// records that stand for themselves.
func FuzzCourse(f *testing.F) {
	f.Add(uint64(0), 1, "2020-03-31")
	f.Add(uint64(1), 40, "2024-09-04")
	f.Add(^uint64(0), 3, "2035-12-31")
	f.Add(uint64(9), 0, "2026-02-30")
	f.Fuzz(func(t *testing.T, seed uint64, cases int, until string) {
		l := simulated(cases, seed, ledger.Date(until))
		if l.Check() != nil || cases > 200 {
			return
		}
		opened := 0
		for _, r := range all(t, l) {
			again, err := ledger.ParseLeaf(r.Leaf())
			if err != nil || again.Position != r.Position {
				t.Fatalf("position %d: %v", r.Position, err)
			}
			e, err := ledger.DecodeRecord(r)
			if err != nil {
				t.Fatal(err)
			}
			if _, bad := ledger.Decode(r.Body); bad != nil && e.Source != ledger.Registrar {
				t.Fatalf("position %d: %v", r.Position, bad)
			}
			if e.Time.After(r.Recorded) || !r.Recorded.Before(l.Until.End().Add(1)) {
				t.Fatalf("position %d happened %v and is recorded %v", r.Position, e.Time, r.Recorded)
			}
			if e.Kind == ledger.CaseOpenedKind {
				opened++
			}
		}
		if opened != cases {
			t.Errorf("%d cases, want %d", opened, cases)
		}
	})
}
