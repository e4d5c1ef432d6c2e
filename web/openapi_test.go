package web

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write schemas/openapi.json and the examples anew")

// TestOpenAPI keeps the published description true: it is what this code says.
func TestOpenAPI(t *testing.T) {
	s := newSilent(t)
	const file = "../schemas/openapi.json"
	if *update {
		if err := os.WriteFile(file, s.openAPI, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, s.openAPI) {
		t.Errorf("%s is stale; if the change is meant, write it with: go test ./web -run TestOpenAPI -update", file)
	}
}
