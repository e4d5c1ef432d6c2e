package main

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/simulate"
	"github.com/berkas-ledger/berkas/ledger"
)

// The mix asks for days of the history, known at the same day or later.
func TestPageQuestions(t *testing.T) {
	b := &benchPages{last: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), samples: []string{"a", "b"}}
	q := newPageQuestions(b, 2)
	seen, known := map[string]int{}, 0
	for range 2000 {
		name, path := q.next()
		seen[name]++
		u, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		asOf, at := ledger.Date(u.Query().Get("as-of")), ledger.Date(u.Query().Get("known-at"))
		if asOf != "" && (!asOf.Valid() || asOf < "2020-02-01" || asOf > "2026-11-21") {
			t.Errorf("%s", path)
		}
		if at != "" {
			if known++; at < asOf || at > "2026-11-21" {
				t.Errorf("%s", path)
			}
		}
	}
	if len(seen) != len(q.mix) || seen["/national"] < seen["/search"] || known < 100 {
		t.Errorf("pages %v, known at %d times", seen, known)
	}
}

func TestSummary(t *testing.T) {
	all := []answer{{page: "/x", status: 500, err: errors.New("500")}, {page: "/x", status: 503, err: errors.New("503")}}
	for i := range 200 {
		all = append(all, answer{page: "/x", status: 200, first: time.Duration(200-i) * time.Millisecond})
	}
	lines := summarised(all)
	if len(lines) != 6 || lines[0].Measured != 101 || lines[1].Measured != 199 || lines[4].Measured != 1 || lines[5].Measured != 1 || !strings.Contains(lines[5].Work, "500") {
		t.Errorf("%+v", lines)
	}
}

// TestCourseGoesOn: a directory that has a history keeps its course, and refuses
// another.
func TestCourseGoesOn(t *testing.T) {
	f := &benchFlags{cases: 300, dir: filepath.Join(t.TempDir(), "new")}
	first, err := f.course()
	if err != nil || first.Cases != 300 || first.Until != simulate.LastDay(time.Now()) {
		t.Fatalf("%+v, %v", first, err)
	}
	file := filepath.Join(f.dir, "course")
	if err := os.WriteFile(file, []byte("300 cases until 2024-03-09\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := f.course(); err != nil || again.Until != "2024-03-09" || again.Cases != 300 {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := (&benchFlags{cases: 200, dir: f.dir}).course(); err == nil || !strings.Contains(err.Error(), "holds a history of 300 cases, not of 200") {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("300 cases until never\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.course(); err == nil || !strings.Contains(err.Error(), "remove the directory") {
		t.Error(err)
	}
	other := &benchFlags{cases: -1, dir: filepath.Join(t.TempDir(), "other")}
	if _, err := other.course(); err == nil {
		t.Error("a history of less than no case is taken")
	}
	if _, err := os.Stat(other.dir); err == nil {
		t.Error("what is refused leaves a directory")
	}
}
