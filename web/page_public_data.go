package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/ledger"
)

// The public tables as files. Every line and every file says what its numbers
// count, so that none travels without it.

// publicLicence is the licence of the tables (SPDX).
const publicLicence = "CC-BY-4.0"

// suppressedMark stands for a count that is withheld.
const suppressedMark = "suppressed"

// publicData is a release as JSON.
type publicData struct {
	Ledger      string                 `json:"ledger"`
	Quarter     string                 `json:"quarter"`
	Preview     bool                   `json:"preview"`
	Published   ledger.Date            `json:"published"`
	Since       time.Time              `json:"since"`
	AsOf        time.Time              `json:"as_of"`
	KnownAt     publicPosition         `json:"known_at"`
	Unit        publicDefinition       `json:"unit"`
	Measures    []publicDefinition     `json:"measures"`
	Suppression publicSuppression      `json:"suppression"`
	Licence     string                 `json:"licence"`
	National    map[string]*publicJSON `json:"national"`
	Tables      []publicTableJSON      `json:"tables"`
	Medians     []publicMedianJSON     `json:"medians"`
	Restated    []publicRestatedJSON   `json:"restated"`
}

type publicPosition struct {
	Position uint64    `json:"position"`
	Recorded time.Time `json:"recorded"`
	Root     *string   `json:"root"` // base64, RFC 6962; null in a preview without a log
}

type publicDefinition struct {
	Code       string `json:"code"`
	English    string `json:"en"`
	Indonesian string `json:"id"`
}

type publicSuppression struct {
	Least      int    `json:"least"`
	English    string `json:"en"`
	Indonesian string `json:"id"`
}

// publicJSON is a count, or a mark and no count.
type publicJSON struct {
	Value *uint64 `json:"value"`
	Mark  string  `json:"mark,omitempty"`
}

type publicTableJSON struct {
	By   string          `json:"by"`
	Rows []publicRowJSON `json:"rows"`
}

type publicRowJSON struct {
	Code       string                 `json:"code"`
	English    string                 `json:"en"`
	Indonesian string                 `json:"id"`
	Counts     map[string]*publicJSON `json:"counts"`
}

type publicMedianJSON struct {
	Stage      string `json:"stage"`
	English    string `json:"en"`
	Indonesian string `json:"id"`
	Days       *int   `json:"days"`
	Low        *int   `json:"low"`
	High       *int   `json:"high"`
	Mark       string `json:"mark,omitempty"`
}

type publicRestatedJSON struct {
	Quarter string      `json:"quarter"`
	Measure string      `json:"measure"`
	Was     *publicJSON `json:"was"`
	Now     uint64      `json:"now"`
}

func (c publicCell) json() *publicJSON {
	if !c.Shown {
		return &publicJSON{Mark: suppressedMark}
	}
	return &publicJSON{Value: &c.Value}
}

func cellsJSON(list []publicCell) map[string]*publicJSON {
	out := map[string]*publicJSON{}
	for _, c := range list {
		out[c.Measure.String()] = c.json()
	}
	return out
}

// rootText writes a root as checkpoints do.
func rootText(h ledger.Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }

// suppressionSays explains the mark.
var suppressionSays = text{
	"Angka 1 sampai 4 ditahan, dan bersamanya angka lain yang akan membocorkannya lewat jumlah. Nol tidak ditahan, kecuali bila tidak satu pun angka dalam tabel ditampilkan.",
	"Counts of 1 to 4 are withheld, and with them others that would give them away through sums. Zeros are not withheld, unless nothing of a table is shown.",
}

func (s *Server) publicData(r *release) publicData {
	q := r.Quarter
	unit := word("unit-says", string(ledger.UnitRespondent))
	d := publicData{
		Ledger: s.origin, Quarter: q.String(), Preview: r.Preview, Published: q.Published(), Since: q.since(), AsOf: q.asOf(),
		KnownAt: publicPosition{Position: uint64(r.Position), Recorded: r.Recorded},
		Unit:    publicDefinition{string(ledger.UnitRespondent), unit.EN, unit.ID}, Licence: publicLicence,
		Suppression: publicSuppression{leastPublic, suppressionSays.EN, suppressionSays.ID},
		National:    cellsJSON(r.Total), Restated: []publicRestatedJSON{},
	}
	if r.Root != nil {
		root := rootText(*r.Root)
		d.KnownAt.Root = &root
	}
	for _, m := range publicMeasures {
		info := ledger.MeasureTable[m]
		d.Measures = append(d.Measures, publicDefinition{info.Name, info.English, info.Indonesian})
	}
	for _, t := range r.Tables {
		one := publicTableJSON{By: t.By}
		for _, row := range t.Rows {
			label := groupWord(t.By, row.Value)
			one.Rows = append(one.Rows, publicRowJSON{row.Value, label.EN, label.ID, cellsJSON(row.Cells)})
		}
		d.Tables = append(d.Tables, one)
	}
	for _, m := range r.Medians {
		d.Medians = append(d.Medians, m.json())
	}
	for _, x := range r.Restated {
		d.Restated = append(d.Restated, publicRestatedJSON{x.Quarter.String(), x.Measure.String(), x.Was.json(), x.Now})
	}
	return d
}

func (m publicMedian) json() publicMedianJSON {
	out := publicMedianJSON{Stage: m.Slug, English: m.Says.EN, Indonesian: m.Says.ID}
	if !m.Shown {
		out.Mark = suppressedMark
		return out
	}
	days := func(n int, known bool) *int {
		if !known {
			return nil
		}
		return &n
	}
	out.Days = days(m.Median.Days, m.Median.Known)
	out.Low, out.High = days(m.Median.Low, m.Median.LowKnown), days(m.Median.High, m.Median.HighKnown)
	return out
}

// publicColumns are those of the file of comma-separated values.
var publicColumns = []string{
	"ledger", "quarter", "table", "code", "label_id", "label_en", "measure", "unit", "since", "as_of", "known_at", "root", "published", "value", "mark",
}

// csv writes a release as RFC 4180 says. No field comes from outside of the program's own
// tables, and a file may not have to rely on that: none is a formula.
func (s *Server) csv(r *release) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	lines := s.lines(r)
	for _, line := range lines {
		for i := range line {
			line[i] = exports.Neutral(line[i])
		}
	}
	err := w.WriteAll(append([][]string{publicColumns}, lines...))
	return b.Bytes(), err
}

// lines are those of the file of a release.
func (s *Server) lines(r *release) (out [][]string) {
	root := "" // in hexadecimal digits: base64 may begin with a sign that programs take for a formula
	if r.Root != nil {
		root = "sha256:" + r.Root.String()
	}
	line := func(of quarter, table, code string, label text, measure, unit, value, mark string) {
		out = append(out, []string{
			s.origin, r.Quarter.String(), table, code, label.ID, label.EN, measure, unit, of.since().Format(time.RFC3339Nano), of.asOf().Format(time.RFC3339Nano),
			strconv.FormatUint(uint64(r.Position), 10), root, string(r.Quarter.Published()), value, mark,
		})
	}
	cells := func(table, code string, label text, list []publicCell) {
		for _, c := range list {
			value, mark := strconv.FormatUint(c.Value, 10), ""
			if !c.Shown {
				value, mark = "", suppressedMark
			}
			line(r.Quarter, table, code, label, c.Measure.String(), string(ledger.UnitRespondent), value, mark)
		}
	}
	cells("national", "", text{"Seluruhnya", "All"}, r.Total)
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			cells(t.By, row.Value, groupWord(t.By, row.Value), row.Cells)
		}
	}
	for _, m := range r.Medians {
		j := m.json()
		for i, days := range []*int{j.Days, j.Low, j.High} {
			value := ""
			if days != nil {
				value = strconv.Itoa(*days)
			}
			line(r.Quarter, "medians", m.Slug, m.Title, [...]string{"median_days", "median_days_low", "median_days_high"}[i], "day", value, j.Mark)
		}
	}
	for _, x := range r.Restated {
		line(x.Quarter, "restated", x.Quarter.String(), x.Quarter.Name(), x.Measure.String(), string(ledger.UnitRespondent), strconv.FormatUint(x.Now, 10), "")
	}
	return out
}

// publicIndex lists what is published.
type publicIndex struct {
	Ledger    string             `json:"ledger"`
	Licence   string             `json:"licence"`
	Published []publicIndexEntry `json:"published"`
	Next      publicIndexEntry   `json:"next"`
}

type publicIndexEntry struct {
	Quarter   string      `json:"quarter"`
	Published ledger.Date `json:"published"`
	JSON      string      `json:"json,omitempty"`
	CSV       string      `json:"csv,omitempty"`
}

func (s *Server) publicIndex(c calendar) publicIndex {
	out := publicIndex{Ledger: s.origin, Licence: publicLicence, Published: []publicIndexEntry{}, Next: publicIndexEntry{Quarter: c.Next.String(), Published: c.Next.Published()}}
	for _, q := range c.Published {
		base := publicPath + "/data/" + q.String()
		out.Published = append(out.Published, publicIndexEntry{q.String(), q.Published(), base + ".json", base + ".csv"})
	}
	return out
}

// getPublicData gives a file. The address of a published one has the same bytes
// for ever.
func (s *Server) getPublicData(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseValues(r.URL.RawQuery, "lang"); err != nil {
		return err
	}
	c, err := s.calendar(r.Context())
	if err != nil {
		return err
	}
	name := r.PathValue("file")
	if name == "index.json" {
		body, err := json.MarshalIndent(s.publicIndex(c), "", " ")
		if err != nil {
			return err
		}
		s.publicFile(w, r, "application/json", append(body, '\n'))
		return nil
	}
	stem, kind, _ := strings.Cut(name, ".")
	q, ok := parseQuarter(stem)
	if !ok || kind != "csv" && kind != "json" {
		return errNotFound
	}
	rel, err := s.release(r.Context(), c, q)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="berkas-`+name+`"`)
	if kind == "csv" {
		body, err := s.csv(rel)
		if err != nil {
			return err
		}
		s.publicFile(w, r, "text/csv; charset=utf-8; header=present", body)
		return nil
	}
	body, err := json.MarshalIndent(s.publicData(rel), "", " ")
	if err != nil {
		return err
	}
	s.publicFile(w, r, "application/json", append(body, '\n'))
	return nil
}

// publicFile answers with open data, which any site may read.
func (s *Server) publicFile(w http.ResponseWriter, r *http.Request, media string, body []byte) {
	sum := sha256.Sum256(body)
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	s.content(w, r, media, hex.EncodeToString(sum[:16]), body)
}
