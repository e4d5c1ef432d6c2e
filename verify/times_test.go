package verify_test

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// seen is the checkpoint of the log as a witness of the policy saw it at a time.
func (b *book) seen(at time.Time) []byte {
	b.t.Helper()
	private := b.Private("witness/1")
	key, err := ledger.NewWitnessKey("witness.example/1", private.Public().(ed25519.PublicKey))
	if err != nil {
		b.t.Fatal(err)
	}
	b.policy.Witnesses = []ledger.PolicyWitness{{Name: "w1", Key: key}}
	signed := b.checkpoint(b.all())
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return append(signed, ledger.Cosign(key, private, text+"\n", at)...)
}

// TestRecordedAhead: what says that it was recorded after witnesses saw it is found,
// by the next audit, too.
func TestRecordedAhead(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration
		want  []string
	}{{-time.Hour, nil}, {time.Hour, nil}, {time.Hour + time.Second, []string{"18 recorded-ahead"}}} {
		b, _ := told(t)
		b.clock = b.clock.Add(time.Hour)
		b.write(opening(b))
		signed, leaves := b.seen(b.clock.Add(-c.ahead).Truncate(time.Second)), b.all()
		a := b.auditor(leaves)
		b.take(a, 1, leaves)
		want(t, b.finish(a, signed), c.want...)
		again, err := b.resume(save(t, a), leaves)
		if err != nil {
			t.Fatal(err)
		}
		want(t, b.finish(again, signed), c.want...)
	}
}

// TestBackDatedBetweenCheckpoints: a record that says it was recorded before
// witnesses saw a log without it is named, in words that accuse nobody: the log may
// not have been sealed for so long.
func TestBackDatedBetweenCheckpoints(t *testing.T) {
	// The witness saw it that much later than the last record of then.
	for later, shown := range map[time.Duration]bool{30 * time.Second: false, 61 * time.Second: false, 62 * time.Second: true, 72 * time.Hour: true} {
		b, _ := told(t)
		earlier := b.seen(b.clock.Add(later))
		recorded := b.clock
		b.write(opening(b)) // a second after the last
		now := b.seen(recorded.Add(later + time.Hour))
		leaves := b.all()
		a := b.auditor(leaves)
		b.take(a, 1, leaves)
		if err := a.Hold(verify.HeldLast, earlier); err != nil {
			t.Fatal(err)
		}
		r := b.finish(a, now)
		want(t, r)
		for _, l := range verify.Languages {
			said := strings.Contains(r.Text(l), map[verify.Language]string{verify.English: "Record 18 says", verify.Indonesian: "Catatan 18 menyatakan"}[l])
			if said != shown || (r.Held[0].Without == 18) != shown {
				t.Errorf("seen %s later: %+v\n%s", later, r.Held[0], r.Text(l))
			}
		}
	}
}
