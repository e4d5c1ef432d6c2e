package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseMajor(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int
		ok   bool
	}{
		{"initdb (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n", 15, true},
		{"initdb (PostgreSQL) 19beta1\n", 19, true},
		{"initdb (PostgreSQL) 17", 17, true},
		{"initdb (PostgreSQL) devel", 0, false},
		{"initdb 15", 0, false},
		{"", 0, false},
	} {
		got, ok := parseMajor(tt.text)
		if got != tt.want || ok != tt.ok {
			t.Errorf("parseMajor(%q) = %d, %v", tt.text, got, ok)
		}
	}
}

func TestFindPostgresChooses(t *testing.T) {
	root := t.TempDir()
	for _, major := range []int{9, 15, 17} {
		fakePostgres(t, filepath.Join(root, fmt.Sprint(major), "bin"), major)
	}
	// What an upgrade leaves: a directory without the server.
	if err := os.MkdirAll(filepath.Join(root, "18", "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/usr/bin:/bin")
	pattern := filepath.Join(root, "*", "bin")
	for _, tt := range []struct {
		name  string
		asked string
		major int
		want  int
		err   string
	}{
		{"the newest", "", 0, 17, ""},
		{"the one that made the data", "", 15, 15, ""},
		{"none that made the data", "", 16, 0, "apt-get install postgresql-16"},
		{"the one asked for", filepath.Join(root, "15", "bin"), 0, 15, ""},
		{"too old", filepath.Join(root, "9", "bin"), 0, 0, "at least 15"},
		{"none there", filepath.Join(root, "18", "bin"), 0, 0, "apt-get install postgresql"},
	} {
		got, err := findPostgres(t.Context(), tt.asked, pattern, tt.major)
		if tt.err == "" {
			if err != nil || got.major != tt.want {
				t.Errorf("%s: %+v, %v; want %d", tt.name, got, err, tt.want)
			}
			continue
		}
		if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v; want an error with %q", tt.name, got, err, tt.err)
		}
	}
}

func fakePostgres(t *testing.T, dir string, major int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'initdb (PostgreSQL) %d.1'\n", major)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
