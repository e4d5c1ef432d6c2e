package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// TestStoppedProjectionsAreSaid: figures of projections that stopped come with a
// warning, or they would pass for today's.
func TestStoppedProjectionsAreSaid(t *testing.T) {
	url := testkit.DB(t)
	gap := func(_ context.Context, _ ledger.Position, yield func([]ledger.Record) error) error {
		return yield([]ledger.Record{{Position: 2, Subject: ledger.SubjectRoster}})
	}
	var broken *ledger.ErrBroken
	if err := projections.NewProjector(projections.Config{URL: url}).Run(t.Context(), gap); !errors.As(err, &broken) {
		t.Fatalf("a gap did not stop the projections: %v", err)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = said
	r, err := (&options{database: url}).reader(t.Context())
	os.Stderr = stderr
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	text, err := os.ReadFile(said.Name())
	if err != nil || !strings.Contains(string(text), "the projections stopped") {
		t.Errorf("nothing was said: %q, %v", text, err)
	}
}
