package web

import (
	"context"
	"sync"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// What the roster said at each record of a case: which keys it listed, under which
// grant an agency recorded, which rules were published. The page states what the
// ledger holds and judges nothing: that is for who has a policy.

// rosterStep is a record of the roster.
type rosterStep struct {
	position ledger.Position
	payload  any
}

// rosterSteps keeps the roster's records as long as the roster is the same: they
// are few, and every case page needs them.
type rosterSteps struct {
	mu   sync.Mutex
	of   *roster.Roster
	list []rosterStep
}

// rosterStepsOf gives the roster's records in order, at least those of the current
// roster; none where they cannot be read here.
func (s *Server) rosterStepsOf(ctx context.Context) ([]rosterStep, error) {
	if s.RosterRecords == nil {
		return nil, nil
	}
	s.rosterSteps.mu.Lock()
	defer s.rosterSteps.mu.Unlock()
	current := s.Roster()
	if s.rosterSteps.of == current {
		return s.rosterSteps.list, nil
	}
	records, err := s.RosterRecords(ctx)
	if err != nil {
		return nil, err
	}
	var list []rosterStep
	for _, r := range records {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			return nil, err
		}
		list = append(list, rosterStep{r.Position, e.Payload})
	}
	s.rosterSteps.of, s.rosterSteps.list = current, list
	return list, nil
}

// grantNote is a grant with the record that made it; 0 where that is not known.
type grantNote struct {
	ledger.Grant
	Position ledger.Position
}

// grantsBefore lists the grants as they stood before a position.
func grantsBefore(steps []rosterStep, p ledger.Position, current *roster.Roster) []grantNote {
	var grants []ledger.Grant
	var at []ledger.Position
	if steps == nil {
		grants = current.Grants()
		at = make([]ledger.Position, len(grants))
	}
	for _, s := range steps {
		if s.position >= p {
			break
		}
		switch v := s.payload.(type) {
		case *ledger.Genesis:
			grants = append(grants, v.Mandates...)
			for range v.Mandates {
				at = append(at, s.position)
			}
		case *ledger.MandateGranted:
			grants, at = append(grants, v.Grant), append(at, s.position)
		case *ledger.MandateEnded:
			v.End(grants)
		}
	}
	out := make([]grantNote, len(grants))
	for i, g := range grants {
		out[i] = grantNote{g, at[i]}
	}
	return out
}

// heldThen lists the grants of a mandate that an agency held when something
// happened, and for what was recorded late those for late recording.
func heldThen(all []grantNote, e ledger.CaseEvent, mandate ledger.Mandate, late bool) (held, lateHeld []grantNote) {
	for _, g := range all {
		switch {
		case g.Agency != e.Source:
		case mandate != "" && g.Mandate == mandate && (ledger.Days{From: g.From, Until: g.Until}).Hold(e.Time):
			held = append(held, g)
		case late && g.Mandate == ledger.MandateLate && (ledger.Days{From: g.From, Until: g.Until}).Hold(e.Recorded) &&
			(g.Happened == nil || g.Happened.Hold(e.Time)):
			lateHeld = append(lateHeld, g)
		}
	}
	return held, lateHeld
}

// keyNote is what the roster says of a key at a record.
type keyNote struct {
	ID      ledger.KeyID
	Listed  bool            // at the record's position
	Added   ledger.Position // 0: the roster does not have the key
	Revoked ledger.Position // 0: not revoked
}

func keyNoteOf(current *roster.Roster, id ledger.KeyID, p ledger.Position) keyNote {
	k, ok := current.Key(id)
	if !ok {
		return keyNote{ID: id}
	}
	return keyNote{ID: id, Listed: k.Added < p && (k.Revoked == 0 || p <= k.Revoked), Added: k.Added, Revoked: k.Revoked}
}

// rulesAt gives the rules as they had been published up to a position (0: all).
func rulesAt(steps []rosterStep, known ledger.Position, current *roster.Roster) ledger.Rules {
	var payloads []any
	for _, s := range steps {
		if known == 0 || s.position <= known {
			payloads = append(payloads, s.payload)
		}
	}
	if steps != nil {
		return ledger.Publish(payloads)
	}
	payloads = append(payloads, &ledger.Genesis{Mandates: current.Grants()})
	for _, g := range current.Regimes() {
		payloads = append(payloads, &g)
	}
	for _, c := range current.Contests() {
		payloads = append(payloads, &c)
	}
	for _, h := range current.Holidays() {
		payloads = append(payloads, &h)
	}
	return ledger.Publish(payloads)
}

// sealedState is how far the newest published checkpoint reaches.
type sealedState struct {
	Size ledger.Position // records that it covers; 0: there is none
	Root string
	Told bool // there is a log to ask
}

// sealedNow reads the newest checkpoint. A log that cannot be read is no reason not
// to show a case.
func (s *Server) sealedNow(ctx context.Context) sealedState {
	if s.Files == nil {
		return sealedState{}
	}
	_, c, err := s.newest(ctx)
	if err != nil {
		s.Log.Warn("a case is shown without its checkpoint", "request", trailOf(ctx).id, "error", err)
		return sealedState{}
	}
	return sealedState{Size: c.Size, Root: c.Root.String(), Told: true}
}

// lagOf says how long after it happened something was recorded.
func lagOf(d time.Duration) text {
	switch {
	case d < time.Minute:
		return text{"seketika", "at once"}
	case d < time.Hour:
		return lagWords(int(d/time.Minute), text{"menit sesudahnya", "minutes after"})
	case d < 48*time.Hour:
		return lagWords(int(d/time.Hour), text{"jam sesudahnya", "hours after"})
	default:
		return lagWords(int(d/(24*time.Hour)), text{"hari sesudahnya", "days after"})
	}
}

func lagWords(n int, of text) text {
	return text{indonesian.number(n) + " " + of.ID, english.number(n) + " " + of.EN}
}
