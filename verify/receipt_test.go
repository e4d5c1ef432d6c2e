package verify_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// receipt signs what a registrar that cheats may sign.
func (b *book) receipt(at ledger.Position, change func(*ledger.Receipt)) []byte {
	b.t.Helper()
	_, verifier, _ := b.NoteKeys("receipt")
	signer, _, _ := b.NoteKeys("receipt")
	honest, err := ledger.OpenReceipt(b.receipts()["receipt-"+itoa(at)], verifier)
	if err != nil {
		b.t.Fatal(err)
	}
	change(&honest)
	signed, err := ledger.SignReceipt(honest, signer)
	if err != nil {
		b.t.Fatal(err)
	}
	return signed
}

// TestReceipts: what may be wrong with a receipt, and what is not.
func TestReceipts(t *testing.T) {
	b, _ := told(t)
	last := b.records[len(b.records)-1].Recorded
	for _, x := range []struct {
		name   string
		signed []byte
		body   []byte
		want   []string
	}{
		{"admitted", b.receipt(first, func(*ledger.Receipt) {}), b.records[first-1].Body, nil},
		{"refused", b.receipt(17, func(*ledger.Receipt) {}), []byte("{"), nil},
		{"refused, with other bytes beside it", b.receipt(17, func(*ledger.Receipt) {}), []byte("["), nil},
		{"not a receipt", []byte("berkas/receipt/v1\n"), nil, []string{"0 receipt-forged"}},
		{"altered", bytes.Replace(b.receipt(first, func(*ledger.Receipt) {}), []byte("position: 9"), []byte("position: 8"), 1), nil, []string{"0 receipt-forged"}},
		{"another leaf", b.receipt(first, func(r *ledger.Receipt) { r.Leaf[0] ^= 1 }), nil, []string{"9 receipt-missing"}},
		{"of other bytes", b.receipt(first, func(r *ledger.Receipt) { r.Sum[0] ^= 1 }), nil, []string{"9 receipt-contradicts"}},
		{"of another agency", b.receipt(first, func(r *ledger.Receipt) { r.Agency = ledger.BKN }), nil, []string{"9 receipt-contradicts"}},
		{"recorded at another time", b.receipt(first, func(r *ledger.Receipt) { r.Recorded = r.Recorded.Add(time.Second) }), nil, []string{"9 receipt-contradicts"}},
		{"admitted, and it is a refusal", b.receipt(17, func(r *ledger.Receipt) {
			r.Outcome, r.Event, r.Reason, r.Nonce = ledger.Admitted, b.NewID(), "", [32]byte{}
		}), nil, []string{"17 receipt-contradicts"}},
		{"refused, and it is an event", b.receipt(first, func(r *ledger.Receipt) { r.Outcome, r.Reason = ledger.Refused, ledger.CodeSchema }), nil, []string{"9 receipt-contradicts"}},
		{"refused for something else", b.receipt(17, func(r *ledger.Receipt) { r.Reason = ledger.CodeSchema }), nil, []string{"17 receipt-contradicts"}},
		{"refused, and the digest is of something else", b.receipt(17, func(r *ledger.Receipt) { r.Nonce[0] ^= 1 }), []byte("{"), []string{"17 receipt-contradicts"}},
		{"newer than the checkpoint", b.receipt(17, func(r *ledger.Receipt) { r.Position, r.Recorded = 18, last.Add(time.Second) }), nil, nil},
		{"not covered in time", b.receipt(17, func(r *ledger.Receipt) { r.Position, r.Recorded = 18, last.Add(-61*time.Second) }), nil, []string{"18 receipt-overdue"}},
	} {
		leaves := b.all()
		a := b.auditor(leaves)
		b.take(a, 1, leaves)
		a.Receipt(x.name, x.signed, x.body)
		r := b.finish(a, b.checkpoint(leaves))
		t.Run(x.name, func(t *testing.T) { want(t, r, x.want...) })
		if sum := ledger.Hash(sha256.Sum256(x.body)); x.name == "refused" && r.Receipts.Covered != 1 {
			t.Errorf("%+v of %s", r.Receipts, sum)
		}
	}
}

// TestOverdueByWitness: a witness's time tells, too, that a receipt should have
// been covered.
func TestOverdueByWitness(t *testing.T) {
	b, _ := told(t)
	leaves := b.all()
	signed := b.witnessed(b.checkpoint(leaves)) // an hour later
	a := b.auditor(leaves)
	b.take(a, 1, leaves)
	a.Receipt("receipt", b.receipt(17, func(r *ledger.Receipt) { r.Position = 18 }), nil)
	want(t, b.finish(a, signed), "18 receipt-overdue")
}

// TestGenesis: a ledger that is not the policy's, or none at all.
func TestGenesis(t *testing.T) {
	b, _ := told(t)
	for name, x := range map[string]struct {
		change func(*ledger.Policy)
		want   []string
	}{
		"another genesis":     {func(p *ledger.Policy) { p.Genesis[0] ^= 1 }, []string{"1 genesis-other"}},
		"another receipt key": {func(p *ledger.Policy) { _, _, p.Receipt = b.NoteKeys("other") }, []string{"1 genesis-keys"}},
	} {
		r := b.audit(func(c *verify.Config) { x.change(&c.Policy) })
		t.Run(name, func(t *testing.T) { want(t, r, x.want...) })
	}
	t.Run("no genesis", func(t *testing.T) {
		b, _ := told(t)
		b.drop(1)
		b.policy.Genesis = b.records[0].LeafHash()
		if r := b.audit(); r.Valid || !slices.Contains(words(r), "1 genesis-invalid") {
			t.Errorf("%v", words(r))
		}
	})
	t.Run("nothing", func(t *testing.T) {
		r, err := b.auditor(nil).Finish(ledger.Witnessed{})
		if err != nil {
			t.Fatal(err)
		}
		want(t, r, "1 genesis-invalid")
	})
	t.Run("signed by another", func(t *testing.T) {
		b, _ := told(t)
		r := &b.records[0]
		r.Signatures = []ledger.Signature{ledger.Sign(testkit.RegistrarKey, b.Private("registrar/2"), r.Body)}
		b.policy.Genesis = r.LeafHash()
		if got := b.audit(); got.Valid || !slices.Contains(words(got), "1 genesis-invalid") {
			t.Errorf("%v", words(got))
		}
	})
}

// TestBounded: a ledger that is wrong throughout is counted, and does not fill
// the memory.
func TestBounded(t *testing.T) {
	b, _ := told(t)
	for range 300 {
		b.write(b.Sign(ledger.Bawaslu, opening(b).Body, "bawaslu/none"))
	}
	r := b.audit()
	if r.Total != 300 || len(r.Findings) != 100 || r.Counts["key-unknown"] != 300 {
		t.Errorf("%d findings, %d kept", r.Total, len(r.Findings))
	}
	if text := r.Text(verify.Indonesian); !bytes.Contains([]byte(text), []byte("200 lagi berkode key-unknown")) {
		t.Errorf("the text does not say how many more there are:\n%.300s", text[len(text)-300:])
	}
}
