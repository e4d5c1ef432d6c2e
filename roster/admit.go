package roster

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Check refuses a roster event that contradicts the roster. Signatures, schema
// and mandates are judged elsewhere.
func (r *Roster) Check(e ledger.Event) *ledger.Refusal {
	switch p := e.Payload.(type) {
	case *ledger.InstitutionAdded:
		return r.checkInstitution(e, p)
	case *ledger.KeyAdded:
		return r.checkKey(e, p)
	case *ledger.KeyRevoked:
		return r.checkRevoked(e, p)
	case *ledger.MandateGranted:
		return r.checkGrant(e, p.Grant)
	case *ledger.MandateEnded:
		if len(r.held(p.Agency, p.Mandate, p.Until.Start().Add(-1))) == 0 {
			return conflict("/data/mandate", "the agency does not hold the mandate on the day before")
		}
		return subject(e, string(p.Agency))
	case *ledger.Regime:
		return r.checkRegime(e, p)
	case *ledger.Contest:
		if p.Determination > p.Voting {
			return conflict("/data/determination", "candidates are determined before the voting")
		}
		return subject(e, p.ID)
	case *ledger.Holidays:
		return checkHolidays(e, p)
	}
	return nil
}

func (r *Roster) checkInstitution(e ledger.Event, p *ledger.InstitutionAdded) *ledger.Refusal {
	if _, ok := r.institutions[p.ID]; ok || p.ID == ledger.Registrar {
		return conflict("/data/id", "the institution is on the roster already")
	}
	if bad := r.freshKey(p.ID, p.Root, "/data/root"); bad != nil {
		return bad
	}
	return subject(e, string(p.ID))
}

func (r *Roster) checkKey(e ledger.Event, p *ledger.KeyAdded) *ledger.Refusal {
	if p.Agency != e.Source {
		return conflict("/data/agency", "an institution adds its own keys")
	}
	if bad := r.known(list{"/data/agency", []ledger.AgencyID{p.Agency}}); bad != nil {
		return bad
	}
	if bad := r.freshKey(p.Agency, p.Key, "/data/key"); bad != nil {
		return bad
	}
	if p.Role == ledger.RoleRoot && r.root(p.Agency) != "" {
		return conflict("/data/role", "revoke the old root first")
	}
	return subject(e, string(p.Agency))
}

func (r *Roster) checkRegime(e ledger.Event, p *ledger.Regime) *ledger.Refusal {
	for _, g := range r.regimes {
		if g.ID == p.ID {
			return conflict("/data/id", "a regime of that id is published already")
		}
	}
	if !inOrder(p.From, p.Until) {
		return conflict("/data/until", "the regime would end before it begins")
	}
	if at, why := p.Sound(); why != "" {
		return conflict(at, why)
	}
	if bad := r.known(list{"/data/deadlines", p.Agencies()}); bad != nil {
		return bad
	}
	return subject(e, p.ID)
}

// checkHolidays judges a list of holidays. Published again, it replaces the
// year's earlier one, as a contest replaces the one of its id.
func checkHolidays(e ledger.Event, p *ledger.Holidays) *ledger.Refusal {
	for i, d := range p.Days {
		if !strings.HasPrefix(string(d), fmt.Sprintf("%04d-", p.Year)) {
			return conflict("/data/days/"+strconv.Itoa(i), "the day does not lie in the year")
		}
	}
	return subject(e, p.Subject())
}

// freshKey refuses a key whose id or public key was ever used: a key that came
// back would make old signatures valid under a new owner.
func (r *Roster) freshKey(agency ledger.AgencyID, k ledger.NamedKey, pointer string) *ledger.Refusal {
	if k.ID.Agency() != agency {
		return conflict(pointer+"/id", "the key id has to begin with the agency")
	}
	if _, ok := r.keys[k.ID]; ok {
		return conflict(pointer+"/id", "the key id was used before")
	}
	for _, old := range r.keys {
		if old.Public == k.Public {
			return conflict(pointer+"/public", "the public key was used before")
		}
	}
	return nil
}

// root gives the valid root key of an institution, "" if it has none.
func (r *Roster) root(agency ledger.AgencyID) ledger.KeyID {
	for id, k := range r.keys {
		if k.Agency == agency && k.Role == ledger.RoleRoot && k.Revoked == 0 {
			return id
		}
	}
	return ""
}

func (r *Roster) checkRevoked(e ledger.Event, p *ledger.KeyRevoked) *ledger.Refusal {
	k, ok := r.keys[p.Key]
	switch {
	case !ok || k.Agency != p.Agency:
		return conflict("/data/key", "the agency has no such key")
	case k.Revoked != 0:
		return conflict("/data/key", "the key is revoked already")
	case k.Role == ledger.RoleEvent && p.Agency != e.Source:
		return conflict("/data/agency", "an institution revokes its own keys")
	case k.Role == ledger.RoleRoot && r.votes(k.Agency) && r.rootsLeft()-1 < r.genesis.Threshold:
		return conflict("/data/key", "fewer roots would be left than are needed to change roots")
	}
	return subject(e, string(p.Agency))
}

func (r *Roster) rootsLeft() int {
	n := 0
	for _, k := range r.keys {
		if k.Role == ledger.RoleRoot && k.Revoked == 0 && r.votes(k.Agency) {
			n++
		}
	}
	return n
}

func (r *Roster) checkGrant(e ledger.Event, g ledger.Grant) *ledger.Refusal {
	if bad := r.saneGrant(g, "/data/grant"); bad != nil {
		return bad
	}
	return subject(e, string(g.Agency))
}

// saneGrant judges a grant by itself; pointer is where it stands.
func (r *Roster) saneGrant(g ledger.Grant, pointer string) *ledger.Refusal {
	if bad := r.known(list{pointer + "/agency", []ledger.AgencyID{g.Agency}}); bad != nil {
		return bad
	}
	if g.Predecessor != "" {
		if bad := r.known(list{pointer + "/predecessor", []ledger.AgencyID{g.Predecessor}}); bad != nil {
			return bad
		}
	}
	if !inOrder(g.From, g.Until) {
		return conflict(pointer+"/until", "the mandate would end before it begins")
	}
	if h := g.Happened; h != nil && !inOrder(h.From, h.Until) {
		return conflict(pointer+"/happened/until", "the days would end before they begin")
	}
	return nil
}

// inOrder reports whether a span of days holds any; an absent day does not
// bound it.
func inOrder(from, until ledger.Date) bool { return from == "" || until == "" || from < until }

func conflict(pointer, detail string) *ledger.Refusal {
	return ledger.Refuse(ledger.CodeRosterConflict, pointer, "%s", detail)
}

func subject(e ledger.Event, want string) *ledger.Refusal {
	if e.Subject != want {
		return ledger.Refuse(ledger.CodeSubject, "/subject", "")
	}
	return nil
}
