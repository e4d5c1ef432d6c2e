package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// report is one that says nothing was found, of a signed checkpoint.
func (d *deskShelf) report(signed []byte, change ...func(*verify.Report)) []byte {
	d.t.Helper()
	c, err := ledger.UnverifiedCheckpoint(signed)
	if err != nil {
		d.t.Fatal(err)
	}
	r := verify.Report{
		Format: verify.ReportFormat, Valid: true, Origin: d.Origin, From: 1, Schemas: true, Held: []verify.Held{}, Unchecked: []verify.Unchecked{verify.UncheckedTables},
		Checkpoint: verify.ReportCheckpoint{Size: c.Size, Root: c.Root.String(), Signed: string(signed), Quorum: "majority", Witnesses: []verify.ReportWitness{{Name: "kampus", At: "2026-11-22T03:00:00Z"}}},
		Counts:     map[verify.Code]uint64{}, Findings: []verify.ReportedFinding{}, Proofs: []verify.Proof{},
		Judged: verify.Stats{Records: uint64(c.Size), Cases: 1000, Signatures: 2 * uint64(c.Size)},
	}
	for _, f := range change {
		f(&r)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

// deskQuotesAudits: each report is quoted with whose it is, and its checkpoint held
// against the log; nothing of a report is believed.
func deskQuotesAudits(t *testing.T, d *deskShelf) {
	signer, _, _ := d.NoteKeys("")
	at := func(size ledger.Position) []byte {
		signed, err := d.log.Fetch(t.Context(), fmt.Sprintf("checkpoints/%d", size))
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	newest := d.sizes[len(d.sizes)-1]
	sign := func(size ledger.Position) []byte {
		signed, err := ledger.SignCheckpoint(ledger.Checkpoint{Origin: d.Origin, Size: size, Root: ledger.Hash{7}}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	found := func(r *verify.Report) {
		r.Valid, r.Total, r.Counts = false, 1, map[verify.Code]uint64{verify.CodeTableDiffers: 1}
		m, _ := verify.MessageOf(verify.CodeTableDiffers)
		r.Findings = []verify.ReportedFinding{{
			Finding: verify.Finding{Position: 42, Agency: ledger.BKN, Code: verify.CodeTableDiffers, Expected: "row <b>1</b>", Found: "row 2"}, English: m.English, Indonesian: m.Indonesian,
		}}
	}
	d.audits = nil
	var wants [][]string
	add := func(author string, raw []byte, says, beside string) {
		d.audits = append(d.audits, AuditFile{Name: author + ".json", At: imported.Add(time.Duration(len(d.audits)) * time.Minute), Body: raw})
		wants = append(wants, []string{author, says, beside})
	}
	add("bpk", d.report(at(newest)), "writes: nothing found", "its checkpoint is the newest one here")
	add("kampus", d.report(at(257), found), "writes: 1 finding<", "begins with the same records")
	add("lain", d.report(at(257), func(r *verify.Report) {
		r.Origin = "berkas.example/lain"
		r.Checkpoint.Signed = strings.Replace(r.Checkpoint.Signed, d.Origin, r.Origin, 1)
	}), "writes: nothing found", "a report on another ledger")
	add("bertentangan", d.report(sign(257)), "writes: nothing found", "CONTRADICTS what is published here")
	add("dua-riwayat", d.report(sign(newest)), "writes: nothing found", "CONTRADICTS what is published here")
	add("nanti", d.report(sign(newest+1)), "writes: nothing found", "newer than what is published here")
	add("palsu", d.report([]byte(strings.Replace(string(at(257)), "\n257\n", "\n256\n", 1))), "writes: nothing found", "not signed by this ledger's log key")
	add("rusak <script>", []byte("{}"), "cannot be read as a report", "")
	d.forget()
	body := d.says("/desk/audits?lang=en", "quotes what auditors wrote", `<a href="/desk/replay?at=42">`, "row <b>1</b>", "table-differs", "tables of the database", "2026-11-22T03:00:00Z")
	raw := d.shows("/desk/audits?lang=en")
	if strings.Contains(raw, "<b>1</b>") || strings.Contains(raw, "<script>") {
		t.Error("a report writes the page")
	}
	for _, w := range wants {
		_, part, ok := strings.Cut(body, `id="`+anchorOf(w[0]+".json")+`"`)
		part, _, _ = strings.Cut(part, "</article>")
		if !ok || !strings.Contains(part, w[1]) || !strings.Contains(part, w[2]) {
			t.Errorf("of %s the page does not say %q and %q:\n%s", w[0], w[1], w[2], part)
		}
	}
	over := html.UnescapeString(d.shows("/desk?lang=en"))
	if strings.Count(over, "/desk/audits#") != auditsOnDesk {
		t.Error("the overview has another number of reports")
	}
	if status, got := d.page("/desk/audits/bpk.json"); status != 200 || got != string(d.audits[0].Body) {
		t.Errorf("the report as it was written: %d", status)
	}
	for path, want := range map[string]int{"/desk/audits/x.json": 404, "/desk/audits/..%2f..%2fetc": 404, "/desk/audits?page=2": 400, "/desk/audits/rusak%20%3Cscript%3E.json": 404} {
		if got, _ := d.page(path); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
	d.readsChangedReports()
	was := d.server.Desk.Audits
	d.server.Desk.Audits = func(context.Context, func(AuditFile) bool) ([]AuditFile, error) {
		return nil, errors.New("disk on fire")
	}
	d.forget()
	if status, _ := d.page("/desk/audits"); status != 500 {
		t.Errorf("a directory that cannot be read: %d", status)
	}
	d.server.Desk.Audits = was
	d.forget()
}

// forget has the reports read again.
func (d *deskShelf) forget() {
	d.server.audits.last.Store(nil)
}

// readsChangedReports: a report that is as it was is not asked for again, and one that
// was changed is.
func (d *deskShelf) readsChangedReports() {
	d.t.Helper()
	was, now := d.server.Desk.Audits, d.server.Now
	defer func() {
		d.server.Desk.Audits, d.server.Now = was, now
		d.forget()
	}()
	d.server.Desk.Audits = func(_ context.Context, kept func(AuditFile) bool) ([]AuditFile, error) {
		list := slices.Clone(d.audits)
		for i := range list {
			if i == 1 {
				list[i].Size++
			}
			if kept(list[i]) != (i != 1) {
				d.t.Errorf("%s is asked for: %t", list[i].Name, i == 1)
			}
			if i != 1 {
				list[i].Body = nil
			}
		}
		return list, nil
	}
	d.server.Now = func() time.Time { return now().Add(2 * auditsKept) }
	if got := html.UnescapeString(d.shows("/desk/audits?lang=en")); strings.Count(got, "<article") != len(d.audits) || strings.Count(got, "cannot be read as a report") != 1 {
		d.t.Errorf("the reports are others: %s", got)
	}
}

// TestUncheckedWords: whatever an audit may leave out has words.
func TestUncheckedWords(t *testing.T) {
	for _, u := range []verify.Unchecked{
		verify.UncheckedSchemas, verify.UncheckedWitnesses, verify.UncheckedEarlier, verify.UncheckedReceipts, verify.UncheckedTables, verify.UncheckedUnknown, verify.UncheckedOthers,
	} {
		if w := uncheckedWords[u]; w.ID == "" || w.EN == "" {
			t.Errorf("%s has no words", u)
		}
	}
}
