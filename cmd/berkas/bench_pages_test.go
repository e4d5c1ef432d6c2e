package main

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// The mix asks for days of the history, known at the same day or later, and for
// nothing that was left out.
func TestPageQuestions(t *testing.T) {
	b := &benchPages{last: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), samples: []string{"a", "b"}}
	q := newPageQuestions(b)
	q.leaveOut("/public")
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
	if len(seen) != len(q.mix) || seen["/public"] > 0 || seen["/national"] < seen["/search"] || known < 100 {
		t.Errorf("pages %v, known at %d times", seen, known)
	}
}

func TestSummary(t *testing.T) {
	all := []answer{{page: "/x", err: errors.New("503")}}
	for i := range 200 {
		all = append(all, answer{page: "/x", status: 200, first: time.Duration(200-i) * time.Millisecond})
	}
	lines := summarised(all)
	if len(lines) != 5 || lines[0].Measured != 101 || lines[1].Measured != 199 || lines[4].Measured != 1 || !strings.Contains(lines[4].Work, "503") {
		t.Errorf("%+v", lines)
	}
}
