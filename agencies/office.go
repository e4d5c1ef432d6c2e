package agencies

import (
	"fmt"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

// Office is what the programs of all institutions have in common: the ledger
// that they speak to and the schemas that their events fit.
type Office struct {
	Origin string // of the ledger; an event fits no other
	// Schemas checks the data of each event; nil leaves that to the registrar.
	Schemas *schemas.Validator
}

// Institution is one agency's side of the ledger: what every participant may
// say. The types of the institutions add what only they may.
type Institution struct {
	office Office
	id     ledger.AgencyID
}

// NewInstitution is for a participant that has no type of its own here, for
// instance one that joined later. It may say what all may.
func NewInstitution(o Office, id ledger.AgencyID) Institution { return Institution{o, id} }

// ID names the institution.
func (i Institution) ID() ledger.AgencyID { return i.id }

// say makes an event and checks that its form is what the registrar takes:
// envelope, schema, sealed values in their places, nothing personal in clear.
//
// Errors: a *ledger.Refusal with the code the registrar would answer.
func (i Institution) say(kind ledger.Kind, subject string, at time.Time, payload any, options []Option) (Draft, error) {
	d, err := Compose(i.office.Origin, i.id, kind, subject, at, payload, options...)
	if err != nil {
		return Draft{}, err
	}
	e, bad := ledger.Decode(d.Body)
	if bad == nil && i.office.Schemas != nil {
		bad = i.office.Schemas.Refusal(e.Kind, e.Version, e.Data)
	}
	if bad == nil {
		bad = ledger.CheckSealed(e)
	}
	if bad != nil {
		return Draft{}, fmt.Errorf("%s of %s: %w", kind, i.id, bad)
	}
	return d, nil
}

// PublishFigures states totals as the institution published them; at is the
// moment of publication.
func (i Institution) PublishFigures(at time.Time, p ledger.FiguresPublished, options ...Option) (Draft, error) {
	return i.say(ledger.FiguresPublishedKind, p.Table, at, p, options)
}

// AddKey gives the institution a further key. It is signed with the
// institution's root key and with the new one; a new root key with k of n root
// keys and with the new one.
func (i Institution) AddKey(at time.Time, p ledger.KeyAdded, options ...Option) (Draft, error) {
	return i.say(ledger.KeyAddedKind, string(p.Agency), at, p, options)
}

// RevokeKey ends a key. It is signed with the institution's root key; for a
// root key with k of n root keys.
func (i Institution) RevokeKey(at time.Time, p ledger.KeyRevoked, options ...Option) (Draft, error) {
	return i.say(ledger.KeyRevokedKind, string(p.Agency), at, p, options)
}

// AddInstitution takes a participant in. It is signed with k of n root keys;
// any institution may submit it.
func (i Institution) AddInstitution(at time.Time, p ledger.InstitutionAdded, options ...Option) (Draft, error) {
	return i.say(ledger.InstitutionAddedKind, string(p.ID), at, p, options)
}

// GrantMandate entitles a participant. It is signed with k of n root keys; any
// institution may submit it.
func (i Institution) GrantMandate(at time.Time, p ledger.Grant, options ...Option) (Draft, error) {
	return i.say(ledger.MandateGrantedKind, string(p.Agency), at, ledger.MandateGranted{Grant: p}, options)
}

// EndMandate ends what a participant was entitled to. It is signed with k of n
// root keys; any institution may submit it.
func (i Institution) EndMandate(at time.Time, p ledger.MandateEnded, options ...Option) (Draft, error) {
	return i.say(ledger.MandateEndedKind, string(p.Agency), at, p, options)
}
