package exports

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

var at = time.Date(2020, 11, 26, 3, 10, 0, 0, time.UTC) // 10.10 in Jakarta

var about = About{
	Title: "Angka nasional", Lang: "id", Made: at, Lines: []Line{{"Satuan", "terlapor"}}, Columns: []Line{{"count", "berapa"}},
	Proof: Proof{Origin: "berkas.example/test", Known: 41, Covered: true, At: ledger.Checkpoint{Origin: "berkas.example/test", Size: 42, Root: ledger.Hash{1, 2}}, Address: "https://berkas.example/v1/exports/national?unit=case"},
}

// TestNeutral: nothing that somebody recorded is a formula, numbers stay numbers, and
// every text can be had back.
func TestNeutral(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Kota Makassar": "Kota Makassar", "a=1": "a=1", "2020-11-26": "2020-11-26", "73.71": "73.71",
		"=1+1": "'=1+1", "+62": "'+62", "-5": "'-5", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		"\uff1d1+1": "'\uff1d1+1", "\uff0b1": "'\uff0b1", "\uff0d1": "'\uff0d1", "\uff20x": "'\uff20x", "\u2212x": "'\u2212x",
		" =1+1": "' =1+1", "\u00a0=1": "'\u00a0=1", "\ufeff=1": "'\ufeff=1", "\u200b@x": "'\u200b@x", `"=1`: `'"=1`,
		"=cmd|'/C calc'!A0": "'=cmd|'/C calc'!A0", "'=1": "''=1", "'": "''", "'quoted'": "''quoted'",
	} {
		if got := Neutral(text); got != want || original(got) != text {
			t.Errorf("%q became %q, want %q; undone %q", text, got, want, original(got))
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.String().Draw(r, "text")
		if original(Neutral(text)) != text {
			r.Errorf("%q cannot be had back", text)
		}
	})
}

// original undoes Neutral.
func original(s string) string { return strings.TrimPrefix(s, "'") }

// TestCSV reads what was written with the reader of the standard library.
func TestCSV(t *testing.T) {
	rows := []Row{
		{"Kota; \"Makassar\", =1", uint64(12), -5, 2.5, true, ledger.Date("2020-11-26"), at, nil},
		{"=HYPERLINK(\"x\")\n", int64(-7), 0, 0.1, false, ledger.Date(""), time.Time{}, "é"},
	}
	columns := []string{"teks", "a", "b", "c", "d", "e", "f", "g"}
	for _, o := range []CSVOptions{{}, {Semicolon: true}} {
		var b bytes.Buffer
		c, err := NewCSV(&b, o, columns)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := c.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Add(Row{struct{}{}}); err == nil {
			t.Error("a cell of any type was taken")
		}
		if err := c.End(); err != nil {
			t.Fatal(err)
		}
		raw, bom := bytes.CutPrefix(b.Bytes(), []byte("\xef\xbb\xbf"))
		if bom != o.Semicolon || !bytes.HasSuffix(raw, []byte("\r\n")) {
			t.Errorf("%+v: %q", o, raw)
		}
		in := csv.NewReader(bytes.NewReader(raw))
		decimal := []string{"2.5", "0.1"}
		if o.Semicolon {
			in.Comma, decimal = ';', []string{"2,5", "0,1"}
		}
		got, err := in.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{
			columns,
			{"Kota; \"Makassar\", =1", "12", "-5", decimal[0], "true", "2020-11-26", "2020-11-26T10:10:00+07:00", ""},
			{"'=HYPERLINK(\"x\")\n", "-7", "0", decimal[1], "false", "", "", "é"},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v:\n%q\n%q", o, got, want)
		}
	}
}

func workbook(t *testing.T, rows []Row, columns ...string) []byte {
	t.Helper()
	x, err := NewXLSX(about, columns)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for _, r := range rows {
		if err := x.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := x.End(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestXLSX reads a workbook back, and looks at its XML: types, a frozen row, no
// formula, nothing from elsewhere.
func TestXLSX(t *testing.T) {
	rows := []Row{
		{"=1+1", uint64(12), -5, 2.5, true, ledger.Date("2020-11-26"), at, nil},
		{"a\x00b\x1f\ufffe<&>", uint64(1<<60 + 1), int64(1), 0.0, false, ledger.Date("x"), time.Time{}, "'x"},
	}
	raw := workbook(t, rows, "teks", "a", "b", "c", "d", "e", "f", "=g")
	f, err := excelize.OpenReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if list := f.GetSheetList(); !slices.Equal(list, []string{"data", "about"}) {
		t.Error(list)
	}
	for cell, want := range map[string]string{
		"A1": "teks", "H1": "=g", "A2": "=1+1", "B2": "12", "C2": "-5", "D2": "2.5", "E2": "TRUE", "F2": "2020-11-26", "G2": "2020-11-26 10:10:00", "H2": "",
		"A3": "a\ufffdb\ufffd\ufffd<&>", "B3": "1152921504606846977", "F3": "", "G3": "", "H3": "'x",
	} {
		if got, err := f.GetCellValue("data", cell); got != want || err != nil {
			t.Errorf("%s is %q, want %q (%v)", cell, got, want, err)
		}
		if formula, err := f.GetCellFormula("data", cell); formula != "" || err != nil {
			t.Errorf("%s has the formula %q", cell, formula)
		}
	}
	for cell, want := range map[string]excelize.CellType{"A2": excelize.CellTypeInlineString, "B2": excelize.CellTypeUnset, "E2": excelize.CellTypeBool, "B3": excelize.CellTypeInlineString} {
		if got, err := f.GetCellType("data", cell); got != want || err != nil {
			t.Errorf("%s is of type %v, want %v", cell, got, want)
		}
	}
	if panes, err := f.GetPanes("data"); err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("%+v %v", panes, err)
	}
	lines, err := f.GetRows("about")
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(lines)
	for _, want := range []string{"Angka nasional", "terlapor", "berkas.example/test", "41", "42", about.Proof.At.Root.String(), about.Proof.Address, "berapa"} {
		if !strings.Contains(said, want) {
			t.Errorf("the second sheet does not say %s: %s", want, said)
		}
	}
	props, err := f.GetDocProps()
	if err != nil || props.Created != "2020-11-26T03:10:00Z" || props.Title != about.Title {
		t.Errorf("%+v %v", props, err)
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range archive.File {
		in, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(bytes.NewReader(text)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s is no XML: %v", part.Name, err)
			}
			if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "f" || e.Name.Local == "hyperlink" || e.Name.Local == "externalReference") {
				t.Errorf("%s has <%s>", part.Name, e.Name.Local)
			}
		}
		if strings.Contains(part.Name, "vba") || strings.Contains(part.Name, "external") {
			t.Error(part.Name)
		}
	}
}

// TestLargeLists: a long list goes through memory, not into it, and leaves no file.
func TestLargeLists(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	spilled := func() int {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	const rows = 2000 // of ten thousand characters: more than the 16 MiB that are kept
	row := Row{uint64(7), at}
	for range 10 {
		row = append(row, strings.Repeat("x", 1000))
	}
	columns := make([]string, len(row))
	x, err := NewXLSX(about, columns)
	if err != nil {
		t.Fatal(err)
	}
	for range rows {
		if err := x.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	if spilled() == 0 {
		t.Error("all of it is in memory")
	}
	out := &counted{}
	if err := errors.Join(x.End(out), x.Close()); err != nil {
		t.Fatal(err)
	}
	if spilled() != 0 || out.n == 0 {
		t.Error("a temporary file was left")
	}
	c, err := NewCSV(out, CSVOptions{}, columns)
	if err != nil {
		t.Fatal(err)
	}
	before, whole := out.n, 0
	for range rows {
		if err := c.Add(row); err != nil {
			t.Fatal(err)
		}
		whole += 10_000
		if held := whole - (out.n - before); held > 64<<10 {
			t.Fatalf("%d bytes of CSV are held back", held)
		}
	}
	if err := c.End(); err != nil {
		t.Error(err)
	}
}

type counted struct{ n int }

func (c *counted) Write(b []byte) (int, error) { c.n += len(b); return len(b), nil }

func paperCase(lang string) Case {
	c := Case{
		Lang: lang, Demo: "test", ID: "01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11", Made: at, Proof: about.Proof,
		Facts:    []Line{{"Pemegang", "Badan Kepegawaian Negara (BKN)"}, {"Dibuka", "26 November 2020"}},
		Persons:  []Line{{"r1", "pelaksana \u2013 kota 73.71 \u2013 tahap: direkomendasikan"}},
		Commands: []string{"berkas bundle 01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11 --out kasus.json", "berkas verify kasus.json --policy policy.txt"},
	}
	for i := range 9 {
		c.Events = append(c.Events, CaseEvent{
			Position: ledger.Position(10 + i), Kind: "Rekomendasi", Agency: "KASN", Happened: at, Recorded: at.AddDate(0, 2, i), Late: i == 3,
			ID: "01746ac6-7800-7cc3-9bd1-000000000000", Keys: []string{"kasn/event"}, Leaf: ledger.Hash{byte(i + 1)}, Notes: []Line{{"Surat", "CONTOH-R/1"}},
		})
	}
	c.Events[1].Corrected, c.Events[2].Corrected, c.Events[2].Void = 17, 18, true
	return c
}

var stream = regexp.MustCompile(`(?s)/FlateDecode.*?stream\n(.*?)\nendstream`)

// textOf reads the texts of a PDF's pages off their operators.
func textOf(t *testing.T, raw []byte) string {
	t.Helper()
	var out strings.Builder
	shown := regexp.MustCompile(`\((?:\\.|[^\\)])*\)\s*Tj`)
	for _, m := range stream.FindAllSubmatch(raw, -1) {
		z, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range shown.FindAllString(string(text), -1) {
			s = s[1:strings.LastIndex(s, ")")]
			out.WriteString(strings.NewReplacer(`\(`, "(", `\)`, ")", `\\`, `\`).Replace(s) + "\n")
		}
	}
	return out.String()
}

// TestPaper: a case on paper says everything of every event, in either language, the
// same bytes each time.
func TestPaper(t *testing.T) {
	for lang, words := range map[string][]string{
		"id": {"Cara memeriksa", "DIKOREKSI oleh catatan pada posisi 17", "DIBATALKAN oleh koreksi pada posisi 18", "(terlambat dicatat)", "26 November 2020, 10.10.00 WIB", "26 Januari 2021", "bukan kasus sungguhan"},
		"en": {"How to check this", "CORRECTED by the record at position 17", "VOIDED by the correction at position 18", "(recorded late)", "26 January 2021"},
	} {
		c := paperCase(lang)
		var one, two bytes.Buffer
		if err := WriteCase(&one, c); err != nil {
			t.Fatal(err)
		}
		if err := WriteCase(&two, c); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Error("the same case gave other bytes")
		}
		text := textOf(t, one.Bytes())
		for _, e := range c.Events {
			words = append(words, fmt.Sprintf("#%d\n", e.Position), e.Leaf.String())
		}
		for _, want := range append(words, c.ID, c.Commands[0], c.Proof.At.Root.String(), "kasn/event", "CONTOH-R/1", c.Proof.Address) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the paper does not say %q", lang, want)
			}
		}
		for _, want := range []string{"%PDF-1.", "/Lang (" + map[string]string{"id": "id-ID", "en": "en"}[lang], "(D:20201126031000", "/Count "} {
			if !bytes.Contains(one.Bytes(), []byte(want)) {
				t.Errorf("%s: the file has no %s", lang, want)
			}
		}
		for _, never := range []string{"/JavaScript", "/URI", "/Type /EmbeddedFile", "/Launch"} {
			if bytes.Contains(one.Bytes(), []byte(never)) {
				t.Errorf("the file has %s", never)
			}
		}
	}
}
