package verify_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
	"github.com/berkas-ledger/berkas/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// validator is shared: compiling the schemas takes longer than most tests.
var validator = sync.OnceValue(func() *schemas.Validator {
	v, err := schemas.New()
	if err != nil {
		panic(err)
	}
	return v
})

// today is when the records of the tests are written: two weeks after the
// founding.
var today = time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC)

// book is a ledger as an operator keeps it who has the registrar's, the
// receipts' and the log's keys, and writes whatever he likes.
type book struct {
	*testkit.World
	t       testing.TB
	records []ledger.Record
	leaves  [][]byte // instead of the records' own, where it is not nil
	clock   time.Time
	policy  ledger.Policy
}

func newBook(t testing.TB) *book {
	w := testkit.NewWorld()
	b := &book{World: w, t: t, records: w.Founding(), clock: today}
	_, _, log := w.NoteKeys("")
	_, _, receipt := w.NoteKeys("receipt")
	b.policy = ledger.Policy{Origin: w.Origin, Log: log, Receipt: receipt, Genesis: b.records[0].LeafHash(), Quorum: ledger.QuorumNone}
	return b
}

// write puts submissions on the ledger without asking whether they may, a second
// apart.
func (b *book) write(list ...ledger.Submission) {
	for _, s := range list {
		b.clock = b.clock.Add(time.Second)
		b.records = append(b.records, b.Record(b.records, s, b.clock))
	}
}

func (b *book) last() ledger.Position { return ledger.Position(len(b.records)) }

// digest is what a refusal records of bytes.
func digest(nonce [32]byte, body []byte) string {
	sum := sha256.Sum256(append(nonce[:], body...))
	return hex.EncodeToString(sum[:])
}

// refuse records a refusal as the registrar would; change may alter it before it
// is signed.
func (b *book) refuse(agency ledger.AgencyID, body []byte, change ...func(*ledger.SubmissionRefused, *ledger.Event)) {
	b.clock = b.clock.Add(time.Second)
	p := ledger.SubmissionRefused{Agency: agency, Reason: ledger.CodeNotJSON, Digest: digest([32]byte{7}, body)}
	var edit []func(*ledger.Event)
	for _, f := range change {
		var e ledger.Event
		f(&p, &e)
		edit = append(edit, func(to *ledger.Event) {
			if !e.Time.IsZero() {
				to.Time = e.Time
			}
		})
	}
	event := b.Event(ledger.Registrar, ledger.SubmissionRefusedKind, string(agency), b.clock, p, edit...)
	b.records = append(b.records, b.Record(b.records, b.Sign(ledger.Registrar, event, testkit.RegistrarKey), b.clock))
}

// all gives the leaves of the log.
func (b *book) all() [][]byte {
	out := make([][]byte, len(b.records))
	for i, r := range b.records {
		out[i] = r.Leaf()
	}
	for i, leaf := range b.leaves {
		if leaf != nil {
			out[i] = leaf
		}
	}
	return out
}

// checkpoint signs the log up to a size, its root made by x/mod's tlog.
func (b *book) checkpoint(leaves [][]byte) []byte {
	b.t.Helper()
	return b.sign(ledger.Checkpoint{Origin: b.Origin, Size: ledger.Position(len(leaves)), Root: rootOf(b.t, leaves)})
}

func (b *book) sign(c ledger.Checkpoint) []byte {
	b.t.Helper()
	signer, _, _ := b.NoteKeys("")
	signed, err := ledger.SignCheckpoint(c, signer)
	if err != nil {
		b.t.Fatal(err)
	}
	return signed
}

func rootOf(t testing.TB, leaves [][]byte) ledger.Hash {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(list []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(list))
		for i, at := range list {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(len(leaves)), reader)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Hash(root)
}

func (b *book) open(signed []byte) ledger.Witnessed {
	b.t.Helper()
	w, err := b.policy.Open(signed)
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

// config has all that a test may want to change.
func (b *book) config(leaves [][]byte, change ...func(*verify.Config)) verify.Config {
	c := verify.Config{
		Policy: b.policy, Schemas: validator(), Workers: 2, Program: "test",
		Read: func(p ledger.Position) ([]byte, error) {
			if p > ledger.Position(len(leaves)) {
				return nil, fmt.Errorf("no leaf at %d", p)
			}
			return leaves[p-1], nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func (b *book) auditor(leaves [][]byte, change ...func(*verify.Config)) *verify.Auditor {
	return verify.New(b.config(leaves, change...))
}

// audit checks the whole ledger against a checkpoint of it.
func (b *book) audit(change ...func(*verify.Config)) verify.Report {
	b.t.Helper()
	leaves := b.all()
	a := b.auditor(leaves, change...)
	b.take(a, 1, leaves)
	return b.finish(a, b.checkpoint(leaves))
}

// take hands leaves over in batches of a few.
func (b *book) take(a *verify.Auditor, first ledger.Position, leaves [][]byte) {
	b.t.Helper()
	const many = 5
	for i := 0; i < len(leaves); i += many {
		if err := a.Take(first+ledger.Position(i), leaves[i:min(i+many, len(leaves))]); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *book) finish(a *verify.Auditor, signed []byte) verify.Report {
	b.t.Helper()
	r, err := a.Finish(b.open(signed))
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// want holds the findings of a report against "<position> <code>" words; none
// means a valid ledger.
func want(t testing.TB, r verify.Report, wanted ...string) {
	t.Helper()
	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprintf("%d %s", f.Position, f.Code))
	}
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		t.Errorf("found %v, want %v\n%+v", got, wanted, r.Findings)
	}
	if r.Valid != (len(wanted) == 0) || r.Total != uint64(len(wanted)) {
		t.Errorf("valid %v, %d findings, want %d", r.Valid, r.Total, len(wanted))
	}
}

func itoa(p ledger.Position) string { return fmt.Sprint(uint64(p)) }

// drop takes a record out, and nobody shall see that it was there.
func (b *book) drop(at ledger.Position) {
	b.records = append(b.records[:at-1:at-1], b.records[at:]...)
	b.renumber()
}

func (b *book) renumber() {
	for i := range b.records {
		b.records[i].Position = ledger.Position(i + 1)
	}
}

// receipts are those that senders were given for the records as they stand.
func (b *book) receipts() map[string][]byte {
	b.t.Helper()
	signer, _, _ := b.NoteKeys("receipt")
	out := map[string][]byte{}
	for _, r := range b.records[1:] {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			b.t.Fatal(err)
		}
		receipt := ledger.Receipt{
			Origin: b.Origin, Agency: e.Source, Event: e.ID, Sum: sha256.Sum256(r.Body), Outcome: ledger.Admitted,
			Position: r.Position, Recorded: r.Recorded, Leaf: r.LeafHash(),
		}
		if p, ok := e.Payload.(*ledger.SubmissionRefused); ok {
			receipt.Agency, receipt.Event, receipt.Sum, receipt.Outcome = p.Agency, "-", sha256.Sum256([]byte("{")), ledger.Refused
			receipt.Reason, receipt.Nonce = p.Reason, [32]byte{7}
		}
		if out[fmt.Sprintf("receipt-%d", r.Position)], err = ledger.SignReceipt(receipt, signer); err != nil {
			b.t.Fatal(err)
		}
	}
	return out
}
