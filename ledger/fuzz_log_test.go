package ledger_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

func FuzzParseCheckpoint(f *testing.F) {
	golden := checkpointText(f)
	f.Add(golden)
	for _, tt := range badCheckpoints {
		f.Add(swap(f, golden, tt.old, tt.new))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ledger.ParseCheckpoint(text)
		if err == nil && (c.Text() != text || int64(c.Size) < 0 || !ledger.ValidOrigin(c.Origin)) {
			t.Errorf("%q is accepted as %+v", text, c)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	v := policyLog(f)
	for _, name := range []string{"checkpoint.note", "checkpoint-cosigned.note", "receipt-admitted.note"} {
		f.Add(goldenFile(f, name))
		f.Add(append(goldenFile(f, name), '\n'))
	}
	f.Fuzz(func(t *testing.T, signed []byte) {
		c, n, err := ledger.OpenCheckpoint(signed, v)
		if err == nil && (!bytes.HasPrefix(signed, []byte(c.Text()+"\n")) || n.Text != c.Text()) {
			t.Errorf("%q opens as %+v", signed, c)
		}
	})
}

func FuzzPolicyOpen(f *testing.F) {
	p := goldenPolicy(f)
	f.Add(goldenFile(f, "checkpoint-cosigned.note"))
	f.Add(goldenFile(f, "checkpoint.note"))
	f.Fuzz(func(t *testing.T, signed []byte) {
		w, err := p.Open(signed)
		if err != nil && !errors.Is(err, ledger.ErrNoQuorum) && (w.Size != 0 || w.By != nil) {
			t.Errorf("%q: %v, and yet %+v", signed, err, w)
		}
		if err == nil && (len(w.By) < 3 || w.Origin != origin) {
			t.Errorf("%q opens with %d cosignatures", signed, len(w.By))
		}
	})
}

func FuzzParseWitnessKey(f *testing.F) {
	golden := goldenWitnesses(f)[0].key.String()
	f.Add(golden)
	for _, tt := range badWitnessKeys {
		f.Add(swap(f, golden, tt.old, tt.new))
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ledger.ParseWitnessKey(text)
		if err != nil {
			return
		}
		if k.String() != text {
			t.Errorf("%q is accepted and written %q", text, k)
		}
		k.Verify([]byte(text), []byte(text))
		// The note format takes its name.
		if _, err := note.Open([]byte("x\n\n— "+k.Name()+" AAAAAAAA\n"), note.VerifierList(k)); errors.As(err, new(*note.UnverifiedNoteError)) == (k.KeyHash() == 0) {
			t.Errorf("a note with a signature of %q: %v", k.Name(), err)
		}
	})
}

func FuzzCosignedAt(f *testing.F) {
	line := goldenWitnesses(f)[0].cosign(checkpointText(f))
	f.Add(line[len("— bkn.example/witness ") : len(line)-1])
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ledger.CosignedAt(note.Signature{Base64: text})
		raw, bad := base64.StdEncoding.DecodeString(text)
		if err == nil && (at.Year() > 9999 || at.Unix() < 0 || bad != nil || len(raw) != 76) {
			t.Errorf("%q: %v", text, at)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	golden := string(goldenFile(f, "policy.txt"))
	f.Add(golden)
	for _, tt := range badPolicies {
		f.Add(swap(f, golden, tt.old, tt.new))
	}
	cosigned := goldenFile(f, "checkpoint-cosigned.note")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ledger.ParsePolicy(text)
		if err != nil {
			return
		}
		again, err := ledger.ParsePolicy(p.Text())
		if err != nil || again.Text() != p.Text() {
			t.Errorf("%q is accepted, and written as %q refused: %v", text, p.Text(), err)
		}
		if _, _, err := p.Verifiers(); err != nil {
			t.Errorf("%q is accepted: %v", text, err)
		}
		_, _ = p.Open(cosigned)
	})
}

func FuzzParseProof(f *testing.F) {
	golden := string(goldenFile(f, "record.tlog-proof"))
	f.Add(golden)
	for _, tt := range badProofs {
		f.Add(swap(f, golden, tt.old, tt.new))
	}
	policy := goldenPolicy(f)
	leaf := ledger.HashLeaf(goldenFile(f, "record.leaf"))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ledger.ParseProof(text)
		if err != nil {
			return
		}
		if p.Text() != text {
			t.Errorf("%q is accepted and written %q", text, p.Text())
		}
		if w, err := p.Verify(policy, leaf); err == nil && p.Position != 42 {
			t.Errorf("%q proves position %d in a log of %d", text, p.Position, w.Size)
		}
	})
}
