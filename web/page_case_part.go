package web

import (
	"slices"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
)

// A case has some dozens of records. One that has many is shown in parts, so that no
// case makes a page without end; what a part leaves out is a link away.

// mostShown is how many records of a case a page lists.
const mostShown = 200

// part is which of so many are shown: from one, counted from 0, up to another.
type part struct{ from, to, Of int }

// partAround gives the part with one of so many. Parts begin at the same places, however
// many there are, but for the last, which is as long as the others.
func partAround(i, of int) part {
	from := i - i%mostShown
	if from+mostShown > of {
		from = max(0, of-mostShown)
	}
	return part{from, min(from+mostShown, of), of}
}

func (p part) has(i int) bool { return p.from <= i && i < p.to }

// First and Last are counted from 1.
func (p part) First() int { return p.from + 1 }
func (p part) Last() int  { return p.to }

// Whole says that everything is shown.
func (p part) Whole() bool { return p.to-p.from == p.Of }

// partLinks are the ways to the other parts; "" where there are none.
type partLinks struct{ First, Before, After, Last string }

// links leads to the parts around one, by the address of each place.
func (p part) links(address func(i int) string) (out partLinks) {
	if p.from > 0 {
		out.First, out.Before = address(0), address(p.from-1)
	}
	if p.to < p.Of {
		out.After, out.Last = address(p.to), address(p.Of-1)
	}
	return out
}

// decodeEvents reads a case's records, in the order in which they were recorded.
func decodeEvents(records []ledger.Record) ([]ledger.CaseEvent, error) {
	out := make([]ledger.CaseEvent, 0, len(records))
	for _, r := range records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			return nil, err
		}
		out = append(out, ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	return out, nil
}

// inOrder puts a case's events in the order of the case. Where they come sorted by time
// Insert has next to nothing to move; a case that was recorded backwards would make it
// move everything for each of them.
func inOrder(events []ledger.CaseEvent) []ledger.CaseEvent {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b ledger.CaseEvent) int { return a.Time.Compare(b.Time) })
	history := make([]ledger.CaseEvent, 0, len(sorted))
	for _, e := range sorted {
		history = ledger.Insert(history, e)
	}
	return history
}

// upTo keeps what had been recorded up to a position; 0: everything.
func upTo(known ledger.Position, history []ledger.CaseEvent) []ledger.CaseEvent {
	if known == 0 {
		return history
	}
	return slices.DeleteFunc(slices.Clone(history), func(e ledger.CaseEvent) bool { return e.Position > known })
}

// To is the address of a record of this case, on this page or on another part of it.
func (p *casePage) To(at ledger.Position) string {
	anchor := "#p" + strconv.FormatUint(uint64(at), 10)
	if i, shown := p.places[at]; shown && !p.Part.has(i) {
		return p.partAt(at) + anchor
	}
	return anchor
}

// partAt is the address of the part with a record, seen from the same two times.
func (p *casePage) partAt(at ledger.Position) string {
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent, AsOf: p.AsOf}}
	if p.KnownAt != 0 {
		q.Known = strconv.FormatUint(uint64(p.KnownAt), 10)
	}
	return q.address(p.Now, "at", strconv.FormatUint(uint64(at), 10))
}
