package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestAuditRemembersWhatItWasShown: an operator who showed a checkpoint cannot take
// it back by withholding records, or by not answering until the audit ends.
func TestAuditRemembersWhatItWasShown(t *testing.T) {
	for name, withheld := range map[string]error{"not there": fs.ErrNotExist, "no answer": errGone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newAuditedLog(t, 600)
			f := auditFlags{state: t.TempDir()}
			old, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
			if err != nil {
				t.Fatal(err)
			}
			l.open(900)
			l.withhold = func(path string) error {
				if strings.HasPrefix(path, "tile/entries/004") {
					return withheld
				}
				return nil
			}
			if r, _, _ := l.audit(f, 0); r.Valid {
				t.Fatal("valid without its records")
			}
			l.withhold = nil
			newest, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
			if err != nil {
				t.Fatal(err)
			}
			l.file("checkpoint", old)
			for _, f.again = range []bool{false, false, true, true, false} {
				r, _, err := l.audit(f, 0)
				if err != nil || r.Valid || !slices.Contains(found(r), "609 log-shorter") {
					t.Errorf("an older log, again %v: %v %v", f.again, err, found(r))
				}
			}
			l.file("checkpoint", newest)
			f.again = false
			r, _, err := l.audit(f, 0)
			if left, _ := filepath.Glob(filepath.Join(f.state, stateSeen+"*")); err != nil || !r.Valid || len(left) > 0 {
				t.Errorf("the log as it was shown: %v %v, left %v", err, found(r), left)
			}
		})
	}
}

// TestAuditAgainRemembers: judging everything anew forgets no checkpoint.
func TestAuditAgainRemembers(t *testing.T) {
	l := newAuditedLog(t, 10)
	f := auditFlags{state: t.TempDir()}
	old, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	l.open(10)
	if r, _, err := l.audit(f, 0); err != nil || !r.Valid {
		t.Fatal(err, found(r))
	}
	l.file("checkpoint", old)
	for _, f.again = range []bool{true, false, false} {
		if r, _, err := l.audit(f, 0); err != nil || !slices.Equal(found(r), []string{"19 log-shorter"}) {
			t.Errorf("again %v: %v %v", f.again, err, found(r))
		}
	}
}

// TestAuditReadsAnother: who shows one record, and another when it is read again,
// has the case judged without it. That stays found: what was kept rests on it.
func TestAuditReadsAnother(t *testing.T) {
	l := newAuditedLog(t, 10)
	id, at := l.NewID(), l.Start.Add(time.Hour)
	say := func(kind ledger.Kind, happened time.Time, payload any) {
		s := l.Say(ledger.Bawaslu, kind, id, happened, payload)
		l.records = append(l.records, l.Record(l.records, s, at.Add(time.Duration(len(l.records))*time.Second)))
	}
	say(ledger.CaseOpenedKind, at, testkit.Opened(1))
	say(ledger.CompletenessCheckedKind, at.Add(3*time.Second), ledger.CompletenessChecked{Result: "complete"})
	judged := len(l.records) - 1
	// It breaks what comes later, which has to be read again for that.
	say(ledger.CaseNotRegisteredKind, at.Add(2*time.Second), ledger.CaseNotRegistered{Reason: "incomplete"})
	l.write()
	if r, _, err := l.audit(auditFlags{}, 0); err != nil || r.Valid {
		t.Fatal(err, found(r))
	}
	whole, read := l.records, 0
	l.withhold = func(path string) error {
		if strings.HasPrefix(path, "tile/entries/") {
			if read++; read == 2 {
				l.records = slices.Clone(whole)
				l.records[judged].Recorded = l.records[judged].Recorded.Add(time.Microsecond)
				signed, err := os.ReadFile(filepath.Join(l.dir, "checkpoint"))
				if err != nil {
					return err
				}
				l.write()
				l.file("checkpoint", signed)
			}
		}
		return nil
	}
	f := auditFlags{state: t.TempDir()}
	for run := range 3 {
		if r, _, err := l.audit(f, 0); err != nil || !slices.Contains(found(r), "20 record-altered") {
			t.Fatalf("run %d: %v %v", run, err, found(r))
		}
		l.records = whole
		l.write()
	}
	f.again = true
	if r, _, err := l.audit(f, 0); err != nil || slices.Contains(found(r), "20 record-altered") || r.Valid {
		t.Errorf("judged anew: %v %v", err, found(r))
	}
}

// TestAuditOfALogThatClaimsAnything: a checkpoint may be signed for any number of
// records; what is not there is found, and takes no memory.
func TestAuditOfALogThatClaimsAnything(t *testing.T) {
	l := newAuditedLog(t, 600)
	signer, _, _ := l.NoteKeys("")
	signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: l.Origin, Size: 1<<62 + 5, Root: ledger.Hash{1}}, signer)
	if err != nil {
		t.Fatal(err)
	}
	l.file("checkpoint", signed)
	r, _, err := l.audit(auditFlags{state: t.TempDir(), tiles: true}, 0)
	if err != nil || r.Valid || !slices.Equal(found(r), []string{"513 records-missing"}) {
		t.Errorf("%v %v", err, found(r))
	}
}
