package schemas_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

var updateAsync = flag.Bool("update-asyncapi", false, "write schemas/asyncapi.json anew")

// TestAsyncAPI keeps the published description true: it is what this code says.
func TestAsyncAPI(t *testing.T) {
	made, err := schemas.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *updateAsync {
		if err := os.WriteFile("asyncapi.json", made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, made) {
		t.Error("schemas/asyncapi.json is stale; if the change is meant, write it with: go test ./schemas -run TestAsyncAPI -update-asyncapi")
	}
}

// TestAsyncAPIHasEveryKind reads the published file as an outsider does, and
// compares it with the table of kinds.
func TestAsyncAPIHasEveryKind(t *testing.T) {
	raw, err := os.ReadFile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Channels map[string]struct {
			Address  string
			Messages map[string]struct {
				Ref string `json:"$ref"`
			}
		}
		Components struct {
			Messages map[string]struct{ Name string }
			Schemas  map[string]any
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	channels := map[ledger.Stream]string{
		ledger.StreamCase: "ledgerCase", ledger.StreamFigures: "ledgerFigures", ledger.StreamRoster: "ledgerRoster", ledger.StreamRefusal: "ledgerRefusal",
	}
	want := map[string][]string{}
	for _, k := range ledger.Kinds {
		name := fmt.Sprintf("%s.v%d", k.Kind, k.Version)
		want[channels[k.Stream]] = append(want[channels[k.Stream]], name)
		if k.Party != ledger.PartyRegistrar {
			want["intake"] = append(want["intake"], name)
		}
		if m := doc.Components.Messages[name+".record"]; m.Name != k.Type() {
			t.Errorf("%s is described as %q", k.Type(), m.Name)
		}
		if doc.Components.Schemas[name] == nil {
			t.Errorf("%s has no schema of its data", name)
		}
	}
	for channel, kinds := range want {
		slices.Sort(kinds)
		if got := slices.Sorted(maps.Keys(doc.Channels[channel].Messages)); !slices.Equal(got, kinds) {
			t.Errorf("%s has %v, want %v", channel, got, kinds)
		}
	}
	for channel, subject := range map[string]string{
		"ledgerCase": ledger.SubjectCase("{case}"), "ledgerFigures": ledger.SubjectFigures("{agency}"),
		"ledgerRoster": ledger.SubjectRoster, "ledgerRefusal": ledger.SubjectRefusal("{agency}"),
	} {
		if doc.Channels[channel].Address != subject {
			t.Errorf("%s stands on %s, not on %s", channel, subject, doc.Channels[channel].Address)
		}
	}
}
