package verify_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// TestFlippedBits: whichever bit of the log is flipped, the root tells; and if
// the log is signed anew over it, the record is found all the same, save in when
// it was recorded, which the ledger alone says and an earlier checkpoint keeps.
func TestFlippedBits(t *testing.T) {
	b := full(t)
	good := b.all()
	signed := b.checkpoint(good)
	draw := rand.New(rand.NewPCG(4, 5))
	for range 150 {
		at := draw.IntN(len(good))
		leaves := append([][]byte{}, good...)
		leaf := bytes.Clone(leaves[at])
		bit := draw.IntN(8 * len(leaf))
		leaf[bit/8] ^= 1 << (bit % 8)
		leaves[at] = leaf

		a := b.auditor(leaves)
		b.take(a, 1, leaves)
		if r := b.finish(a, signed); r.Valid || r.Counts[verify.CodeRootDiffers] != 1 {
			t.Fatalf("bit %d of position %d: %v", bit, at+1, words(r))
		}
		a = b.auditor(leaves)
		b.take(a, 1, leaves)
		r := b.finish(a, b.checkpoint(leaves))
		head := string(good[at][:bytes.Index(good[at], []byte("\nsubject: "))])
		recorded := bit/8 > strings.Index(head, "recorded: ") && bit/8 < len(head)
		found := strings.Contains(fmt.Sprint(words(r)), fmt.Sprintf("%d ", at+1))
		if !found && !recorded {
			t.Errorf("bit %d of position %d, signed anew: %v\n%q", bit, at+1, words(r), leaf)
		}
	}
}

// FuzzTake: whatever stands in the log, the audit goes on behind it, and what
// stands behind it is judged.
func FuzzTake(f *testing.F) {
	b, _ := told(f)
	leaves := b.all()
	for _, leaf := range leaves {
		f.Add(leaf)
	}
	f.Add([]byte{})
	f.Add([]byte("berkas/record/v1\nposition: 18\n"))
	f.Fuzz(func(t *testing.T, leaf []byte) {
		if len(leaf) > ledger.MaxLeaf {
			return
		}
		for _, change := range []func(*verify.Config){func(c *verify.Config) { c.Schemas = nil }, func(c *verify.Config) { c.Read = nil }} {
			last := b.Say(ledger.Bawaslu, ledger.CaseOpenedKind, "01726dd2-5380-7000-8000-0000000000ff", today.AddDate(0, 0, -40), ledger.CaseOpened{})
			r := b.Record(b.records, last, b.clock)
			r.Position = 19
			all := append(append([][]byte{}, leaves...), leaf, r.Leaf())
			a := b.auditor(all, change)
			if err := a.Take(1, all); err != nil {
				t.Fatal(err)
			}
			out, err := a.Finish(ledger.Witnessed{})
			if err != nil || out.Judged.Records != 19 || out.Valid {
				t.Fatalf("%v %+v", err, out)
			}
			if !strings.Contains(fmt.Sprint(words(out)), "19 ") {
				t.Fatalf("what is wrong behind it was not found: %v", words(out))
			}
		}
	})
}
