package transparency

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// witnessed adds a witness to the history's policy.
func (h *history) witnessed(r *running) ledger.Policy {
	p := h.policy
	p.Witnesses = []ledger.PolicyWitness{{Name: "w1", Key: r.Key()}}
	p.Quorum = "w1"
	return p
}

// TestForkRefused: the holder of the log's key shows a second log of the same
// size. The two checkpoints prove it to anybody.
func TestForkRefused(t *testing.T) {
	h := newHistory(t, 9)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	r.cosigns(t, h, 0, 5)
	r.cosigns(t, h, 5, 9)
	fork := h.edited(3)
	for _, older := range []int{0, 5, 9} {
		if status, _, text := r.post(t, fork.request(older, 9)); status != 409 || text != "9\n" {
			t.Errorf("from %d: status %d, %q", older, status, text)
		}
	}
	kept := r.kept(t)
	if len(kept) != 1 {
		t.Fatalf("%d pieces of evidence are kept of one fork", len(kept))
	}
	v, err := kept[0].Judge(h.witnessed(r))
	if err != nil || !v.Proven || v.Kind != Fork || v.Cosigned != "w1" || v.Known.Size != 9 || v.Known.Root == v.Offered.Root {
		t.Errorf("verdict %+v, %v", v, err)
	}
	// Without any policy of witnesses the log's key is enough.
	if v, err := kept[0].Judge(h.policy); err != nil || !v.Proven || v.Cosigned != "" {
		t.Errorf("by the log's key alone: %+v, %v", v, err)
	}
	// The witness goes on with the log it knows.
	r.cosigns(t, h, 9, 9)
}

// TestEditedHistoryRefused: records were changed, and more added. That is proven
// by the tiles of the larger log, whoever has them.
func TestEditedHistoryRefused(t *testing.T) {
	h := newHistory(t, 600)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	r.cosigns(t, h, 0, 500)
	edited := h.edited(300)
	if status, _, text := r.post(t, edited.request(500, 600)); status != 422 {
		t.Fatalf("status %d, %q", status, text)
	}
	kept := r.kept(t)
	if len(kept) != 1 {
		t.Fatalf("%d pieces of evidence", len(kept))
	}
	policy := h.witnessed(r)
	if v, err := kept[0].Judge(policy); err != nil || v.Proven || v.Kind != Edited {
		t.Errorf("by itself: %+v, %v", v, err)
	}
	if v, err := kept[0].JudgeBy(t.Context(), policy, edited.fetch); err != nil || !v.Proven {
		t.Errorf("with the log's tiles: %+v, %v", v, err)
	}
	// Tiles of another log prove nothing, for or against.
	if v, err := kept[0].JudgeBy(t.Context(), policy, h.fetch); err == nil || errors.Is(err, ErrNotEvidence) || v.Proven {
		t.Errorf("with another log's tiles: %+v, %v", v, err)
	}
	r.cosigns(t, h, 500, 600) // the true one is still welcome
}

// TestRollbackRefused: the log shows fewer records than it had. If they are
// others, its tiles prove it; if they are the same, nothing was done to them.
func TestRollbackRefused(t *testing.T) {
	h := newHistory(t, 600)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	r.cosigns(t, h, 0, 600)
	edited := h.edited(300)
	edited.leaves = edited.leaves[:400]
	if status, contentType, text := r.post(t, edited.request(100, 400)); status != 409 || contentType != sizeText || text != "600\n" {
		t.Fatalf("status %d, %q", status, text)
	}
	if status, _, _ := r.post(t, h.request(0, 350)); status != 409 {
		t.Fatalf("an old checkpoint again: status %d", status)
	}
	kept := r.kept(t)
	if len(kept) != 2 {
		t.Fatalf("%d pieces of evidence", len(kept))
	}
	slices.SortFunc(kept, func(a, b Evidence) int { return len(b.Proof) - len(a.Proof) })
	policy := h.witnessed(r)
	for i, e := range kept {
		if v, err := e.Judge(policy); err != nil || v.Proven || v.Kind != Rollback || v.Cosigned != "w1" {
			t.Errorf("%d by itself: %+v, %v", i, v, err)
		}
	}
	if v, err := kept[0].JudgeBy(t.Context(), policy, h.fetch); err != nil || !v.Proven {
		t.Errorf("a changed and shortened log: %+v, %v", v, err)
	}
	if v, err := kept[1].JudgeBy(t.Context(), policy, h.fetch); !errors.Is(err, ErrNotEvidence) || v.Proven {
		t.Errorf("an old checkpoint of the same log: %+v, %v", v, err)
	}
}

// TestNotEvidence: what a file says of itself counts for nothing.
func TestNotEvidence(t *testing.T) {
	h := newHistory(t, 9)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	known, fork := mustSign(t, h, 9), mustSign(t, h.edited(3), 9)
	stranger := newHistory(t, 9)
	base := Evidence{Kind: Fork, At: time.Unix(1, 0).UTC(), Witness: r.Key(), Known: known, Offered: fork}
	if v, err := base.Judge(h.policy); err != nil || !v.Proven {
		t.Fatalf("the sound one: %+v, %v", v, err)
	}
	for _, c := range []struct {
		name string
		edit func(*Evidence)
	}{
		{"the same twice", func(e *Evidence) { e.Offered = known }},
		{"not signed by the log", func(e *Evidence) { e.Offered = mustSign(t, stranger, 9) }},
		{"known not signed by the log", func(e *Evidence) { e.Known = mustSign(t, stranger, 9) }},
		{"changed after it was signed", func(e *Evidence) { e.Offered = []byte(strings.Replace(string(known), "\n9\n", "\n8\n", 1)) }},
		{"no records", func(e *Evidence) { e.Offered = mustSign(t, h, 0) }},
		{"a proof that holds", func(e *Evidence) { e.Known, e.Offered, e.Proof = mustSign(t, h, 5), known, h.from(5, 9) }},
	} {
		e := base
		c.edit(&e)
		if v, err := e.Judge(h.policy); !errors.Is(err, ErrNotEvidence) || v.Proven {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
		if _, err := e.JudgeBy(t.Context(), h.policy, h.fetch); !errors.Is(err, ErrNotEvidence) {
			t.Errorf("%s, with the tiles: %v", c.name, err)
		}
	}
	lies := base
	lies.Kind = Rollback
	if v, err := lies.Judge(h.policy); err != nil || v.Kind != Fork {
		t.Errorf("a fork that calls itself a rollback: %+v, %v", v, err)
	}
}

// TestEvidenceBounded: nobody fills the witness's disk, and what strangers can
// send does not crowd out what only the log can make.
func TestEvidenceBounded(t *testing.T) {
	h := newHistory(t, 9)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	r.cosigns(t, h, 0, 9)
	for i := range maxKept {
		check(t, os.WriteFile(filepath.Join(r.Dir, "evidence", fmt.Sprintf("rollback-%d.txt", i)), nil, 0o600))
	}
	if status, _, _ := r.post(t, h.request(0, 5)); status != 409 {
		t.Errorf("refused with status %d", status)
	}
	if status, _, _ := r.post(t, h.edited(2).request(0, 9)); status != 409 {
		t.Errorf("refused with status %d", status)
	}
	files, err := filepath.Glob(filepath.Join(r.Dir, "evidence", "*"))
	check(t, err)
	forks, err := filepath.Glob(filepath.Join(r.Dir, "evidence", "fork-*"))
	check(t, err)
	if len(files) != maxKept+1 || len(forks) != 1 {
		t.Errorf("%d files, %d of them forks; want %d and 1", len(files), len(forks), maxKept+1)
	}
	// Junk that came along is not kept.
	junk := append(h.edited(4).request(9, 9), strings.Repeat("— x "+strings.Repeat("A", 512)+"\n", 90)...)
	if status, _, _ := r.post(t, junk); status != 409 {
		t.Errorf("refused with status %d", status)
	}
	forks, err = filepath.Glob(filepath.Join(r.Dir, "evidence", "fork-*"))
	check(t, err)
	for _, f := range forks {
		info, err := os.Stat(f)
		check(t, err)
		if info.Size() > 2000 {
			t.Errorf("%s has %d bytes", f, info.Size())
		}
	}
	if len(forks) != 2 {
		t.Errorf("%d forks are kept, want 2", len(forks))
	}
}

func TestEvidenceText(t *testing.T) {
	h := newHistory(t, 9)
	r := startWitness(t, filepath.Join(t.TempDir(), "w1"), h.policy)
	e := Evidence{Kind: Edited, At: time.Unix(1800000000, 0).UTC(), Witness: r.Key(), Proof: h.from(3, 9), Known: mustSign(t, h, 3), Offered: mustSign(t, h, 9)}
	text := e.Text()
	back, err := ParseEvidence(text)
	if err != nil || back.Text() != text || back.At != e.At || len(back.Proof) != len(e.Proof) {
		t.Fatalf("read back as %+v, %v", back, err)
	}
	for i := range len(text) { // every cut is noticed
		if _, err := ParseEvidence(text[:i]); err == nil {
			t.Errorf("cut to %d bytes it is read", i)
		}
	}
	for _, c := range [][2]string{
		{"kind edited", "kind theft"},
		{"kind edited", "kind  edited"},
		{"Z\n", "+00:00\n"},
		{"proof 5", "proof 05"},
		{"proof 5", "proof 64"},
		{"proof 5", "proof 4"},
		{"known 5", "known 4"},
		{"known 5", "known -1"},
		{"offered 5", "offered 6"},
		{"offered 5", "offered x"},
		{"witness w", "witness v"},
	} {
		if !strings.Contains(text, c[0]) {
			t.Fatalf("the text has no %q:\n%s", c[0], text)
		}
		if _, err := ParseEvidence(strings.Replace(text, c[0], c[1], 1)); err == nil {
			t.Errorf("%q for %q is read", c[1], c[0])
		}
	}
	if _, err := ParseEvidence(text + "\n"); err == nil {
		t.Error("with more at the end it is read")
	}
}

// TestEvidenceGolden holds the form of evidence to its bytes: what a witness kept is
// read years later.
func TestEvidenceGolden(t *testing.T) {
	golden := filepath.Join("..", "ledger", "testdata", "golden")
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		check(t, err)
		return text
	}
	policy, err := ledger.ParsePolicy(string(read(filepath.Join(golden, "policy.txt"))))
	check(t, err)
	e := Evidence{
		Kind: Edited, At: time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC), Witness: policy.Witnesses[0].Key, Proof: []ledger.Hash{{1}, {2}},
		Known: read(filepath.Join(golden, "checkpoint-cosigned.note")), Offered: read(filepath.Join(golden, "checkpoint.note")),
	}
	want := string(read(filepath.Join("testdata", "evidence.golden")))
	if e.Text() != want {
		t.Errorf("evidence is written as\n%s\nnot\n%s", e.Text(), want)
	}
	if back, err := ParseEvidence(want); err != nil || back.Text() != want {
		t.Errorf("read as %+v, %v", back, err)
	}
}

func FuzzEvidence(f *testing.F) {
	h := newHistory(f, 9)
	key, err := ledger.NewWitnessKey("w.example/1", make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	_, known := h.at(3)
	_, offered := h.at(9)
	for _, e := range []Evidence{
		{Kind: Edited, At: time.Unix(1800000000, 0), Witness: key, Proof: h.from(3, 9), Known: known, Offered: offered},
		{Kind: Fork, Witness: key},
	} {
		f.Add(e.Text())
	}
	f.Add(evidenceMagic + "\nkind fork\nat 2026-01-01T00:00:00Z\nwitness x\nproof 63\n")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEvidence(text)
		if err != nil {
			return
		}
		if e.Text() != text {
			t.Errorf("read and written it is\n%q\nnot\n%q", e.Text(), text)
		}
		if v, err := e.Judge(h.policy); err == nil && (v.Known.Origin != testOrigin || v.Offered.Origin != testOrigin) {
			t.Errorf("judged to be about %v and %v", v.Known, v.Offered)
		}
	})
}

func FuzzAddCheckpoint(f *testing.F) {
	h := newHistory(f, 9)
	for _, body := range [][]byte{h.request(0, 9), h.request(3, 9), []byte("old 3\n\n"), []byte("old 18446744073709551616\n\nx\n")} {
		f.Add(body)
	}
	r := startWitness(f, filepath.Join(f.TempDir(), "w1"), h.policy)
	log := note.VerifierList(h.verifier())
	f.Fuzz(func(t *testing.T, body []byte) {
		a := r.add(t.Context(), body)
		if a.status < 200 || a.status > 499 {
			t.Errorf("answer %+v", a)
		}
		q, err := parseAddCheckpoint(body)
		if err != nil && a.status != 400 {
			t.Errorf("unreadable (%v), and the answer is %+v", err, a)
		}
		if err == nil && string(q.Text()) != string(body) {
			t.Errorf("read and written it is another")
		}
		if a.status != 200 {
			return
		}
		if _, err := note.Open(q.Signed, log); err != nil {
			t.Errorf("cosigned what the log did not sign: %v", err)
		}
	})
}

// FuzzTake: whatever a witness answers, a line that is taken makes a note with a
// valid cosignature of that witness.
func FuzzTake(f *testing.F) {
	h := newHistory(f, 4)
	c, _ := h.at(4)
	secret, _, err := newWitnessSecret("w.example/1")
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1800000000, 0)
	good := ledger.Cosign(secret.key, secret.private, c.Text(), now)
	f.Add([]byte(good))
	f.Add([]byte("— x AAAA\n\n" + good + good))
	f.Add([]byte(strings.Replace(good, "=", "\r=", 1)))
	w := &asked{key: secret.key}
	f.Fuzz(func(t *testing.T, body []byte) {
		line, err := w.take(c.Text(), body, now)
		if (err == nil) == (line == "") {
			t.Errorf("line %q, error %v", line, err)
		}
		if err == nil && line != good {
			t.Errorf("took %q", line)
		}
		_, _ = parseSize(body)
	})
}
