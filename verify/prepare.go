package verify

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// prepared is a leaf after everything that needs no state of cases: it is made
// in parallel, and ahead of what stands before it.
type prepared struct {
	at     ledger.Position
	leaf   []byte
	hash   ledger.Hash
	record ledger.Record
	event  ledger.Event
	info   ledger.KindInfo
	broken *Finding // the leaf is no record, or its body no event
	known  bool     // info describes the event
	// payload is what can be read although the schema refuses it.
	payload any

	// What is wrong, in the order in which the registrar judges: before, at, and
	// after the signatures. Each is the first of its kind.
	form, signature, content *ledger.Refusal
	// verified are the public keys under which the signatures were found to fit,
	// with the roster as it was then. It may have moved on.
	verified []ed25519.PublicKey
	roster   *roster.Roster
}

// rules are what preparing needs of the ledger.
type rules struct {
	origin  string
	schemas *schemas.Validator
	roster  *roster.Roster
}

func (u rules) prepare(p *prepared, at ledger.Position, leaf []byte) {
	p.at, p.leaf, p.hash = at, leaf, ledger.HashLeaf(leaf)
	var err error
	if p.record, err = ledger.ParseLeaf(leaf); err != nil {
		p.broken = &Finding{Code: CodeLeafMalformed, Expected: "berkas/record/v1", Found: err.Error()}
		return
	}
	event, bad := ledger.Decode(p.record.Body)
	if bad != nil && bad.Code != ledger.CodePersonalData {
		p.broken = refused(bad)
		return
	}
	p.event, p.form = event, bad
	p.info, p.known = ledger.LookupKind(event.Kind, event.Version)
	if p.form == nil {
		p.form = u.checkForm(p)
	}
	u.checkContent(p)
	if u.roster != nil {
		p.verify(u.roster)
	}
}

// checkForm covers what the envelope alone tells.
func (u rules) checkForm(p *prepared) *ledger.Refusal {
	own := p.event.Source == ledger.Registrar
	switch {
	case p.event.Ledger != u.origin:
		return ledger.Refuse(ledger.CodeWrongLedger, "/ledger", "it was made for %s", p.event.Ledger)
	case p.known && own != (p.info.Party == ledger.PartyRegistrar):
		if own {
			return ledger.Refuse(ledger.CodeWrongSource, "/source", "the registrar says what an agency has to say")
		}
		return ledger.Refuse(ledger.CodeReservedKind, "/type", "")
	}
	return nil
}

// checkContent holds the data against its schema and decodes it.
func (u rules) checkContent(p *prepared) {
	if !p.known {
		return
	}
	if u.schemas != nil {
		p.content = u.schemas.Refusal(p.event.Kind, p.event.Version, p.event.Data)
	}
	payload, err := ledger.DecodePayload(p.event.Kind, p.event.Version, p.event.Data)
	switch {
	case err == nil && p.content == nil:
		p.event.Payload, p.content = payload, ledger.CheckSealed(p.event)
	case err == nil:
		p.payload = payload
	case p.content == nil:
		p.content = ledger.Refuse(ledger.CodeSchema, "/data", "%v", err)
	}
}

// verify finds the signers and checks every signature.
func (p *prepared) verify(r *roster.Roster) {
	p.roster, p.verified, p.signature = r, nil, nil
	if !p.known {
		p.verifyUnknown(r)
		return
	}
	keys, bad := r.Signers(p.event, p.record.Signatures)
	if bad != nil {
		p.signature = bad
		return
	}
	for i, k := range keys {
		if !p.record.Signatures[i].Fits(k, p.record.Body) {
			p.signature = ledger.Refuse(ledger.CodeSignatureInvalid, "", "key %s", p.record.Signatures[i].Key)
			return
		}
	}
	p.verified = keys
}

// stale reports whether the signatures have to be judged anew, since the roster
// has moved on and says something else of them.
func (p *prepared) stale(r *roster.Roster) bool {
	if p.broken != nil || r == nil || p.roster == r {
		return false // rosters are values: the same one says the same
	}
	keys, bad := r.Signers(p.event, p.record.Signatures)
	same := p.known && bad == nil && p.verified != nil &&
		slices.EqualFunc(keys, p.verified, func(a, b ed25519.PublicKey) bool { return a.Equal(b) })
	if same {
		p.roster = r
	}
	return !same
}

// recheck repeats the judgement of the signatures if they are stale.
func (p *prepared) recheck(r *roster.Roster) {
	if p.stale(r) {
		p.verify(r)
	}
}

// verifyUnknown judges the signatures of an event of a kind that this program
// does not know, and so not who has to sign it: those by keys of the roster have
// to fit, and one at least has to be a key of whom the event is said to be from.
// Otherwise whoever holds any key could invent a kind and speak in another's name.
func (p *prepared) verifyUnknown(r *roster.Roster) {
	known, own := 0, 0
	for _, s := range p.record.Signatures {
		k, ok := r.Key(s.Key)
		if !ok {
			continue
		}
		public, err := k.Public.Key()
		switch {
		case err != nil || !s.Fits(public, p.record.Body):
			p.signature = ledger.Refuse(ledger.CodeSignatureInvalid, "", "key %s", s.Key)
			return
		case k.Revoked != 0:
			p.signature = ledger.Refuse(ledger.CodeKeyRevoked, "", "key %s was revoked at position %d", s.Key, k.Revoked)
			return
		case k.Agency == p.event.Source:
			own++
		}
		known++
	}
	switch {
	case known == 0:
		p.signature = ledger.Refuse(ledger.CodeKeyUnknown, "", "no signature is by a key of the roster")
	case own == 0:
		p.signature = ledger.Refuse(ledger.CodeKeyForeign, "", "no signature is by a key of %s", p.event.Source)
	}
}

// belongs gives the subject on which a record has to stand. Of a kind that this
// program does not know it cannot tell which, but whose.
func (p *prepared) belongs() string {
	info := p.info
	if !p.known {
		switch r := p.record; {
		case r.CaseID() != "":
			info.Stream = ledger.StreamCase
		case strings.HasPrefix(r.Subject, ledger.SubjectFigures("")):
			info.Stream = ledger.StreamFigures
		case strings.HasPrefix(r.Subject, ledger.SubjectRefusal("")):
			info.Stream = ledger.StreamRefusal
		default:
			info.Stream = ledger.StreamRoster
		}
	}
	return ledger.SubjectOf(p.event, info)
}

// finding completes what was found about a record.
func (p *prepared) finding(f Finding) Finding {
	f.Position, f.Agency, f.Event = p.at, p.event.Source, p.event.ID
	if f.Agency == "" && len(p.record.Signatures) > 0 {
		f.Agency = p.record.Signatures[0].Key.Agency()
	}
	return f
}

// signers names the keys that signed, for a finding.
func (p *prepared) signers() string {
	var out string
	for i, s := range p.record.Signatures {
		if i > 0 {
			out += ", "
		}
		out += string(s.Key)
	}
	return fmt.Sprintf("signed by %s", out)
}
