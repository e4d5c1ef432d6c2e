package main

import (
	"os"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestPageIsTrue: docs/procedure.md is what the tables say.
func TestPageIsTrue(t *testing.T) {
	got, err := os.ReadFile("../../docs/procedure.md")
	if err != nil || string(got) != page() {
		t.Fatalf("docs/procedure.md is stale (%v): run go generate ./internal/procedure", err)
	}
}

// TestPageIsWhole: every kind, stage and measure stands in it, and everybody who
// may record something has a name.
func TestPageIsWhole(t *testing.T) {
	text := page()
	for _, k := range ledger.Kinds {
		if !strings.Contains(text, "| `"+string(k.Kind)+"` | "+who(k)+" |") || who(k) == "" {
			t.Errorf("%s is not told, or by nobody: %q", k.Kind, who(k))
		}
	}
	diagram := text[strings.Index(text, "stateDiagram"):strings.Index(text, "Ends: ")]
	for _, s := range ledger.Stages {
		if !strings.Contains(diagram, "--> "+string(s)) {
			t.Errorf("no arrow leads to %s", s)
		}
	}
	for _, arrow := range []string{
		"received --> registered: case.registered", "received --> rejected: verification.concluded",
		"assessment --> recommended: case.recommended", "decided --> examined: decision.annulled",
		"received --> initial_information: case.withdrawn",
	} {
		if !strings.Contains(diagram, arrow+"\n") {
			t.Errorf("no arrow %s", arrow)
		}
	}
}
