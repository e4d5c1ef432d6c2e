package roster

import (
	"crypto/ed25519"

	"github.com/berkas-ledger/berkas/ledger"
)

// Signers resolves the keys of an event's signatures, in their order, and
// refuses an event whose signers do not satisfy the rule of its kind. It does
// not look at the signatures' values: the caller verifies each one with the
// public key returned for it.
//
//   - An agency's event: every key is an event key of the source.
//   - key.added, key.revoked: the root of the agency, and the new key itself.
//   - institution.added, mandates, and changes of roots: roots of at least k
//     institutions that have a vote, and the new root itself.
func (r *Roster) Signers(e ledger.Event, sigs []ledger.Signature) ([]ed25519.PublicKey, *ledger.Refusal) {
	rule, bad := r.ruleFor(e)
	if bad != nil {
		return nil, bad
	}
	out := make([]ed25519.PublicKey, 0, len(sigs))
	votes, newSigned := 0, rule.newKey == nil
	for _, s := range sigs {
		if n := rule.newKey; n != nil && s.Key == n.ID {
			public, err := n.Public.Key()
			if err != nil {
				return nil, ledger.Refuse(ledger.CodeSchema, rule.newAt+"/public", "%v", err)
			}
			out, newSigned = append(out, public), true
			continue
		}
		k, bad := r.signer(s.Key, rule)
		if bad != nil {
			return nil, bad
		}
		votes++ // a key is named once, and an institution has one valid root
		out = append(out, k.public)
	}
	if !newSigned {
		return nil, ledger.Refuse(ledger.CodeSignatureMissing, "", "the new key has to sign too")
	}
	if votes < rule.votes {
		code := ledger.CodeSignatureMissing
		if rule.agency == "" {
			code = ledger.CodeRootsTooFew
		}
		return nil, ledger.Refuse(code, "", "%d of %d signatures: %s", votes, rule.votes, rule.words)
	}
	return out, nil
}

// signer looks up a key that a rule counts.
func (r *Roster) signer(id ledger.KeyID, rule rule) (Key, *ledger.Refusal) {
	k, ok := r.keys[id]
	switch {
	case !ok:
		return k, ledger.Refuse(ledger.CodeKeyUnknown, "", "")
	case k.Role != rule.role || rule.agency != "" && k.Agency != rule.agency || rule.agency == "" && !r.votes(k.Agency):
		return k, ledger.Refuse(ledger.CodeKeyForeign, "", "%s", rule.words)
	case k.Revoked != 0:
		return k, ledger.Refuse(ledger.CodeKeyRevoked, "", "revoked at position %d", k.Revoked)
	}
	return k, nil
}

// rule says who has to sign an event.
type rule struct {
	role   string
	agency ledger.AgencyID // "" for any institution with a vote
	votes  int
	newKey *ledger.NamedKey // signs too, to show that its holder consents
	newAt  string           // where the event names it
	words  string
}

func (r *Roster) ruleFor(e ledger.Event) (rule, *ledger.Refusal) {
	roots := rule{role: ledger.RoleRoot, votes: r.genesis.Threshold, words: "root keys of institutions"}
	own := rule{role: ledger.RoleRoot, agency: e.Source, votes: 1, words: "the root key of the source"}
	info, _ := ledger.LookupKind(e.Kind, e.Version)
	if info.Party == ledger.PartyRoots || info.Party == ledger.PartyOwnRoot {
		if e.Payload == nil {
			return rule{}, ledger.Refuse(ledger.CodeSchema, "/data", "")
		}
	}
	switch p := e.Payload.(type) {
	case *ledger.InstitutionAdded:
		roots.newKey, roots.newAt = &p.Root, "/data/root"
		return roots, nil
	case *ledger.MandateGranted, *ledger.MandateEnded:
		return roots, nil
	case *ledger.KeyAdded:
		own.newKey, roots.newKey, own.newAt, roots.newAt = &p.Key, &p.Key, "/data/key", "/data/key"
		if p.Role == ledger.RoleRoot {
			return roots, nil
		}
		return own, nil
	case *ledger.KeyRevoked:
		if r.keys[p.Key].Role == ledger.RoleRoot {
			return roots, nil
		}
		return own, nil
	}
	return rule{role: ledger.RoleEvent, agency: e.Source, votes: 1, words: "an event key of the source"}, nil
}

func (r *Roster) votes(a ledger.AgencyID) bool {
	return r.institutions[a].Kind == ledger.KindInstitution
}

// Key looks a key up; ok is false for one that was never added.
func (r *Roster) Key(id ledger.KeyID) (Key, bool) {
	k, ok := r.keys[id]
	return k, ok
}
