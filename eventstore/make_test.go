package eventstore

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

const testOrigin = "rehearsal.example/eventstore"

var testStart = time.Date(2026, 11, 26, 3, 10, 0, 0, time.UTC)

// newRecord makes a record whose body is unlike any other's; attempt tells two
// records of one position apart.
func newRecord(p ledger.Position, attempt string, size int) ledger.Record {
	body := fmt.Appendf(nil, `{"position":%d,"attempt":%q,"pad":"`, p, attempt)
	if pad := size - len(body) - 2; pad > 0 {
		body = append(body, strings.Repeat("x", pad)...)
	}
	body = append(body, `"}`...)
	r := ledger.Record{
		Position: p,
		Recorded: testStart.Add(time.Duration(p) * time.Millisecond),
		Subject:  ledger.SubjectCase(testCase(p)),
		Body:     body,
	}
	if p == 1 {
		r.Subject = ledger.SubjectRoster
	}
	r.Signatures = []ledger.Signature{testSignature(body)}
	return r
}

// testCase is the case of a record; the records of every seventh position
// belong together.
func testCase(p ledger.Position) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", p%7) }

// testSignature is of the right form; nothing here looks whether it fits.
func testSignature(body []byte) ledger.Signature {
	s := ledger.Signature{Key: "bawaslu/2026a"}
	sum := sha256.Sum256(body)
	copy(s.Value[:], sum[:])
	copy(s.Value[32:], sum[:])
	return s
}

func newRecords(first ledger.Position, n int, attempt string, size int) []ledger.Record {
	out := make([]ledger.Record, n)
	for i := range out {
		out[i] = newRecord(first+ledger.Position(i), attempt, size)
	}
	return out
}

func leavesOf(records []ledger.Record) [][]byte {
	out := make([][]byte, len(records))
	for i, r := range records {
		out[i] = r.Leaf()
	}
	return out
}

// newJournal makes a journal with the genesis record and n more, and gives its
// directory.
func newJournal(tb testing.TB, n int) string {
	tb.Helper()
	return newJournalWith(tb, n, JournalOptions{})
}

func newJournalWith(tb testing.TB, n int, o JournalOptions) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "journal")
	check(tb, CreateJournal(dir, testOrigin, newRecord(1, "", 300)))
	if n == 0 {
		return dir
	}
	j := openTestJournal(tb, dir, o)
	check(tb, j.Append(leavesOf(newRecords(2, n, "", 300))))
	check(tb, j.Close())
	return dir
}

func openTestJournal(tb testing.TB, dir string, o JournalOptions) *Journal {
	tb.Helper()
	j, err := OpenJournal(tb.Context(), dir, testOrigin, o)
	check(tb, err)
	tb.Cleanup(func() { check(tb, j.Close()) })
	return j
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	check(tb, err)
	return b
}
