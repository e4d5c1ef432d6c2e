package eventstore

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// copyDir copies a directory of files.
func copyDir(tb testing.TB, dir string) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), filepath.Base(dir))
	check(tb, os.CopyFS(to, os.DirFS(dir)))
	return to
}

// sameFiles fails unless two directories hold the same files, byte by byte.
func sameFiles(tb testing.TB, got, want string) {
	tb.Helper()
	var names [2][]os.DirEntry
	for i, dir := range []string{got, want} {
		var err error
		names[i], err = os.ReadDir(dir)
		check(tb, err)
	}
	if len(names[0]) != len(names[1]) {
		tb.Fatalf("%s has %v, want %v", got, names[0], names[1])
	}
	for _, e := range names[1] {
		if !bytes.Equal(readFile(tb, filepath.Join(got, e.Name())), readFile(tb, filepath.Join(want, e.Name()))) {
			tb.Fatalf("%s differs", e.Name())
		}
	}
}

func rewriteOf(s *JournalScan, o JournalOptions) Rewrite {
	return Rewrite{
		ID: s.ID, Origin: s.Origin, Last: ledger.Position(len(s.Leaves)), rig: o.rig,
		Leaf: func(_ context.Context, p ledger.Position) ([]byte, error) { return s.Leaf(p) },
	}
}

// TestRewriteJournal puts journals back byte by byte, and keeps the damaged one.
func TestRewriteJournal(t *testing.T) {
	o := JournalOptions{rig: rig{perSegment: 4}}
	dir := newJournalWith(t, 3, o)
	j := openTestJournal(t, dir, o)
	check(t, j.Append(leavesOf(newRecords(5, 3, "", 300))))
	check(t, j.Close())
	sound := copyDir(t, dir)
	source := scanJournal(t, sound, o)
	for i, damage := range []func(path string) error{
		func(path string) error { return os.WriteFile(path, []byte("nothing of the kind"), 0o644) },
		os.Remove,
	} {
		check(t, damage(filepath.Join(dir, segmentName(0))))
		broken := copyDir(t, dir)
		hold, err := HoldJournal(t.Context(), dir)
		check(t, err)
		aside, err := RewriteJournal(t.Context(), dir, rewriteOf(source, o))
		check(t, err)
		check(t, hold.Close())
		if want := dir + ".damaged-" + string(rune('1'+i)); aside != want {
			t.Errorf("set aside as %s, want %s", aside, want)
		}
		sameFiles(t, aside, broken)
		sameFiles(t, dir, sound)
	}
	check(t, os.RemoveAll(dir))
	if aside, err := RewriteJournal(t.Context(), dir, rewriteOf(source, o)); err != nil || aside != "" {
		t.Fatalf("a journal that is gone: %s, %v", aside, err)
	}
	sameFiles(t, dir, sound)
	holds(t, openTestJournal(t, dir, o), newRecords(1, 7, "", 300))
}

// TestRewriteJournalCutOff: whoever looks finds the old journal or the new one.
func TestRewriteJournalCutOff(t *testing.T) {
	errCut := errors.New("cut off")
	dir := newJournal(t, 5)
	sound := copyDir(t, dir)
	source := scanJournal(t, sound, JournalOptions{})
	check(t, os.WriteFile(filepath.Join(dir, segmentName(0)), []byte("broken"), 0o644))
	broken := copyDir(t, dir)
	cutAt := func(step string) error {
		r := rewriteOf(source, JournalOptions{})
		r.rig.fault = func(name string) error {
			if name == step {
				return errCut
			}
			return nil
		}
		_, err := RewriteJournal(t.Context(), dir, r)
		return err
	}
	if err := cutAt(stepPrepared); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	sameFiles(t, dir, broken)
	// A source that turns out to be none changes nothing either.
	bad := rewriteOf(source, JournalOptions{})
	bad.Leaf = func(_ context.Context, p ledger.Position) ([]byte, error) { return source.Leaf(7 - p) }
	if _, err := RewriteJournal(t.Context(), dir, bad); err == nil {
		t.Fatal("records of other positions were taken")
	}
	sameFiles(t, dir, broken)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := cutAt(stepExchanged); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	sameFiles(t, dir, sound)
	kept, err := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if check(t, err); len(kept) != 1 {
		t.Fatalf("the damaged journal is kept as %v", kept)
	}
	sameFiles(t, kept[0], broken)
}

func TestHoldJournal(t *testing.T) {
	dir := newJournal(t, 1)
	hold, err := HoldJournal(t.Context(), dir)
	check(t, err)
	if _, err := OpenJournal(t.Context(), dir, testOrigin, JournalOptions{}); !errors.Is(err, ErrLocked) {
		t.Errorf("opened beside a holder: %v", err)
	}
	if _, err := HoldJournal(t.Context(), dir); !errors.Is(err, ErrLocked) {
		t.Errorf("held twice: %v", err)
	}
	check(t, hold.Close())
	openTestJournal(t, dir, JournalOptions{})
}

// TestScanLedger reads a sound LEDGER, and one that lacks records or has strange
// ones.
func TestScanLedger(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	commit(t, s, newRecords(2, 700, "", 300))
	scan := func(u User) *LedgerScan {
		t.Helper()
		l, err := ScanLedger(t.Context(), n.server.login(u), u)
		check(t, err)
		t.Cleanup(func() { check(t, l.Close()) })
		return l
	}
	for _, u := range []User{{Role: RoleRegistrar}, {Role: RoleFollower, Name: "auditor"}} {
		l := scan(u)
		if len(l.Flaws) > 0 || len(l.Leaves) != 701 {
			t.Fatalf("%s: %d records, flaws %+v", u.Role, len(l.Leaves), l.Flaws)
		}
		for _, p := range []ledger.Position{2, 350, 701} {
			leaf, err := l.Leaf(t.Context(), p)
			check(t, err)
			if !bytes.Equal(leaf, newRecord(p, "", 300).Leaf()) || l.Leaves[p-1] != newRecord(p, "", 300).LeafHash() {
				t.Fatalf("record %d differs", p)
			}
		}
		if u.Role == RoleRegistrar && (l.Journal != s.Journal().ID() || l.Origin != testOrigin) {
			t.Errorf("LEDGER belongs to %q of %q", l.Journal, l.Origin)
		}
	}
	// As the registrar alone may: something that is no record.
	c := n.server.connect(t, User{Role: RoleRegistrar})
	_, err := c.Request("ledger.roster", []byte("not a record"), requestTimeout)
	check(t, err)
	if l := scan(User{Role: RoleRegistrar}); len(l.Flaws) != 1 || l.Flaws[0].First != 702 || len(l.Leaves) != 701 {
		t.Errorf("flaws are %+v", l.Flaws)
	}
	check(t, s.Close())
	provision := n.server.connect(t, User{Role: RoleProvision})
	check(t, ask(t.Context(), provision, "STREAM.DELETE."+streamLedger, nil, nil))
	if l := scan(User{Role: RoleRegistrar}); len(l.Flaws) != 1 || len(l.Leaves) != 0 {
		t.Errorf("flaws of a LEDGER that is gone are %+v", l.Flaws)
	}
}
