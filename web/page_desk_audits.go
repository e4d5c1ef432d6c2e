package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/verify"
)

// What auditors wrote. The page quotes them: it says who says what of which
// checkpoint, and holds one thing against it, whether that checkpoint belongs to
// the log that this server publishes.

// auditRead is a report file as it was read.
type auditRead struct {
	AuditFile
	Report verify.Report
	Bad    bool // it cannot be read as a report
}

const (
	auditsKept   = 5 * time.Second
	auditsOnDesk = 5 // reports on the overview
	// auditFindings is how many findings of a report the page shows; the file has
	// all that it has.
	auditFindings = 50
)

// readAudits gives the reports, newest first. They are large and many look: they are
// kept, and a file that is the same as before is not read again.
func (s *Server) readAudits(ctx context.Context) ([]auditRead, error) {
	if s.Desk.Audits == nil {
		return nil, nil
	}
	list, err := s.audits.get(ctx, s.Now, auditsKept, func(before []auditRead) ([]auditRead, bool, error) {
		list, err := s.auditsAfter(ctx, before)
		return list, true, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the auditors' reports: %w", err)
	}
	return list, nil
}

// auditsAfter reads what is not among those that were read before.
func (s *Server) auditsAfter(ctx context.Context, before []auditRead) ([]auditRead, error) {
	as := func(f AuditFile) int {
		return slices.IndexFunc(before, func(o auditRead) bool { return o.Name == f.Name && o.At.Equal(f.At) && o.Size == f.Size })
	}
	files, err := s.Desk.Audits(ctx, func(f AuditFile) bool { return as(f) >= 0 })
	if err != nil {
		return nil, err
	}
	var list []auditRead
	for _, f := range files {
		if i := as(f); i >= 0 {
			list = append(list, before[i])
			continue
		}
		one := auditRead{AuditFile: f}
		one.Report, err = verify.ParseReport(f.Body)
		one.Bad = err != nil
		if one.Bad {
			s.Log.Warn("an auditor's report cannot be read", "file", f.Name, "error", err)
		}
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(x, y auditRead) int {
		return cmp.Or(y.At.Compare(x.At), strings.Compare(x.Name, y.Name))
	})
	return list, nil
}

// auditLine is a report in one line.
type auditLine struct {
	Name, Anchor string
	Size         ledger.Position
	Says         text // what the auditor says
	Beside       text // how his checkpoint stands to the newest one here
	agrees       bool
}

type auditsPage struct {
	Configured bool
	Audits     []auditShown
	Newest     ledger.Position
	Command    string
}

// auditShown is a report as the page quotes it.
type auditShown struct {
	auditLine
	At        time.Time
	Bad       bool
	Raw       string
	Report    verify.Report
	Findings  []verify.ReportedFinding // as many as the page shows
	More      int
	Unchecked []text
	Witnesses []witnessedAt
	Held      []verify.Held
	Agrees    bool // the checkpoint belongs to the log that is published here
}

// witnessedAt is when witnesses signed the checkpoint, as the auditor says.
type witnessedAt struct {
	Names string
	At    time.Time // zero: Said is no time
	Said  string
}

// witnessedOf names together who signed within the same second.
func witnessedOf(list []verify.ReportWitness) []witnessedAt {
	var out []witnessedAt
	for _, w := range list {
		if last := len(out) - 1; last >= 0 && out[last].Said == w.At {
			out[last].Names += ", " + w.Name
			continue
		}
		at, err := time.Parse(time.RFC3339, w.At)
		if err != nil {
			at = time.Time{} // it is quoted
		}
		out = append(out, witnessedAt{w.Name, at, w.At})
	}
	return out
}

// Whole are the counts of what was judged, for templates.
func (a auditShown) Whole() verify.Stats { return a.Report.Judged }

// uncheckedWords say what an audit did not look at.
var uncheckedWords = map[verify.Unchecked]text{
	verify.UncheckedSchemas:   {"isi catatan terhadap skemanya", "what records say against their schemas"},
	verify.UncheckedWitnesses: {"saksi: kebijakannya tidak meminta satu pun", "witnesses: the policy asks for none"},
	verify.UncheckedEarlier:   {"titik periksa yang terdahulu", "earlier checkpoints"},
	verify.UncheckedReceipts:  {"tanda terima", "receipts"},
	verify.UncheckedTables:    {"tabel basis data", "tables of the database"},
	verify.UncheckedUnknown:   {"jenis catatan yang tidak dikenal programnya", "kinds of records that the program does not know"},
	verify.UncheckedOthers:    {"catatan lain dalam log", "other records of the log"},
}

func (s *Server) showAudits(r *http.Request) (view, error) {
	if _, err := parseValues(r.URL.RawQuery, "lang"); err != nil {
		return view{}, err
	}
	ctx := r.Context()
	page := auditsPage{Configured: s.Desk.Audits != nil, Command: "berkas audit --policy policy.txt --from " + addressOf(r, s.SecureCookies) + " --token-file token --report " + "nama-auditor.json"}
	list, err := s.readAudits(ctx)
	if err != nil {
		return view{}, err
	}
	newest, err := s.newestOnDesk(ctx)
	if err != nil {
		return view{}, err
	}
	page.Newest = newest.Size
	for _, a := range list {
		page.Audits = append(page.Audits, s.auditShown(ctx, a, newest))
	}
	return view{Template: "desk-audits", Title: text{"Laporan auditor", "Auditors' reports"}, Data: page}, nil
}

func (s *Server) newestOnDesk(ctx context.Context) (ledger.Checkpoint, error) {
	if s.Files == nil {
		return ledger.Checkpoint{}, nil
	}
	_, c, err := s.newest(ctx)
	return c, err
}

func (s *Server) auditShown(ctx context.Context, a auditRead, newest ledger.Checkpoint) auditShown {
	out := auditShown{auditLine: s.auditLine(ctx, a, newest), At: a.At, Bad: a.Bad, Raw: auditsPath + "/" + url.PathEscape(a.Name), Report: a.Report}
	out.Findings = a.Report.Findings[:min(auditFindings, len(a.Report.Findings))]
	out.More = int(min(a.Report.Total, 1<<30)) - len(out.Findings)
	out.Witnesses, out.Held = witnessedOf(a.Report.Checkpoint.Witnesses), a.Report.Held
	for _, u := range a.Report.Unchecked {
		w, ok := uncheckedWords[u]
		if !ok {
			w = text{string(u), string(u)}
		}
		out.Unchecked = append(out.Unchecked, w)
	}
	out.Agrees = out.agrees
	return out
}

// auditLine says in one line what an auditor says, and how his checkpoint stands to
// the one that is published here.
func (s *Server) auditLine(ctx context.Context, a auditRead, newest ledger.Checkpoint) auditLine {
	out := auditLine{Name: auditor(a.Name), Anchor: anchorOf(a.Name), Size: a.Report.Checkpoint.Size}
	switch {
	case a.Bad:
		out.Says = text{"berkas ini tidak terbaca sebagai laporan", "this file cannot be read as a report"}
		return out
	case a.Report.Total > 0:
		out.Says = text{"menulis: " + indonesian.number(a.Report.Total) + " temuan", "writes: " + english.number(a.Report.Total) + " finding"}
		if a.Report.Total > 1 {
			out.Says.EN += "s"
		}
	case a.Report.Valid:
		out.Says = text{"menulis: tidak ada temuan", "writes: nothing found"}
	default:
		out.Says = text{"menulis: tidak ada temuan, tetapi tidak ada titik periksa untuk bersandar", "writes: nothing found, but no checkpoint to rely on"}
	}
	out.Beside, out.agrees = s.beside(ctx, a.Report, newest)
	return out
}

// beside holds the checkpoint that a report names against the newest that is
// published here.
func (s *Server) beside(ctx context.Context, r verify.Report, newest ledger.Checkpoint) (text, bool) {
	if r.Origin != s.origin {
		return text{"laporan tentang buku besar lain", "a report on another ledger"}, false
	}
	if r.Checkpoint.Signed == "" {
		return text{"tanpa titik periksa", "without a checkpoint"}, false
	}
	log, _, err := ledger.PolicyOf(s.Roster().Genesis(), ledger.Hash{}).Verifiers()
	var of ledger.Checkpoint
	if err == nil {
		of, _, err = ledger.OpenCheckpoint([]byte(r.Checkpoint.Signed), log)
	}
	switch {
	case err != nil:
		return text{"titik periksanya tidak ditandatangani kunci log buku besar ini", "its checkpoint is not signed by this ledger's log key"}, false
	case of.Size > newest.Size:
		return text{"titik periksanya lebih baru daripada yang terbit di sini", "its checkpoint is newer than what is published here"}, false
	}
	hashes, err := transparency.NewProver(s.Files, newest).Consistency(ctx, of.Size)
	if err != nil {
		return text{"titik periksanya tidak dapat dibandingkan saat ini", "its checkpoint cannot be compared just now"}, false
	}
	if ledger.CheckConsistency(of, newest, hashes) != nil {
		return text{
			"titik periksanya BERTENTANGAN dengan yang terbit di sini, dan keduanya ditandatangani kunci log: simpan laporan ini",
			"its checkpoint CONTRADICTS what is published here, and the log's key signed both: keep this report",
		}, false
	}
	if of.Size == newest.Size {
		return text{"titik periksanya sama dengan yang terbaru di sini", "its checkpoint is the newest one here"}, true
	}
	return text{"buku besar yang terbit di sini dimulai dengan catatan-catatan yang sama", "the ledger published here begins with the same records"}, true
}

// auditor is what the file's name says of whose report it is.
func auditor(name string) string { return strings.TrimSuffix(name, ".json") }

// anchorOf is a name that an address can point to.
func anchorOf(name string) string {
	return "laporan-" + strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, auditor(name))
}

// deskAudits fills in the overview's lines.
func (s *Server) deskAudits(ctx context.Context, page *deskPage) error {
	page.HasAudits = s.Desk.Audits != nil
	list, err := s.readAudits(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	newest, err := s.newestOnDesk(ctx)
	if err != nil {
		return err
	}
	for _, a := range list[:min(auditsOnDesk, len(list))] {
		page.Audits = append(page.Audits, s.auditLine(ctx, a, newest))
	}
	return nil
}

// getAudit gives a report as it was written.
func (s *Server) getAudit(w http.ResponseWriter, r *http.Request) error {
	list, err := s.readAudits(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a auditRead) bool { return a.Name == r.PathValue("name") })
	if i < 0 || list[i].Bad {
		return errNotFound
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+anchorOf(list[i].Name)+`.json"`)
	w.Header().Set("Cache-Control", keepPrivate)
	s.content(w, r, "application/json", tagOf(list[i].Body), list[i].Body)
	return nil
}
