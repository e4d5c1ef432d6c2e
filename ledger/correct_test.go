package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestEffectiveLong: in a long history, where places are looked up, corrections
// mean what they mean in a short one.
func TestEffectiveLong(t *testing.T) {
	const events = 300
	begin := time.Date(2020, 9, 1, 3, 0, 0, 0, time.UTC)
	var history []ledger.CaseEvent
	put := func(id string, kind ledger.Kind, payload any) {
		p := ledger.Position(len(history) + 1)
		history = append(history, ledger.CaseEvent{Position: p, Event: ledger.Event{
			ID: id, Kind: kind, Version: 1, Source: ledger.Bawaslu, Time: begin.Add(time.Duration(p) * time.Minute), Payload: payload,
		}})
	}
	correct := func(id string, kind ledger.Kind) {
		put("c-"+id, ledger.EventCorrectedKind, &ledger.EventCorrected{Event: id, Kind: kind, Version: 1, Action: ledger.ActionVoid})
	}
	for i := range events {
		put(fmt.Sprint(i), ledger.EvidenceAttachedKind, &ledger.EvidenceAttached{})
	}
	for i := 0; i < events; i += 3 {
		correct(fmt.Sprint(i), ledger.EvidenceAttachedKind)
	}
	correct("1", ledger.CaseForwardedKind)       // of another kind
	correct("none", ledger.CaseForwardedKind)    // of nothing
	correct("late", ledger.EvidenceAttachedKind) // of what comes after it
	put("late", ledger.EvidenceAttachedKind, &ledger.EvidenceAttached{})
	for i, e := range ledger.Effective(history) {
		if want := i < events && i%3 == 0; e.Void != want {
			t.Errorf("event %d, %s %s: void is %v", i, e.Kind, e.ID, e.Void)
		}
		if history[i].Void {
			t.Fatalf("the history itself was changed at %d", i)
		}
	}
}
