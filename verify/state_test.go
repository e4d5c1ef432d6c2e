package verify_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

func save(t testing.TB, a *verify.Auditor) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := a.Save(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// resume goes on from what was saved.
func (b *book) resume(saved []byte, leaves [][]byte, change ...func(*verify.Config)) (*verify.Auditor, error) {
	return verify.Resume(b.config(leaves, change...), saved)
}

// full is a book with late records, corrections and a revoked key at its end.
func full(t testing.TB) *book {
	b, id := told(t)
	e, _ := ledger.Decode(b.records[first+4].Body) // KASN's clarification
	b.write(b.Say(ledger.KASN, ledger.CaseClarifiedKind, id, today.Add(-4*time.Hour+time.Minute), ledger.CaseClarified{
		Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeProven}},
	}))
	b.write(b.Say(ledger.KASN, ledger.EventCorrectedKind, id, today, ledger.EventCorrected{
		Event: e.ID, Kind: e.Kind, Version: 1, Action: ledger.ActionReplace, Reason: "wrong-data", Data: e.Data,
	}))
	b.write(b.AddKey(ledger.BKN, "bkn/b", today), opening(b), b.RevokeKey(ledger.BKN, "bkn/b", today))
	b.write(opening(b))
	b.refuse(ledger.KASN, []byte("["))
	return b
}

// TestResume: an audit that is interrupted after any record and goes on comes to
// the same report, but for where it began.
func TestResume(t *testing.T) {
	for name, b := range map[string]*book{"right": full(t), "wrong": func() *book {
		b := full(t)
		b.swapBody(first, `"73.71"`, `"73.72"`)
		b.records[first+1].Recorded = b.records[first+1].Recorded.Add(-time.Hour)
		return b
	}()} {
		leaves := b.all()
		signed := b.checkpoint(leaves)
		whole := b.audit()
		for at := range leaves {
			a := b.auditor(leaves)
			b.take(a, 1, leaves[:at])
			again, err := b.resume(save(t, a), leaves)
			if err != nil {
				t.Fatalf("%s, at %d: %v", name, at, err)
			}
			b.take(again, ledger.Position(at+1), leaves[at:])
			r := b.finish(again, signed)
			if r.From != ledger.Position(at+1) {
				t.Errorf("%s: it went on from %d after %d", name, r.From, at)
			}
			r.From = whole.From
			if got, want := asJSON(t, r), asJSON(t, whole); got != want {
				t.Fatalf("%s, at %d:\n%s\nwant\n%s", name, at, got, want)
			}
		}
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	out, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestStateIsWhole: what was read back is written as it was.
func TestStateIsWhole(t *testing.T) {
	b := loaded(t, 100)
	leaves := b.all()
	a := b.auditor(leaves)
	b.take(a, 1, leaves)
	want(t, b.finish(a, b.checkpoint(leaves)))
	saved := save(t, a)
	again, err := b.resume(saved, leaves)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(save(t, again), saved) {
		t.Error("saved again it is another state")
	}
	if verify.DiffCases(a, again) != "" {
		t.Error(verify.DiffCases(a, again))
	}
}

// TestIncremental: the second audit judges what is new and finds a log that is
// not the one seen before.
func TestIncremental(t *testing.T) {
	b := full(t)
	leaves := b.all()
	a := b.auditor(leaves)
	b.take(a, 1, leaves)
	want(t, b.finish(a, b.checkpoint(leaves)))
	saved, size := save(t, a), b.last()

	t.Run("more", func(t *testing.T) {
		b := *b
		b.t, b.records = t, slices.Clone(b.records)
		b.write(opening(&b), opening(&b))
		r := b.again(saved)
		want(t, r)
		if r.From != size+1 || r.Judged.Records != uint64(size)+2 || len(r.Held) != 1 || !r.Held[0].Agrees {
			t.Errorf("%+v", r)
		}
	})
	t.Run("nothing new", func(t *testing.T) { want(t, b.again(saved)) })
	t.Run("rolled back", func(t *testing.T) {
		b := *b
		b.t, b.records = t, slices.Clone(b.records[:size-1])
		want(t, b.again(saved), fmt.Sprint(size, " log-shorter"))
	})
	t.Run("edited", func(t *testing.T) {
		b := *b
		b.t, b.records = t, slices.Clone(b.records)
		b.records[first].Recorded = b.records[first].Recorded.Add(time.Microsecond)
		b.write(opening(&b))
		leaves := b.all()
		again, err := b.resume(saved, leaves)
		if err != nil {
			t.Fatal(err)
		}
		b.take(again, size+1, leaves[size:])
		signed := b.checkpoint(leaves)
		if again.Settle() != nil || again.Agrees(b.open(signed).Checkpoint) {
			t.Fatal("the edited log's root is that of the log before")
		}
		again.Compare(1, leaves)
		want(t, b.finish(again, signed), "0 root-differs", "10 record-altered")
	})
	t.Run("edited under the auditor's hands", func(t *testing.T) {
		b := *b
		b.t, b.records = t, slices.Clone(b.records)
		id := b.records[first].CaseID()
		b.write(b.Say(ledger.Bawaslu, ledger.CompletenessCheckedKind, id, today.Add(-9*time.Hour+time.Minute), ledger.CompletenessChecked{Result: "complete"}))
		leaves := b.all()
		other := slices.Clone(leaves)
		r := b.records[first]
		r.Recorded = r.Recorded.Add(time.Microsecond)
		other[first] = r.Leaf()
		again, err := b.resume(saved, other)
		if err != nil {
			t.Fatal(err)
		}
		b.take(again, size+1, leaves[size:])
		if r := b.finish(again, b.checkpoint(leaves)); !slices.Contains(words(r), "10 record-altered") {
			t.Errorf("found %v", words(r))
		}
	})
}

// again audits what is new since a state.
func (b *book) again(saved []byte) verify.Report {
	b.t.Helper()
	leaves := b.all()
	a, err := b.resume(saved, leaves)
	if err != nil {
		b.t.Fatal(err)
	}
	if a.Position() < b.last() {
		b.take(a, a.Position()+1, leaves[a.Position():])
	}
	return b.finish(a, b.checkpoint(leaves))
}

// TestStateRefused: a state that is damaged, of another ledger or of another
// program is never gone on from.
func TestStateRefused(t *testing.T) {
	b := full(t)
	leaves := b.all()
	a := b.auditor(leaves)
	b.take(a, 1, leaves)
	saved := save(t, a)
	refused := func(name string, saved []byte, change ...func(*verify.Config)) {
		t.Helper()
		if _, err := b.resume(saved, leaves, change...); !errors.Is(err, verify.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for at := range saved {
		bad := bytes.Clone(saved)
		bad[at] ^= 1
		refused(fmt.Sprintf("bit flipped in byte %d", at), bad)
	}
	for at := 0; at < len(saved); at += 7 {
		refused(fmt.Sprintf("cut at byte %d", at), saved[:at])
	}
	refused("more behind it", append(bytes.Clone(saved), 0))
	refused("another version", saved, func(c *verify.Config) { c.Program = "9.9.9" })
	refused("another origin", saved, func(c *verify.Config) { c.Policy.Origin = "berkas.example/lain" })
	refused("another genesis", saved, func(c *verify.Config) { c.Policy.Genesis[0] ^= 1 })
	refused("nothing to read from", saved, func(c *verify.Config) { c.Read = nil })

	lax := b.auditor(leaves, func(c *verify.Config) { c.Schemas = nil })
	b.take(lax, 1, leaves)
	refused("made without schemas", save(t, lax))
	strict, err := b.resume(saved, leaves, func(c *verify.Config) { c.Schemas = nil })
	if err != nil {
		t.Fatal(err)
	}
	refused("gone on without schemas", save(t, strict))
}

// FuzzResume: whatever is in a state with a right digest, it is gone on from or
// refused.
func FuzzResume(f *testing.F) {
	b := full(f)
	leaves := b.all()
	a := b.auditor(leaves)
	b.take(a, 1, leaves)
	saved := save(f, a)
	f.Add(saved[:len(saved)-sha256.Size])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		a, err := b.resume(append(bytes.Clone(body), sum[:]...), leaves)
		if err != nil {
			if !errors.Is(err, verify.ErrState) {
				t.Fatal(err)
			}
			return
		}
		_ = a.Take(a.Position()+1, leaves[:1])
		_ = a.Settle()
	})
}
