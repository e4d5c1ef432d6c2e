package simulate

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

// Ledger is a course as the records of a ledger of its own, which was founded
// before the course began and has recorded times of the course. Its keys follow
// from the seed, so whoever knows that can sign as anybody: it proves nothing, and
// its origin says that it is simulated.
type Ledger struct {
	Course
	// Grants are mandates as they are known today. Those that begin or end within
	// the course are granted and ended in it. Grants for late recording reach on
	// without end.
	Grants []ledger.Grant
	// Unsigned leaves signatures out but for the genesis record's: their bytes are
	// zero. Projections do not look at them.
	Unsigned bool
}

// OriginPrefix begins the origin of every simulated ledger; no other may.
const OriginPrefix = ledger.SimulatedOrigin

// Origin names the ledger.
func (l Ledger) Origin() string { return fmt.Sprintf("%s%d", OriginPrefix, l.Seed) }

// participants of the ledger; the vault has no vote.
func participants() []ledger.AgencyID { return append(slices.Clone(Agencies), ledger.Vault) }

// private derives the key of a name.
func (l Ledger) private(name string) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "berkas/simulated/v1\n%d\n%s", l.Seed, name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Names of an agency's keys: root, the first to sign events with, and the one that
// took its place in 2022.
const (
	keyRoot  = "root"
	keyFirst = "first"
	keyEvent = "event"
)

func keyID(a ledger.AgencyID, name string) ledger.KeyID { return ledger.KeyID(string(a) + "/" + name) }

// Signers lists every participant's keys.
func (l Ledger) Signers() ([]agencies.Signer, error) {
	var out []agencies.Signer
	for _, a := range participants() {
		for _, name := range []string{keyRoot, keyFirst, keyEvent} {
			id := keyID(a, name)
			s, err := agencies.NewSigner(id, l.private(string(id)))
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}

const registrarKey ledger.KeyID = "registrar/1"

// Registrar is the key of the registrar's own records.
func (l Ledger) Registrar() ed25519.PrivateKey { return l.private(string(registrarKey)) }

// NoteKeys are the secrets of receipts and of the log, as
// golang.org/x/mod/sumdb/note reads them.
func (l Ledger) NoteKeys() (receipt, log string, err error) {
	if receipt, _, err = l.noteKey(l.Origin() + "/receipt"); err != nil {
		return "", "", err
	}
	log, _, err = l.noteKey(l.Origin())
	return receipt, log, err
}

// noteKey writes a derived key as note.GenerateKey writes a drawn one: the
// algorithm's byte 1 and the seed, under the name and hash of its verifier.
func (l Ledger) noteKey(name string) (secret, verifier string, err error) {
	private := l.private("note " + name)
	verifier, err = note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		return "", "", fmt.Errorf("simulate: %w", err)
	}
	hash := strings.Split(verifier, "+")[1]
	return "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)), verifier, nil
}

// Genesis is the first record.
func (l Ledger) Genesis() (ledger.Record, error) {
	g := ledger.Genesis{
		Origin: l.Origin(), Threshold: 3, LateAfterDays: 30,
		Registrar: ledger.NamedKey{ID: registrarKey, Public: ledger.EncodePublicKey(l.Registrar().Public().(ed25519.PublicKey))},
	}
	var err error
	if _, g.Receipt, err = l.noteKey(l.Origin() + "/receipt"); err != nil {
		return ledger.Record{}, err
	}
	if _, g.Log, err = l.noteKey(l.Origin()); err != nil {
		return ledger.Record{}, err
	}
	for _, a := range participants() {
		kind := ledger.KindInstitution
		if a == ledger.Vault {
			kind = ledger.KindService
		}
		id := keyID(a, keyRoot)
		public := l.private(string(id)).Public().(ed25519.PublicKey)
		g.Institutions = append(g.Institutions, ledger.GenesisInstitution{
			ID: a, Kind: kind, Root: ledger.NamedKey{ID: id, Public: ledger.EncodePublicKey(public)},
		})
	}
	g.Mandates, _ = l.grants()
	at := on(founded, officeOpens)
	data, err := json.Marshal(g)
	if err != nil {
		return ledger.Record{}, fmt.Errorf("simulate: genesis: %w", err)
	}
	body, err := ledger.Event{
		ID: newDraw(l.Seed, 17).id(at.time()), Source: ledger.Registrar, Kind: ledger.GenesisKind, Version: 1,
		Subject: "genesis", Time: at.time(), Ledger: g.Origin, Data: data,
	}.Encode()
	if err != nil {
		return ledger.Record{}, fmt.Errorf("simulate: genesis: %w", err)
	}
	r := ledger.Record{
		Position: 1, Recorded: at.time(), Subject: ledger.SubjectRoster, Body: body,
		Signatures: []ledger.Signature{ledger.Sign(registrarKey, l.Registrar(), body)},
	}
	if _, err := roster.Start(r); err != nil {
		return ledger.Record{}, fmt.Errorf("simulate: genesis: %w", err)
	}
	return r, nil
}

// grants tells what the genesis record grants from what is granted and ended in
// the course: those events come the day before they take effect.
func (l Ledger) grants() (first []ledger.Grant, course []rooted) {
	for _, g := range l.Grants {
		if g.Mandate == ledger.MandateLate && g.Happened != nil {
			g.Happened = &ledger.Days{From: g.Happened.From}
		}
		until := g.Until
		if until > founded {
			g.Until = ""
		}
		if g.From <= founded {
			first = append(first, g)
		} else {
			course = append(course, rooted{
				at: on(g.From, 11*hour) - daily, kind: ledger.MandateGrantedKind, subject: string(g.Agency), payload: ledger.MandateGranted{Grant: g},
			})
		}
		if until > founded {
			course = append(course, rooted{
				at: on(until, 10*hour) - daily, kind: ledger.MandateEndedKind, subject: string(g.Agency),
				payload: ledger.MandateEnded{Agency: g.Agency, Mandate: g.Mandate, Until: until, Basis: g.Basis, Doubt: g.Doubt},
			})
		}
	}
	for i := range course {
		course[i].by = ledger.KemenPANRB
		course[i].keys = []ledger.KeyID{keyID(ledger.Bawaslu, keyRoot), keyID(ledger.BKN, keyRoot), keyID(ledger.KemenPANRB, keyRoot)}
	}
	return first, course
}

// rooted is an event that root keys sign.
type rooted struct {
	at      instant
	by      ledger.AgencyID
	kind    ledger.Kind
	subject string
	payload any
	keys    []ledger.KeyID
}

// rotated is the day on which the agencies change their keys.
const rotated ledger.Date = "2022-01-03"

// keyEvents introduce the agencies' keys, and change them once.
func (l Ledger) keyEvents() []rooted {
	var out []rooted
	for i, a := range participants() {
		root := keyID(a, keyRoot)
		add := func(at instant, name string) rooted {
			id := keyID(a, name)
			public := ledger.EncodePublicKey(l.private(string(id)).Public().(ed25519.PublicKey))
			return rooted{
				at: at, by: a, kind: ledger.KeyAddedKind, subject: string(a), keys: []ledger.KeyID{root, id},
				payload: ledger.KeyAdded{Agency: a, Key: ledger.NamedKey{ID: id, Public: public}, Role: ledger.RoleEvent},
			}
		}
		then := on(rotated, officeOpens) + instant(i)*minute
		out = append(out, add(on(founded, officeOpens+hour)+instant(i)*minute, keyFirst), add(then, keyEvent), rooted{
			at: then + 30*second, by: a, kind: ledger.KeyRevokedKind, subject: string(a), keys: []ledger.KeyID{root},
			payload: ledger.KeyRevoked{Agency: a, Key: keyID(a, keyFirst), Reason: "retired"},
		})
	}
	return out
}

// fixed are all events that are not of cases nor figures, in order of recording.
func (l Ledger) fixed(c *course) []entry {
	out := c.publishedRules()
	_, mandates := l.grants()
	for _, r := range append(l.keyEvents(), mandates...) {
		if r.at < c.end {
			out = append(out, entry{
				saying:  saying{at: r.at, recorded: r.at + second, by: r.by, kind: r.kind, id: c.ids.id(r.at.time()), payload: r.payload},
				subject: r.subject, keys: r.keys,
			})
		}
	}
	slices.SortStableFunc(out, func(a, b entry) int { return int((a.recorded - b.recorded) / second) })
	return out
}

// refusedEvery: about one submission in so many is refused, which is recorded.
const refusedEvery = 700

// entries yields everything that the ledger records after its genesis.
func (l Ledger) entries(yield func(entry) bool) {
	c := newCourse(l.Course)
	d := newDraw(l.Seed, 19)
	second := map[ledger.AgencyID]bool{}
	c.run(l.fixed(c), func(e entry) bool {
		if e.kind == ledger.KeyRevokedKind {
			second[e.by] = true
		}
		e.second = second[e.by]
		if len(e.keys) == 0 && d.IntN(refusedEvery) == 0 && !yield(refusal(d, e)) {
			return false
		}
		return yield(e)
	})
}

// refusal is the registrar's record of something that was not admitted, shortly
// before something was.
func refusal(d draw, e entry) entry {
	p := ledger.SubmissionRefused{
		Agency: e.by, Digest: strings.Repeat(hex16(d.Uint64()), 4),
		Reason: pick(d, []ledger.Code{ledger.CodeSchema, ledger.CodeTransition, ledger.CodeSignatureInvalid, ledger.CodeNotHolder, ledger.CodeTimeInFuture}),
	}
	if p.Reason == ledger.CodeSchema {
		p.Pointers = []string{"/data/respondents/0"}
	}
	return entry{
		saying:  saying{at: e.recorded, recorded: e.recorded, by: ledger.Registrar, kind: ledger.SubmissionRefusedKind, id: d.id(e.recorded.time()), payload: p},
		subject: string(e.by),
	}
}

// Feed yields the ledger's records, made anew at each call: what stands before
// the position asked for is made too.
func (l Ledger) Feed() ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		genesis, err := l.Genesis()
		if err != nil {
			return err
		}
		if after == 0 {
			if err := yield([]ledger.Record{genesis}); err != nil {
				return err
			}
		}
		keys, err := l.keyring()
		if err != nil {
			return err
		}
		write := func(first int, list []entry) ([]ledger.Record, error) {
			out := make([]ledger.Record, len(list))
			for i, e := range list {
				r, err := l.record(keys, ledger.Position(first+i+2), e)
				if err != nil {
					return nil, err
				}
				out[i] = r
			}
			return out, nil
		}
		err = inOrder(ctx, l.entries, write, func(records []ledger.Record) error {
			if last := records[len(records)-1].Position; last <= after {
				return nil
			}
			return yield(records[max(0, int(after)-int(records[0].Position)+1):])
		})
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil
		}
		return err
	}
}

func (l Ledger) keyring() (map[ledger.KeyID]agencies.Signer, error) {
	list, err := l.Signers()
	if err != nil {
		return nil, err
	}
	out := map[ledger.KeyID]agencies.Signer{}
	for _, s := range list {
		out[s.ID()] = s
	}
	registrar, err := agencies.NewSigner(registrarKey, l.Registrar())
	out[registrarKey] = registrar
	return out, err
}

// record writes an entry as it stands on the ledger.
func (l Ledger) record(keys map[ledger.KeyID]agencies.Signer, p ledger.Position, e entry) (ledger.Record, error) {
	info, _ := ledger.LookupKind(e.kind, 1)
	payload, err := e.written()
	if err != nil {
		return ledger.Record{}, err
	}
	d, err := agencies.Compose(l.Origin(), e.by, e.kind, e.subject, e.at.time(), payload, agencies.WithID(e.id))
	if err != nil {
		return ledger.Record{}, fmt.Errorf("simulate: %w", err)
	}
	r := ledger.Record{Position: p, Recorded: e.recorded.time(), Body: d.Body}
	r.Subject = ledger.SubjectOf(ledger.Event{Source: e.by, Subject: e.subject}, info)
	for _, id := range e.signers() {
		s := ledger.Signature{Key: id}
		if !l.Unsigned {
			s = keys[id].Sign(d.Body)
		}
		r.Signatures = append(r.Signatures, s)
	}
	slices.SortFunc(r.Signatures, func(a, b ledger.Signature) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return r, nil
}

func (e *entry) signers() []ledger.KeyID {
	switch {
	case len(e.keys) > 0:
		return e.keys
	case e.by == ledger.Registrar:
		return []ledger.KeyID{registrarKey}
	case e.second:
		return []ledger.KeyID{keyID(e.by, keyEvent)}
	default:
		return []ledger.KeyID{keyID(e.by, keyFirst)}
	}
}

// LastDay is the last day of a course that ends before a moment: the day before
// it in Jakarta.
func LastDay(before time.Time) ledger.Date {
	return (instant(before.UnixMicro()) - daily).date()
}
