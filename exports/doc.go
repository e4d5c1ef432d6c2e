// Package exports writes what pages show as files: lists as CSV (RFC 4180) and as XLSX
// (ECMA-376), a case as PDF. It is given rows and words and asks nobody: what they mean
// was decided before.
//
// A file outlives the page it came from, so each carries what its numbers are of: the
// question, both times, and the checkpoint that covers the records it was made from. No
// text of a cell is ever a formula, whatever somebody recorded.
package exports

import (
	"fmt"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Row is the cells of a line, one for each column: nil, string, bool, int, int64,
// uint64, float64, ledger.Date or time.Time.
type Row []any

// About says what a list is of. It is the second sheet of an XLSX.
type About struct {
	Title   string
	Lang    string // of the words: "id" or "en"
	Lines   []Line // the question in full, and whatever else somebody has to know
	Columns []Line // what each column holds
	Proof   Proof
	Made    time.Time // the moment that the file speaks of, not that of its making: the same question gives the same bytes
}

// Line is a name and what it says.
type Line struct{ Name, Text string }

// Proof says by what the records behind a file are proven.
type Proof struct {
	Origin  string
	Known   ledger.Position   // the last record that was used
	Covered bool              // a published checkpoint covers it
	At      ledger.Checkpoint // that one
	Address string            // where the same question is asked again
}

// moment writes a time as people in western Indonesia read it; machines find it, too.
func moment(t time.Time) string { return t.In(ledger.Jakarta).Format("2006-01-02T15:04:05-07:00") }

// unknown is the error of a cell that is none of those that Row names.
func unknown(v any) error { return fmt.Errorf("exports: a cell of type %T", v) }

// formulaStarts begin what a spreadsheet may take for a formula, in the forms that East
// Asian keyboards have, too. Source: OWASP, CSV Injection; Unicode, Halfwidth and
// Fullwidth Forms.
const formulaStarts = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212\ufe63\ufe62\ufe66\ufe6b"

// ignored may stand before them without keeping every program from reading a formula.
const ignored = " \u00a0\u200b\u200c\u200d\u2060\ufeff\u3000\""

// Neutral keeps a spreadsheet from reading a text as a formula: it puts an apostrophe
// before one that begins like a formula, and before one that begins with an apostrophe,
// so that taking one off undoes it without doubt.
func Neutral(s string) string {
	rest := strings.TrimLeft(s, ignored)
	if rest != "" && strings.ContainsRune(formulaStarts, firstRune(rest)) || strings.HasPrefix(s, "'") {
		return "'" + s
	}
	return s
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}
