package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCSVRows: whatever is wrong with a line is told of that line, and the next
// is read.
func TestCSVRows(t *testing.T) {
	flags := importFlags{mapping: filepath.Join(t.TempDir(), "mapping.json")}
	mapping := `{"agency":"bawaslu","kind":"case.registered","case":"{case}","time":"2020-10-06T10:00:00+07:00","data":{"register":"{register}"}}`
	if err := os.WriteFile(flags.mapping, []byte(mapping), 0o600); err != nil {
		t.Fatal(err)
	}
	const id = "01746ac6-7800-7cc3-9bd1-2f5a6c0d4e11"
	for name, tt := range map[string]struct {
		file       string
		good, fail []int
	}{
		"plain":            {"case,register\n" + id + ",1\n", []int{2}, nil},
		"mark and returns": {"\ufeffcase,register\r\n" + id + ",1\r\n", []int{2}, nil},
		"missing cell":     {"case,register\n" + id + "\n" + id + ",1\n", []int{3}, []int{2}},
		"bare quote":       {"case,register\n" + id + ",a\"b\n" + id + ",1\n", []int{3}, []int{2}},
		"open quote":       {"case,register\n\"" + id + ",1\n" + id + ",2\n", nil, []int{2}},
		"only a header":    {"case,register\n", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := flags.csv(io.NopCloser(strings.NewReader(tt.file)), fuzzOrigin)
			if err != nil {
				t.Fatal(err)
			}
			var good, fail []int
			for row := range rows {
				if row.err == nil {
					good = append(good, row.number)
				} else {
					fail = append(fail, row.number)
				}
			}
			if !slices.Equal(good, tt.good) || !slices.Equal(fail, tt.fail) {
				t.Errorf("good %v and failed %v, want %v and %v", good, fail, tt.good, tt.fail)
			}
		})
	}
	for name, file := range map[string]string{"empty": "", "semicolons": "case;register\n", "column twice": "case,register,case\n"} {
		if _, err := flags.csv(io.NopCloser(strings.NewReader(file)), fuzzOrigin); exitCode(err) != exitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}
