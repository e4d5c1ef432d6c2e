package web

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/roster"
)

// newSilent is a server that nothing stands behind.
func newSilent(t testing.TB, changes ...func(*Config)) *Server {
	t.Helper()
	r, err := roster.Start(testkit.NewWorld().Genesis())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Demo: "test", Open: true, Roster: func() *roster.Roster { return r }, Log: testkit.Log(t)}
	for _, change := range changes {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const tooLong = "too long"

func readAll(t *testing.T, text string) []string {
	t.Helper()
	in := bufio.NewReaderSize(strings.NewReader(text), 64<<10)
	var out []string
	for {
		line, err := readLine(in)
		switch {
		case errors.Is(err, errLineTooLong):
			line = []byte(tooLong)
		case errors.Is(err, io.EOF) && len(line) == 0:
			return out
		case err != nil && !errors.Is(err, io.EOF):
			t.Fatal(err)
		}
		out = append(out, string(line))
		if errors.Is(err, io.EOF) {
			return out
		}
	}
}

func wantLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > maxBulkLine {
			line = tooLong
		}
		out = append(out, line)
	}
	return out
}
