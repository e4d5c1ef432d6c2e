package main

import (
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

const fuzzOrigin = "berkas.example/fuzz"

// FuzzImportLine: a line of NDJSON is an event's bytes or an error, and the same
// again the next time.
func FuzzImportLine(f *testing.F) {
	for _, line := range []string{
		`{"agency":"bawaslu","kind":"case.registered","case":"01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11","time":"2020-10-06T10:00:00+07:00","data":{"register":"1"}}`,
		`{"agency":"bawaslu","kind":"case.opened","case_key":"CONTOH-1","case_date":"2020-10-05","time":"2020-10-05T10:00:00Z","data":{}}`,
		`{"signature":["bawaslu/a AAAA"],"event":"e30="}`,
		`{"specversion":"1.0"}`, `{"signature":1}`, `{}`, `[]`, "", "\xff",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var flags importFlags
		row := flags.parseLine(1, line, fuzzOrigin)
		again := flags.parseLine(1, line, fuzzOrigin)
		checkRow(t, row, again)
	})
}

// FuzzImportCSV: the same of a mapping and a CSV file.
func FuzzImportCSV(f *testing.F) {
	mapping, err := os.ReadFile(repository(f, "examples", "import", "findings.json"))
	if err != nil {
		f.Fatal(err)
	}
	file, err := os.ReadFile(repository(f, "examples", "import", "findings.csv"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(mapping, file)
	f.Add([]byte(`{"time":"{a:number}","data":["{b}",{"x":"{b}"}]}`), []byte("a,b\n1,\n,{a}\n"))
	f.Add([]byte(`"{a}"`), []byte("\ufeffa\n\"\n"))
	f.Fuzz(func(t *testing.T, mapping, file []byte) {
		var node any
		if json.Unmarshal(mapping, &node) != nil {
			return
		}
		reader := csv.NewReader(bytes.NewReader(file))
		columns, err := reader.Read()
		if err != nil || checkColumns(node, columns) != nil {
			return
		}
		var flags importFlags
		for n := 2; ; n++ {
			cells, err := reader.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				continue
			}
			row := flags.mapRow(importRow{number: n}, node, columns, cells, fuzzOrigin)
			checkRow(t, row, flags.mapRow(importRow{number: n}, node, columns, cells, fuzzOrigin))
		}
	})
}

func checkRow(t *testing.T, row, again importRow) {
	t.Helper()
	if (row.err == nil) != (again.err == nil) || !bytes.Equal(row.body, again.body) {
		t.Fatalf("the same row gives %q (%v) and %q (%v)", row.body, row.err, again.body, again.err)
	}
	if row.err == nil && (len(row.body) == 0 || !row.agency.Valid() && row.agency != ledger.Registrar) {
		t.Fatalf("an event of %q without bytes or sender: %q", row.agency, row.body)
	}
}
