// Package roster folds the roster's records: who takes part, with which keys,
// under which mandates, and which regimes, contests and holidays are published.
// Records are folded in order of position, so a Roster says what held at its
// last record; an auditor who folds to position p judges the record at p+1
// exactly as the registrar did.
package roster

import (
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Roster is a value: Apply returns a new one and leaves the old as it was, so
// one may be read while the next is made.
type Roster struct {
	genesis      ledger.Genesis
	institutions map[ledger.AgencyID]Institution
	keys         map[ledger.KeyID]Key
	grants       []ledger.Grant
	heirs        []ledger.Grant // those of grants that name a predecessor
	holders      map[holder][]ledger.Grant
	regimes      []ledger.Regime
	contests     map[string]ledger.Contest
	holidays     map[int]ledger.Holidays
}

// Institution is a participant.
type Institution struct {
	ID    ledger.AgencyID `json:"id"`
	Kind  string          `json:"kind"`
	Added ledger.Position `json:"added"`
}

// Key is a signing key with the span of positions over which it is valid:
// after Added, up to and including Revoked, which is 0 while it is not revoked.
type Key struct {
	ID      ledger.KeyID      `json:"id"`
	Agency  ledger.AgencyID   `json:"agency"`
	Role    string            `json:"role"`
	Public  ledger.PublicKey  `json:"public"`
	Added   ledger.Position   `json:"added"`
	Revoked ledger.Position   `json:"revoked,omitempty"`
	public  ed25519.PublicKey // decoded
}

// put adds a key. A key that came back, under its id or another, would make old
// signatures valid anew.
func (r *Roster) put(agency ledger.AgencyID, k ledger.NamedKey, role string, added ledger.Position) error {
	public, err := k.Public.Key()
	if err != nil {
		return err
	}
	if k.ID.Agency() != agency {
		return fmt.Errorf("key %q does not belong to %s", k.ID, agency)
	}
	if bad := r.freshKey(agency, k, ""); bad != nil {
		return bad
	}
	r.keys[k.ID] = Key{ID: k.ID, Agency: agency, Role: role, Public: k.Public, Added: added, public: public}
	return nil
}

func (r *Roster) clone() *Roster {
	c := *r
	c.institutions, c.keys = maps.Clone(r.institutions), maps.Clone(r.keys)
	c.contests, c.holidays = maps.Clone(r.contests), maps.Clone(r.holidays)
	c.grants, c.regimes = slices.Clone(r.grants), slices.Clone(r.regimes)
	return &c
}

// Apply gives the roster after one more roster event, which stands at p. Other
// events, and kinds this code does not know, change nothing. An error says that
// the ledger holds what Check would never have let in.
func (r *Roster) Apply(p ledger.Position, e ledger.Event) (*Roster, error) {
	info, known := ledger.LookupKind(e.Kind, e.Version)
	if !known || info.Stream != ledger.StreamRoster || e.Payload == nil {
		return r, nil
	}
	next := r.clone()
	var err error
	switch v := e.Payload.(type) {
	case *ledger.InstitutionAdded:
		next.institutions[v.ID] = Institution{ID: v.ID, Kind: v.Kind, Added: p}
		err = next.put(v.ID, v.Root, ledger.RoleRoot, p)
	case *ledger.KeyAdded:
		err = next.put(v.Agency, v.Key, v.Role, p)
	case *ledger.KeyRevoked:
		err = next.revoke(v.Key, p)
	case *ledger.MandateGranted:
		next.grants = append(next.grants, v.Grant)
		next.arrange()
	case *ledger.MandateEnded:
		v.End(next.grants)
		next.arrange()
	case *ledger.Regime:
		next.regimes = append(next.regimes, *v)
	case *ledger.Contest:
		next.contests[v.ID] = *v
	case *ledger.Holidays:
		next.holidays[v.Year] = *v
	}
	if err != nil {
		return nil, fmt.Errorf("roster at position %d: %w", p, err)
	}
	return next, nil
}

func (r *Roster) revoke(id ledger.KeyID, p ledger.Position) error {
	k, ok := r.keys[id]
	if !ok || k.Revoked != 0 {
		return fmt.Errorf("key %q is not there to be revoked", id)
	}
	k.Revoked = p
	r.keys[id] = k
	return nil
}

// Genesis gives what the ledger began with.
func (r *Roster) Genesis() ledger.Genesis { return r.genesis }

// Institutions lists the participants by id.
func (r *Roster) Institutions() []Institution {
	return sorted(r.institutions)
}

// Keys lists every key there ever was by id.
func (r *Roster) Keys() []Key { return sorted(r.keys) }

// Grants lists every mandate in the order in which they were granted.
func (r *Roster) Grants() []ledger.Grant { return slices.Clone(r.grants) }

// Contests lists the contests by id.
func (r *Roster) Contests() []ledger.Contest { return sorted(r.contests) }

// Regimes lists the regimes in the order in which they were published.
func (r *Roster) Regimes() []ledger.Regime { return slices.Clone(r.regimes) }

// Holidays lists the published holidays by year.
func (r *Roster) Holidays() []ledger.Holidays { return sorted(r.holidays) }

func sorted[K ~string | ~int, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// RegimeAt gives the rules in force at a moment: of the regimes whose days hold
// it, the one that began last. Without any, the zero regime demands nothing.
func (r *Roster) RegimeAt(t time.Time) ledger.Regime {
	return ledger.RegimeAt(r.regimes, t)
}

// LawAt gives what ledger.Check needs to know of a moment.
func (r *Roster) LawAt(t time.Time) ledger.Law {
	return ledger.Law{At: t, Regime: r.RegimeAt(t), Heirs: r.heirs, Grants: r.grants}
}

// covers reports whether a moment lies on or after the first day and before the
// other; an empty date does not bound.
func covers(from, until ledger.Date, t time.Time) bool {
	return ledger.Days{From: from, Until: until}.Hold(t)
}
