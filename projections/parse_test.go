package projections

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// testdata/published.tsv is the collection of published totals that the project
// has to reproduce; each line names its source.
func TestParsePublished(t *testing.T) {
	file, err := os.Open("testdata/published.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	list, err := ParsePublished(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 38 {
		t.Fatalf("%d figures, want 38", len(list))
	}
	want := PublishedFigure{
		Table: "bkn20", Publisher: "bkn", SeenBy: "bkn", AsOf: "2020-11-26", Unit: ledger.UnitRespondent, Measure: "blocked",
		Filter: map[string]string{"office": "IV"}, Value: 5, Source: "kompas.tv 127122; money.kompas.com 2020/12/01; m.tribunnews.com 2020/11/28",
	}
	if !reflect.DeepEqual(list[8], want) {
		t.Fatalf("figure 9 is %+v, want %+v", list[8], want)
	}
	q, err := list[17].Query(0) // unblocked since the end of 2020
	if err != nil || !q.Since.Equal(ledger.Date("2020-12-31").End()) || q.Measures[0] != ledger.Unblocked {
		t.Fatalf("query %+v, %v", q, err)
	}
}

const publishedHeader = "id\tas_of\tsince\tagency\tunit\tmeasure\tfilter\tvalue\tsource\n"

func TestParsePublishedRefuses(t *testing.T) {
	good := []string{"t20", "2020-11-26", "2020-01-01", "bkn", "case", "opened+rejected", "office=IV;item=photo", "12", "a paper"}
	with := func(i int, value string) string {
		fields := append([]string(nil), good...)
		fields[i] = value
		return publishedHeader + strings.Join(good, "\t") + "\n" + strings.Join(fields, "\t") + "\n"
	}
	if list, err := ParsePublished(strings.NewReader("\ufeff" + strings.ReplaceAll(with(0, "t21"), "\n", "\r\n"))); err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, c := range []struct {
		name, text string
		line       int
		column     string
	}{
		{"empty", "", 1, ""},
		{"no header", "t20\t2020-11-26\t\tbkn\tcase\topened\t\t1\tx\n", 1, ""},
		{"column missing", publishedHeader + "t20\t2020-11-26\n", 2, ""},
		{"empty line", publishedHeader + "\n", 2, ""},
		{"wrong UTF-8", publishedHeader + "\xff\n", 2, ""},
		{"too long", publishedHeader + strings.Repeat("x", maxLine+1), 2, ""},
		{"id", with(0, "T 20"), 3, "id"},
		{"no such day", with(1, "2020-02-31"), 3, "as_of"},
		{"since", with(2, "1.1.2020"), 3, "since"},
		{"since after as-of", with(2, "2020-11-26"), 3, "since"},
		{"agency", with(3, "BKN"), 3, "agency"},
		{"no agency", with(3, ""), 3, "agency"},
		{"unit", with(4, "person"), 3, "unit"},
		{"measure", with(5, "opened+"), 3, "measure"},
		{"filter without value", with(6, "office"), 3, "filter"},
		{"filter twice", with(6, "office=I;office=I"), 3, "filter"},
		{"unknown filter", with(6, "colour=red"), 3, "filter"},
		{"unknown office", with(6, "office=XV"), 3, "filter"},
		{"negative", with(7, "-1"), 3, "value"},
		{"leading zero", with(7, "012"), 3, "value"},
		{"too great", with(7, "18446744073709551616"), 3, "value"},
		{"control character", with(8, "a\x01b"), 3, "source"},
		{"blank", with(8, " a"), 3, "source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := ParsePublished(strings.NewReader(c.text))
			var bad *ErrTable
			if !errors.As(err, &bad) || bad.Line != c.line || bad.Column != c.column || list != nil {
				t.Fatalf("%v, want line %d, column %q", err, c.line, c.column)
			}
		})
	}
}

func FuzzParsePublished(f *testing.F) {
	file, err := os.ReadFile("testdata/published.tsv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(publishedHeader))
	f.Add([]byte(publishedHeader + "t\t2020-11-26\t\tbkn\tcase\topened\toffice=IV;item=photo\t1\tx\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParsePublished(bytes.NewReader(text))
		var bad *ErrTable
		if err != nil && !errors.As(err, &bad) {
			t.Fatalf("an error without its place: %v", err)
		}
		for _, p := range list {
			if _, err := p.Query(0); err != nil {
				t.Fatalf("%+v was taken and cannot be asked: %v", p, err)
			}
		}
	})
}
