// Package forge makes bundles of an invented ledger, a sound one and many that
// somebody tampered with, for the tests of whoever checks bundles: the program and
// the page in a browser have to find the same.
package forge

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// CaseID is the case of all bundles, OtherCase another case of the ledger.
const (
	CaseID    = "01727a2c-7c00-7000-8000-0000000000c1"
	OtherCase = "01727a2c-7c00-7000-8000-0000000000c2"
)

// book is a ledger whose keeper does what he is told.
type book struct {
	*testkit.World
	records []ledger.Record
	now     time.Time // when the next record is recorded
	names   [3]string // of the witnesses
}

// add records a submission a minute after the one before.
func (b *book) add(s ledger.Submission) ledger.Position {
	b.now = b.now.Add(time.Minute)
	return b.put(b.Record(b.records, s, b.now))
}

// put records what no registrar would.
func (b *book) put(r ledger.Record) ledger.Position {
	r.Position = ledger.Position(len(b.records) + 1)
	b.records = append(b.records, r)
	return r.Position
}

// say has an agency say something of the case at the time of recording.
func (b *book) say(by ledger.AgencyID, kind ledger.Kind, payload any, change ...func(*ledger.Event)) ledger.Position {
	return b.add(b.Say(by, kind, CaseID, b.now, payload, change...))
}

// raw gives a record of the case with any bytes, signed with any keys.
func (b *book) raw(body []byte, keys ...ledger.KeyID) ledger.Record {
	b.now = b.now.Add(time.Minute)
	return ledger.Record{Recorded: b.now, Subject: ledger.SubjectCase(CaseID), Signatures: b.Sign("", body, keys...).Signatures, Body: body}
}

// event gives the bytes of an attachment to the case, which any participant may
// record at any time.
func (b *book) event(by ledger.AgencyID, at time.Time, change ...func(*ledger.Event)) []byte {
	return b.Event(by, ledger.EvidenceAttachedKind, CaseID, at, ledger.EvidenceAttached{
		Digest: strings.Repeat("ab", 32), Size: 1000, MediaType: "application/pdf", Reference: "CONTOH-1",
	}, change...)
}

// newBook has a case from its opening to the decision, between the records of
// another one. KASN changes its key on the way, and Bawaslu corrects what it said.
func newBook() *book {
	w := testkit.NewWorld()
	b := &book{World: w, records: w.Founding(), now: w.Start.Add(24 * time.Hour), names: [3]string{"saksi-1.example", "saksi-2.example", "saksi-3.example"}}
	own, other := w.Story(CaseID, b.now, 2), w.Story(OtherCase, b.now, 1)
	var registered string
	for i := range own {
		b.now = b.now.Add(time.Hour)
		if i == 4 { // KASN begins, with a new key
			b.add(w.AddKey(ledger.KASN, "kasn/b", b.now))
			b.add(w.RevokeKey(ledger.KASN, "kasn/a", b.now))
		}
		s := own[i]
		if s.Agency == ledger.KASN {
			s = w.Sign(ledger.KASN, s.Body, "kasn/b")
		}
		b.add(s)
		if i == 1 {
			e, _ := ledger.Decode(s.Body)
			registered = e.ID
		}
		if i < 3 {
			b.add(other[i])
		}
	}
	b.say(ledger.Bawaslu, ledger.EventCorrectedKind, ledger.EventCorrected{
		Event: registered, Kind: ledger.CaseRegisteredKind, Version: 1, Action: ledger.ActionReplace, Reason: "wrong-data",
		Data: []byte(`{"register":"CONTOH-REG/2"}`),
	})
	return b
}

// log is a book that was sealed.
type log struct {
	hashes     []tlog.Hash
	checkpoint ledger.Checkpoint
	signed     string // by the log alone
	cosigned   []string
}

// ReadHashes makes it a tlog.HashReader.
func (l *log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = l.hashes[at]
	}
	return out, nil
}

func (b *book) witness(i int) ledger.WitnessKey {
	private := b.Private(ledger.KeyID(fmt.Sprintf("witness/%d", i)))
	k, err := ledger.NewWitnessKey(b.names[i], private.Public().(ed25519.PublicKey))
	must(err)
	return k
}

// policy asks for two of three witnesses.
func (b *book) policy() ledger.Policy {
	e, err := ledger.DecodeRecord(b.records[0])
	must(err)
	p := ledger.PolicyOf(*e.Payload.(*ledger.Genesis), b.records[0].LeafHash())
	for i, name := range b.names {
		p.Witnesses = append(p.Witnesses, ledger.PolicyWitness{Name: strings.TrimSuffix(name, ".example"), Key: b.witness(i)})
	}
	p.Groups = []ledger.PolicyGroup{{Name: "dua-saksi", Threshold: 2}}
	for _, w := range p.Witnesses {
		p.Groups[0].Members = append(p.Groups[0].Members, w.Name)
	}
	p.Quorum = "dua-saksi"
	return p
}

func (b *book) seal() *log {
	l := &log{}
	for i, r := range b.records {
		stored, err := tlog.StoredHashesForRecordHash(int64(i), tlog.Hash(r.LeafHash()), l)
		must(err)
		l.hashes = append(l.hashes, stored...)
	}
	root, err := tlog.TreeHash(int64(len(b.records)), l)
	must(err)
	l.checkpoint = ledger.Checkpoint{Origin: b.Origin, Size: ledger.Position(len(b.records)), Root: ledger.Hash(root)}
	signer, _, _ := b.NoteKeys("")
	l.sign(b, l.checkpoint, signer)
	return l
}

// sign has a checkpoint signed by a log, and cosigned by all witnesses.
func (l *log) sign(b *book, c ledger.Checkpoint, signer note.Signer) {
	signed, err := ledger.SignCheckpoint(c, signer)
	must(err)
	l.signed, l.cosigned = string(signed), nil
	for i := range b.names {
		private := b.Private(ledger.KeyID(fmt.Sprintf("witness/%d", i)))
		l.cosigned = append(l.cosigned, ledger.Cosign(b.witness(i), private, c.Text(), b.now.Add(time.Duration(i)*time.Second)))
	}
}

// bundle has the roster, the case, and a checkpoint that all witnesses cosigned.
func (b *book) bundle(l *log) verify.Bundle {
	out := verify.Bundle{Case: CaseID, Checkpoint: []byte(l.signed + strings.Join(l.cosigned, ""))}
	for _, r := range b.records {
		if r.Subject == ledger.SubjectRoster || r.CaseID() == CaseID {
			out.Records = append(out.Records, b.prove(l, r))
		}
	}
	return out
}

func (b *book) prove(l *log, r ledger.Record) verify.Proven {
	path, err := tlog.ProveRecord(int64(l.checkpoint.Size), int64(r.Position-1), l)
	must(err)
	p := verify.Proven{Leaf: r.Leaf()}
	for _, h := range path {
		p.Inclusion = append(p.Inclusion, ledger.Hash(h))
	}
	return p
}

// at is the index of the record at a position within a bundle.
func at(v verify.Bundle, p ledger.Position) int {
	return slices.IndexFunc(v.Records, func(r verify.Proven) bool {
		return bytes.HasPrefix(r.Leaf, fmt.Appendf(nil, "berkas/record/v1\nposition: %d\n", p))
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
