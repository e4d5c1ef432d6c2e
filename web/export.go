package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/ledger"
)

// Files of what pages show: GET /v1/exports/<list> takes the question of the page or of
// the operation of that name, and the form that the file is to have. Rows are fetched in
// stretches and written as they come, so that a long list fills neither memory.

const (
	exportPath = "/v1/exports"
	exportLife = 5 * time.Minute
	// exportStretch is how many rows are asked for at once.
	exportStretch = 5000
	csvType       = "text/csv; charset=utf-8; header=present"
	xlsxType      = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	pdfType       = "application/pdf"
)

var (
	errExports  = problem(http.StatusServiceUnavailable, "crowded", text{"Terlalu banyak berkas sedang dibuat.", "Too many files are being made."}).again(5)
	errTooLarge = problem(http.StatusRequestEntityTooLarge, "too-many-rows", text{"Satu lembar XLSX memuat paling banyak 1.048.575 baris: pilih CSV atau persempit pertanyaannya.", "A sheet of XLSX holds at most 1,048,575 rows: choose CSV, or ask for less."})
)

// exportForm is the form that a file is to have.
type exportForm struct {
	xlsx bool
	csv  exports.CSVOptions
}

// exportForms are the parameters of the form; they are not part of the question.
var exportForms = []string{"format", "separator"}

// splitExport takes the form out of a query string and leaves the question.
func splitExport(raw string) (exportForm, string, error) {
	if len(raw) > maxQuery {
		return exportForm{}, "", badQuery("", "the query is longer than 4 KiB")
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return exportForm{}, "", badQuery("", "the query is not written as in an address")
	}
	f, err := formOf(values)
	for _, name := range exportForms {
		values.Del(name)
	}
	return f, values.Encode(), err
}

// formOf reads the form; csv and comma where nothing is said.
func formOf(values url.Values) (f exportForm, err error) {
	for _, p := range []struct {
		name    string
		choices []string // the first is what nothing means
		to      *bool    // whether it is the second
	}{
		{"format", []string{"csv", "xlsx"}, &f.xlsx},
		{"separator", []string{"comma", "semicolon"}, &f.csv.Semicolon},
	} {
		list := values[p.name]
		if len(list) == 0 {
			continue
		}
		if len(list) > 1 {
			return f, badQuery(p.name, "it stands more than once")
		}
		if !slices.Contains(p.choices, list[0]) {
			return f, badQuery(p.name, "it is "+strings.Join(p.choices, " or "))
		}
		*p.to = list[0] == p.choices[1]
	}
	if f.xlsx && values.Has("separator") {
		return f, badQuery("format", "a separator is of CSV")
	}
	return f, nil
}

// exportLinks are the addresses of the files of a question, for part_export.html.
type exportLinks struct{ CSV, Semicolon, XLSX string }

// exportsOf gives the addresses of the files of a list; address is that of the list
// with its question, such as q.address("/v1/exports/national").
func exportsOf(address string) exportLinks {
	joint := "?"
	if strings.Contains(address, "?") {
		joint = "&"
	}
	return exportLinks{address + joint + "format=csv", address + joint + "format=csv&separator=semicolon", address + joint + "format=xlsx"}
}

// sheet of an export: columns by name, what each holds, and rows.
type list struct {
	name    string // of the file; ASCII, of nobody
	title   text
	columns []listColumn
	about   []exports.Line // the question
	known   ledger.Position
	asOf    time.Time
	// rows hands over every row; it is called once.
	rows func(ctx context.Context, add func(exports.Row) error) error
}

type listColumn struct {
	Name string
	Is   text
}

// export registers a list.
func (s *Server) export(name, summary string, n need, params []*huma.Param, ask func(*http.Request, string) (*list, error)) {
	params = append(slices.Clone(params),
		inQuery("format", "csv (default) or xlsx", "csv"),
		inQuery("separator", "Of CSV: comma (default), or semicolon with a decimal comma and the mark of UTF-8, for Excel with Indonesian settings", nil))
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "export-" + name, Method: http.MethodGet, Path: exportPath + "/" + name, Tags: []string{"read"}, Summary: summary,
			Description: "The answer is a file. XLSX (format=xlsx) has a second sheet with the question, the position, the checkpoint that covers it with its root hash, and what each column holds. " +
				"In CSV a text that a spreadsheet could take for a formula, or that begins with an apostrophe, has an apostrophe put before it: take one leading apostrophe off every text to have it back.",
			Parameters: params,
		},
		Needs: n, Limit: exportLife,
		Answers: map[int]answerKind{200: {Says: "CSV as RFC 4180 says, or a workbook", Media: "text/csv", Body: ""}},
	}, func(w http.ResponseWriter, r *http.Request) error {
		form, rest, err := splitExport(r.URL.RawQuery)
		if err != nil {
			return err
		}
		if s.Figures == nil {
			return errUnavailable
		}
		who, err := s.callerOf(r)
		if err != nil {
			return err
		}
		leave, err := s.exports.take(who, errExports) // making takes processors, not only memory
		if err != nil {
			return err
		}
		defer leave()
		l, err := ask(r, rest)
		if err != nil {
			return err
		}
		return s.sendList(w, r, form, l)
	})
}

// sendList writes a list as a file. Once it has begun, an error cuts the connection:
// half a list must not pass for a whole one.
func (s *Server) sendList(w http.ResponseWriter, r *http.Request, form exportForm, l *list) error {
	out := &begun{portions: portions{w: w, control: http.NewResponseController(w), stall: s.Limits.StreamStall, slow: time.Hour}}
	h := w.Header()
	end, media := ".csv", csvType
	if form.xlsx {
		end, media = ".xlsx", xlsxType
	}
	h.Set("Content-Type", media)
	attach(h, "berkas-"+l.name+"-"+strings.ReplaceAll(string(ledger.DayOf(l.asOf)), "-", "")+end)
	buffer := bufio.NewWriterSize(out, feedPortion)
	var err error
	if form.xlsx {
		err = s.sendXLSX(buffer, r, l)
	} else {
		err = sendCSV(r.Context(), buffer, form.csv, l)
	}
	if err == nil {
		err = buffer.Flush()
	}
	if err == nil || !out.some {
		if err != nil {
			h.Del("Content-Disposition")
		}
		return err
	}
	s.Log.Warn("a file was cut", "request", trailOf(r.Context()).id, "because", fmt.Sprintf("%T", err))
	panic(http.ErrAbortHandler)
}

// attach names a file for whoever saves it. The name has no id of a case or of anybody.
func attach(h http.Header, name string) {
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// begun knows whether an answer has begun.
type begun struct {
	portions
	some bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.some = true
	return b.portions.Write(p)
}

func (l *list) names() []string {
	out := make([]string, len(l.columns))
	for i, c := range l.columns {
		out[i] = c.Name
	}
	return out
}

func sendCSV(ctx context.Context, w io.Writer, o exports.CSVOptions, l *list) error {
	c, err := exports.NewCSV(w, o, l.names())
	if err != nil {
		return err
	}
	if err := l.rows(ctx, c.Add); err != nil {
		return err
	}
	return c.End()
}

func (s *Server) sendXLSX(w io.Writer, r *http.Request, l *list) (err error) {
	lang := langOf(r.Context())
	about := exports.About{Title: l.title.in(lang), Lang: string(lang), Lines: l.about, Made: l.asOf, Proof: s.proofOf(r, l.known)}
	for _, c := range l.columns {
		about.Columns = append(about.Columns, exports.Line{Name: c.Name, Text: c.Is.in(lang)})
	}
	x, err := exports.NewXLSX(about, l.names())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	n := 0
	err = l.rows(r.Context(), func(row exports.Row) error {
		if n++; n > exports.MaxXLSXRows {
			return errTooLarge
		}
		return x.Add(row)
	})
	if err != nil {
		return err
	}
	return x.End(w)
}

// proofOf finds the checkpoint that covers a position, and has one made if need be. A
// log that is not sealed is no reason not to give the file: it says so.
func (s *Server) proofOf(r *http.Request, known ledger.Position) exports.Proof {
	p := exports.Proof{Origin: s.origin, Known: known, Address: s.addressOf(r)}
	if s.Files == nil {
		return p
	}
	ctx := r.Context()
	_, c, err := s.newest(ctx)
	if err == nil && c.Size < known && s.Seal != nil {
		waiting, cancel := context.WithTimeout(ctx, sealWait)
		_, _ = s.Seal(waiting) // what stands in the way is said where the log is
		cancel()
		_, c, err = s.newest(ctx)
	}
	if err != nil {
		s.Log.Warn("a file is made without its checkpoint", "request", trailOf(ctx).id, "error", err)
		return p
	}
	p.At, p.Covered = c, c.Size >= known && known > 0
	return p
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]{1,255}$`)

// addressOf is where the file was asked for, as far as the server knows its own name.
func (s *Server) addressOf(r *http.Request) string {
	u := url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if s.SecureCookies {
		u.Scheme = "https"
	}
	if !hostForm.MatchString(r.Host) {
		u.Scheme, u.Host = "", ""
	}
	return u.String()
}

// aboutQuestion says a question in words, in full.
func aboutQuestion(l lang, q questionAnswer) []exports.Line {
	say := func(id, en string) string { return text{id, en}.in(l) }
	all := say("semua", "all")
	measure := all
	if q.Measure != "" {
		measure = measureWords(q.Measure).in(l)
	}
	since, by, seen := say("sejak awal", "from the beginning"), say("tidak dirinci", "not broken down"), say("semua kasus", "every case")
	if q.Since != nil {
		since = l.moment(*q.Since)
	}
	if q.By != "" {
		by = word("filter", q.By).in(l)
	}
	if q.SeenBy != "" {
		seen = word("agency", string(q.SeenBy)).in(l)
	}
	out := []exports.Line{
		{Name: say("Ukuran", "Measure"), Text: measure},
		{Name: say("Satuan", "Unit"), Text: word("unit", string(q.Unit)).in(l)},
		{Name: say("Dilihat oleh", "Seen by"), Text: seen},
	}
	for _, name := range slices.Sorted(maps.Keys(q.Filter)) {
		out = append(out, exports.Line{Name: word("filter", name).in(l), Text: valueWord(name, q.Filter[name]).in(l)})
	}
	return append(out,
		exports.Line{Name: say("Sejak", "Since"), Text: since},
		exports.Line{Name: say("Sampai (yang sudah terjadi)", "As of (what had happened)"), Text: l.moment(q.AsOf)},
		exports.Line{Name: say("Diketahui sampai", "Known at"), Text: fmt.Sprintf("%d, %s", q.KnownAt, l.moment(q.Recorded))},
		exports.Line{Name: say("Dirinci menurut", "Broken down by"), Text: by})
}

// filterText writes filters as an address does.
func filterText(filter map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(filter)) {
		out = append(out, name+"="+filter[name])
	}
	return strings.Join(out, " ")
}
