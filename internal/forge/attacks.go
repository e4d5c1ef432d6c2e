package forge

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// checkpoints change who vouches for the log.
func (m *maker) checkpoints() {
	edit := func(name string, code verify.Code, change func(b *book, l *log)) {
		b := newBook()
		l := b.seal()
		change(b, l)
		m.add(want{name: name, code: code}, b, b.bundle(l), 0)
	}
	edit("checkpoint-root-edited", verify.CodeCheckpoint, func(b *book, l *log) {
		c := l.checkpoint
		c.Root[0] ^= 1
		l.signed = strings.Replace(l.signed, l.checkpoint.Text(), c.Text(), 1)
	})
	edit("checkpoint-size-edited", verify.CodeCheckpoint, func(b *book, l *log) {
		c := l.checkpoint
		c.Size++
		l.signed = strings.Replace(l.signed, l.checkpoint.Text(), c.Text(), 1)
	})
	edit("checkpoint-unsigned", verify.CodeCheckpoint, func(_ *book, l *log) { l.signed = l.checkpoint.Text() + "\n" })
	edit("checkpoint-of-another-key", verify.CodeCheckpoint, func(b *book, l *log) {
		_, other, err := noteKey(b.Origin)
		must(err)
		l.sign(b, l.checkpoint, other)
	})
	edit("checkpoint-extension", verify.CodeCheckpoint, func(b *book, l *log) {
		signer, _, _ := b.NoteKeys("")
		signed, err := note.Sign(&note.Note{Text: l.checkpoint.Text() + "more\n"}, signer)
		must(err)
		l.signed = string(signed)
		l.cosigned = nil
	})
	edit("checkpoint-of-another-log", verify.CodeNotInLog, func(b *book, l *log) {
		c := l.checkpoint
		c.Root[0] ^= 1
		signer, _, _ := b.NoteKeys("")
		l.sign(b, c, signer)
	})
	edit("checkpoint-too-old", verify.CodeNotInLog, func(b *book, l *log) {
		old := *b
		old.records = b.records[:12]
		older := old.seal()
		l.signed, l.cosigned = older.signed, older.cosigned
	})
	edit("cosignatures-none", verify.CodeQuorum, func(_ *book, l *log) { l.cosigned = nil })
	edit("cosignatures-below-quorum", verify.CodeQuorum, func(_ *book, l *log) { l.cosigned = l.cosigned[:1] })
	edit("cosignature-twice", verify.CodeQuorum, func(_ *book, l *log) { l.cosigned = []string{l.cosigned[0], l.cosigned[0]} })
	edit("cosignature-forged", verify.CodeCosignature, func(b *book, l *log) {
		l.cosigned[1] = ledger.Cosign(b.witness(1), b.Private("bkn/root"), l.checkpoint.Text(), b.now)
	})
	edit("cosignature-of-another-checkpoint", verify.CodeCosignature, func(b *book, l *log) {
		c := l.checkpoint
		c.Size--
		l.cosigned[0] = ledger.Cosign(b.witness(0), b.Private("witness/0"), c.Text(), b.now)
	})
	edit("cosignature-of-a-stranger", "", func(_ *book, l *log) {
		l.cosigned = append(l.cosigned[1:], "— stranger.example "+strings.Repeat("A", 96)+"\n")
	})
	m.policies()
}

// policies judge a sound bundle by another policy.
func (m *maker) policies() {
	b := newBook()
	v := b.bundle(b.seal())
	m.add(want{name: "policy-of-another-genesis", code: verify.CodeGenesisOther}, b, v, 1, func(p *ledger.Policy) { p.Genesis[0] ^= 1 })
	m.add(want{name: "policy-of-another-log-key", code: verify.CodeCheckpoint}, b, v, 0, func(p *ledger.Policy) {
		text, _, err := noteKey(b.Origin)
		must(err)
		p.Log = text
	})
	m.add(want{name: "policy-of-another-receipt-key", code: verify.CodeGenesisKeys}, b, v, 1, func(p *ledger.Policy) {
		text, _, err := noteKey(b.Origin + "/receipt")
		must(err)
		p.Receipt = text
	})
	m.add(want{name: "policy-of-another-ledger", code: verify.CodeCheckpoint}, b, v, 0, func(p *ledger.Policy) {
		text, _, err := noteKey("other.example/uji")
		must(err)
		p.Origin, p.Log = "other.example/uji", text
	})
	named := newBook()
	named.names[2] = "<img/src=x/onerror=alert(1)>"
	m.add(want{name: "markup-in-a-name"}, named, named.bundle(named.seal()), 0)
	m.add(want{name: "policy-wants-all-witnesses"}, b, v, 0, func(p *ledger.Policy) { p.Groups[0].Threshold = 3 })
	m.add(want{name: "policy-wants-no-witness"}, b, v, 0, func(p *ledger.Policy) { p.Quorum = ledger.QuorumNone })
}

// collusion has the keeper of the ledger, with all witnesses looking on, record
// what an agency never said, or was not to say.
func (m *maker) collusion() {
	record := func(name string, code ledger.Code, do func(b *book) ledger.Position) {
		b := newBook()
		p := do(b)
		m.add(want{name: name, code: verify.Code(code)}, b, b.bundle(b.seal()), p)
	}
	signed := func(keys ...ledger.KeyID) func(b *book) ledger.Position {
		return func(b *book) ledger.Position { return b.put(b.raw(b.event(ledger.KASN, b.now), keys...)) }
	}
	record("key-revoked", ledger.CodeKeyRevoked, signed("kasn/a"))
	record("key-of-another-agency", ledger.CodeKeyForeign, signed("bkn/a"))
	record("key-root-for-an-event", ledger.CodeKeyForeign, signed("kasn/root"))
	record("key-of-the-registrar", ledger.CodeKeyForeign, signed("registrar/1"))
	record("key-unknown", ledger.CodeKeyUnknown, signed("kasn/c"))
	record("key-sound-and-one-revoked", ledger.CodeKeyRevoked, signed("kasn/a", "kasn/b"))
	record("key-added-later", ledger.CodeKeyUnknown, func(b *book) ledger.Position {
		p := b.put(b.raw(b.event(ledger.KASN, b.now), "kasn/c"))
		b.add(b.AddKey(ledger.KASN, "kasn/c", b.now))
		return p
	})
	record("signature-of-other-bytes", ledger.CodeSignatureInvalid, func(b *book) ledger.Position {
		r := b.raw(b.event(ledger.KASN, b.now), "kasn/b")
		r.Body = b.event(ledger.KASN, b.now)
		return b.put(r)
	})
	record("signature-without-its-type", ledger.CodeSignatureInvalid, func(b *book) ledger.Position {
		r := b.raw(b.event(ledger.KASN, b.now), "kasn/b")
		copy(r.Signatures[0].Value[:], ed25519.Sign(b.Private("kasn/b"), r.Body))
		return b.put(r)
	})
	record("signature-malleated", ledger.CodeSignatureInvalid, func(b *book) ledger.Position {
		r := b.raw(b.event(ledger.KASN, b.now), "kasn/b")
		malleate(&r.Signatures[0])
		return b.put(r)
	})
	record("key-added-without-root", ledger.CodeKeyForeign, func(b *book) ledger.Position {
		body := b.Event(ledger.KASN, ledger.KeyAddedKind, "kasn", b.now, ledger.KeyAdded{Agency: ledger.KASN, Key: b.Named("kasn/c"), Role: ledger.RoleEvent})
		return b.add(b.Sign(ledger.KASN, body, "kasn/b", "kasn/c"))
	})
	record("key-added-by-another-root", ledger.CodeKeyForeign, func(b *book) ledger.Position {
		body := b.Event(ledger.KASN, ledger.KeyAddedKind, "kasn", b.now, ledger.KeyAdded{Agency: ledger.KASN, Key: b.Named("kasn/c"), Role: ledger.RoleEvent})
		return b.add(b.Sign(ledger.KASN, body, "bkn/root", "kasn/c"))
	})
	record("key-added-without-its-holder", ledger.CodeSignatureMissing, func(b *book) ledger.Position {
		body := b.Event(ledger.KASN, ledger.KeyAddedKind, "kasn", b.now, ledger.KeyAdded{Agency: ledger.KASN, Key: b.Named("kasn/c"), Role: ledger.RoleEvent})
		return b.add(b.Sign(ledger.KASN, body, "kasn/root"))
	})
	record("key-added-without-a-key", ledger.CodeSchema, func(b *book) ledger.Position {
		body := b.Event(ledger.KASN, ledger.KeyAddedKind, "kasn", b.now, ledger.KeyAdded{Agency: ledger.KASN, Key: b.Named("kasn/c"), Role: ledger.RoleEvent})
		_, key, _ := strings.Cut(string(body), `"key":`)
		key, _, _ = strings.Cut(key, ",\"role\"")
		return b.add(b.Sign(ledger.KASN, edited(body, key, `"x"`), "kasn/root", "kasn/c"))
	})
	record("key-comes-back", ledger.CodeRosterConflict, func(b *book) ledger.Position {
		return b.add(b.AddKey(ledger.KASN, "kasn/a", b.now))
	})
	record("mandate-by-too-few-roots", ledger.CodeRootsTooFew, func(b *book) ledger.Position {
		g := ledger.MandateGranted{Grant: ledger.Grant{Agency: ledger.KASN, Mandate: ledger.MandateControl, Scope: ledger.ScopeAll, Basis: "UU 5/2014", Doubt: ledger.DoubtNone}}
		body := b.Event(ledger.KemenPANRB, ledger.MandateGrantedKind, "kasn", b.now, g)
		return b.add(b.Sign(ledger.KemenPANRB, body, "kasn/root", "kemenpanrb/root"))
	})
}

// recordings are signed well, and should not have been recorded.
func (m *maker) recordings() {
	record := func(name string, code verify.Code, do func(b *book) ledger.Position) {
		b := newBook()
		p := do(b)
		m.add(want{name: name, code: code}, b, b.bundle(b.seal()), p)
	}
	body := func(name string, code ledger.Code, by ledger.AgencyID, make func(b *book) []byte) {
		record(name, verify.Code(code), func(b *book) ledger.Position {
			return b.put(b.raw(make(b), b.keyOf(by)))
		})
	}
	body("mandate-never-held", ledger.CodeNoMandateThen, ledger.KASN, func(b *book) []byte {
		return b.Event(ledger.KASN, ledger.CaseAssessedKind, CaseID, b.now, ledger.CaseAssessed{
			Catalogue: ledger.CatalogueSKB2020, Respondents: []ledger.AssessedRespondent{{ID: "r1", Outcome: ledger.OutcomeNotAViolation}},
		})
	})
	body("mandate-ended", ledger.CodeNoMandateNow, ledger.KASN, func(b *book) []byte {
		b.now = time.Date(2024, 9, 10, 0, 0, 0, 0, time.UTC)
		return b.Event(ledger.KASN, ledger.CaseClarifiedKind, CaseID, b.now.AddDate(0, 0, -9), ledger.CaseClarified{
			Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeNotProven}},
		})
	})
	body("mandate-to-come", ledger.CodeNoMandateThen, ledger.BKN, func(b *book) []byte {
		return b.Event(ledger.BKN, ledger.DecisionReviewedKind, CaseID, b.now, ledger.DecisionReviewed{
			Decree: ledger.Letter{Number: "CONTOH-SK/0000c1", Date: "2020-06-10"}, Result: "conforming",
		})
	})
	body("recorded-too-late", ledger.CodeLateWithoutMandate, ledger.KASN, func(b *book) []byte {
		at := b.now
		b.now = b.now.AddDate(0, 0, 31)
		return b.event(ledger.KASN, at)
	})
	body("time-in-the-future", ledger.CodeTimeInFuture, ledger.KASN, func(b *book) []byte { return b.event(ledger.KASN, b.now.Add(time.Hour)) })
	body("event-of-another-ledger", ledger.CodeWrongLedger, ledger.KASN, func(b *book) []byte {
		return b.event(ledger.KASN, b.now, func(e *ledger.Event) { e.Ledger = "berkas.example/lain" })
	})
	body("registrar-speaks-for-agencies", ledger.CodeWrongSource, ledger.Registrar, func(b *book) []byte {
		return b.event(ledger.Registrar, b.now)
	})
	body("second-genesis", ledger.CodeReservedKind, ledger.KASN, func(b *book) []byte {
		return b.Event(ledger.KASN, ledger.SubmissionRefusedKind, "kasn", b.now, ledger.SubmissionRefused{})
	})
	body("event-doubled-key", ledger.CodeDuplicateKey, ledger.KASN, func(b *book) []byte {
		return edited(b.event(ledger.KASN, b.now), `"source":`, `"source":"/agencies/bkn","source":`)
	})
	body("event-doubled-key-deep", ledger.CodeDuplicateKey, ledger.KASN, func(b *book) []byte {
		return edited(b.event(ledger.KASN, b.now), `"size":`, `"size":1,"size":`)
	})
	body("event-unknown-attribute", ledger.CodeUnknownAttribute, ledger.KASN, func(b *book) []byte {
		return edited(b.event(ledger.KASN, b.now), `"source":`, `"extra":"x","source":`)
	})
	body("event-not-json", ledger.CodeNotJSON, ledger.KASN, func(b *book) []byte { return append(b.event(ledger.KASN, b.now), '}') })
	record("event-on-another-case", verify.CodeSubjectMisplaced, func(b *book) ledger.Position {
		return b.put(b.raw(b.event(ledger.KASN, b.now, func(e *ledger.Event) { e.Subject = OtherCase }), "kasn/b"))
	})
	record("recorded-backwards", verify.CodeRecordedBack, func(b *book) ledger.Position {
		r := b.raw(b.event(ledger.KASN, b.now.Add(-48*time.Hour)), "kasn/b")
		r.Recorded = r.Recorded.Add(-24 * time.Hour)
		return b.put(r)
	})
	record("recorded-after-it-was-seen", verify.CodeRecordedAhead, func(b *book) ledger.Position {
		r := b.raw(b.event(ledger.KASN, b.now), "kasn/b")
		r.Recorded = r.Recorded.Add(3 * time.Hour)
		return b.put(r)
	})
	record("event-recorded-again", verify.CodeRecordAgain, func(b *book) ledger.Position {
		r := b.raw(b.event(ledger.KASN, b.now), "kasn/b")
		b.put(r)
		return b.put(r)
	})
	body("event-id-reused", ledger.CodeIDReused, ledger.KASN, func(b *book) []byte {
		first := b.raw(b.event(ledger.KASN, b.now), "kasn/b")
		b.put(first)
		e, _ := ledger.Decode(first.Body)
		return b.event(ledger.KASN, b.now, func(o *ledger.Event) { o.ID = e.ID })
	})
}

// keyOf is the key with which an agency signs at the end of the story.
func (b *book) keyOf(a ledger.AgencyID) ledger.KeyID {
	switch a {
	case ledger.KASN:
		return "kasn/b"
	case ledger.Registrar:
		return "registrar/1"
	default:
		return ledger.KeyID(a) + "/a"
	}
}

// rules are broken by what is signed and recorded well.
func (m *maker) rules() {
	record := func(w want, make func(b *book) []byte) {
		b := newBook()
		p := b.put(b.raw(make(b), "kasn/b"))
		m.add(w, b, b.bundle(b.seal()), p)
	}
	record(want{"schema-markup-in-data", verify.Code(ledger.CodeSchema), true}, func(b *book) []byte {
		return edited(b.event(ledger.KASN, b.now), "CONTOH-1", `<img src=x onerror=alert(1)><script>alert(2)</script>`)
	})
	record(want{"case-rule-broken", verify.Code(ledger.CodeTransition), true}, func(b *book) []byte {
		return b.Event(ledger.KASN, ledger.CaseClarifiedKind, CaseID, b.now, ledger.CaseClarified{
			Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeNotProven}},
		})
	})
	unknown := func(b *book, change ...func(*ledger.Event)) []byte {
		return []byte(strings.ReplaceAll(string(b.event(ledger.KASN, b.now, change...)), "evidence.attached.v1", "evidence.weighed.v1"))
	}
	record(want{name: "unknown-kind"}, func(b *book) []byte { return unknown(b) })
	for name, key := range map[string]ledger.KeyID{"unknown-kind-by-the-registrar": "registrar/1", "unknown-kind-by-another-agency": "bkn/a"} {
		b := newBook()
		p := b.put(b.raw(unknown(b), key))
		m.add(want{name: name, code: verify.Code(ledger.CodeKeyForeign)}, b, b.bundle(b.seal()), p)
	}
	b := newBook()
	r := b.raw(unknown(b, func(e *ledger.Event) { e.Subject = OtherCase }), "kasn/b")
	p := b.put(r)
	m.add(want{name: "unknown-kind-on-another-case", code: verify.CodeSubjectMisplaced}, b, b.bundle(b.seal()), p)
}

// omissions are what a bundle cannot show: it is sound, and something else stands
// on the ledger, too.
func (m *maker) omissions() {
	b := newBook()
	v := b.bundle(b.seal())
	v.Records = v.Records[:len(v.Records)-1]
	m.add(want{name: "omitted-correction"}, b, v, 0)

	b = newBook()
	revoked := slices.IndexFunc(b.records, func(r ledger.Record) bool { return strings.Contains(string(r.Body), "key.revoked") })
	b.put(b.raw(b.event(ledger.KASN, b.now), "kasn/a"))
	v = b.bundle(b.seal())
	i := at(v, b.records[revoked].Position)
	v.Records = slices.Delete(v.Records, i, i+1)
	m.add(want{name: "omitted-revocation"}, b, v, 0)

	// What later records rest on is missed by the rules.
	b = newBook()
	v = b.bundle(b.seal())
	i = slices.IndexFunc(v.Records, func(r verify.Proven) bool { return strings.Contains(string(r.Leaf), "id.berkas.case.registered.v1") })
	v.Records = slices.Delete(v.Records, i, i+1)
	m.add(want{"omitted-from-the-middle", verify.Code(ledger.CodeTransition), true}, b, v, 0)
	b = newBook()
	seen := uint64(9) // of the case's records before it
	b.put(b.raw(b.event(ledger.KASN, b.now, func(e *ledger.Event) { e.CaseVersion = &seen }), "kasn/b"))
	v = b.bundle(b.seal())
	v.Records = slices.Delete(v.Records, len(v.Records)-2, len(v.Records)-1)
	m.add(want{"omitted-before-a-version", verify.Code(ledger.CodeStaleVersion), true}, b, v, 0)
}

func edited(body []byte, old, with string) []byte {
	if !strings.Contains(string(body), old) {
		panic(old + " does not stand in the event")
	}
	return []byte(strings.Replace(string(body), old, with, 1))
}

// noteKey gives the key of a stranger who has a log's name.
func noteKey(name string) (verifier string, signer note.Signer, err error) {
	seed := sha256.Sum256([]byte("a stranger's key of " + name))
	private := ed25519.NewKeyFromSeed(seed[:])
	if verifier, err = note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey)); err != nil {
		return "", nil, err
	}
	hash := strings.Split(verifier, "+")[1]
	signer, err = note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
	return verifier, signer, err
}
