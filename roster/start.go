package roster

import (
	"fmt"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
)

// maxLateAfterDays bounds the days after which recording is late, as the schema
// of ledger.genesis does.
const maxLateAfterDays = 3660

// Start reads the genesis record. It checks that the record is what `berkas
// init` writes: at position 1, well-formed, signed by the registrar it names.
// Whether it is the right genesis only its leaf hash can say.
func Start(r ledger.Record) (*Roster, error) {
	if r.Position != 1 {
		return nil, fmt.Errorf("genesis stands at position 1, not %d", r.Position)
	}
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		return nil, err
	}
	g, ok := e.Payload.(*ledger.Genesis)
	if !ok || e.Source != ledger.Registrar || e.Ledger != g.Origin || !ledger.ValidOrigin(g.Origin) {
		return nil, fmt.Errorf("position 1 is not a genesis record of its own ledger")
	}
	out := &Roster{
		genesis:      *g,
		institutions: map[ledger.AgencyID]Institution{},
		keys:         map[ledger.KeyID]Key{},
		contests:     map[string]ledger.Contest{},
		holidays:     map[int]ledger.Holidays{},
		grants:       slices.Clone(g.Mandates),
	}
	out.arrange()
	if err := out.found(); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	if len(r.Signatures) != 1 || r.Signatures[0].Key != g.Registrar.ID || !r.Signatures[0].Fits(out.keys[g.Registrar.ID].public, r.Body) {
		return nil, fmt.Errorf("genesis is not signed by the registrar it names")
	}
	return out, nil
}

// found takes in the keys, the institutions and the mandates of the genesis.
func (r *Roster) found() error {
	g := r.genesis
	if _, _, err := g.Verifiers(); err != nil {
		return err
	}
	if err := r.put(ledger.Registrar, g.Registrar, ledger.RoleEvent, 0); err != nil {
		return fmt.Errorf("registrar: %w", err)
	}
	votes := 0
	for _, i := range g.Institutions {
		if err := r.foundInstitution(i); err != nil {
			return err
		}
		if i.Kind == ledger.KindInstitution {
			votes++
		}
	}
	if g.Threshold < 1 || g.Threshold > votes {
		return fmt.Errorf("it wants %d of %d roots", g.Threshold, votes)
	}
	if g.LateAfterDays < 1 || g.LateAfterDays > maxLateAfterDays {
		return fmt.Errorf("recording is late after 1 to %d days, not %d", maxLateAfterDays, g.LateAfterDays)
	}
	for i, m := range g.Mandates {
		if bad := r.saneGrant(m, fmt.Sprintf("/data/mandates/%d", i)); bad != nil {
			return bad
		}
	}
	return nil
}

func (r *Roster) foundInstitution(i ledger.GenesisInstitution) error {
	switch _, double := r.institutions[i.ID]; {
	case double:
		return fmt.Errorf("%s is named twice", i.ID)
	case !i.ID.Valid() || i.ID == ledger.Registrar:
		return fmt.Errorf("%q is not the id of a participant", i.ID)
	case i.Kind != ledger.KindInstitution && i.Kind != ledger.KindService:
		return fmt.Errorf("%s is neither an institution nor a service", i.ID)
	}
	r.institutions[i.ID] = Institution{ID: i.ID, Kind: i.Kind, Added: 1}
	if err := r.put(i.ID, i.Root, ledger.RoleRoot, 1); err != nil {
		return fmt.Errorf("root of %s: %w", i.ID, err)
	}
	return nil
}
