package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestFrozen: New, which every test and program calls, has compared the files
// with the list; here is that the list names what exists and is what Frozen says.
func TestFrozen(t *testing.T) {
	v, err := New()
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for _, k := range ledger.Kinds {
		_, ok := v.frozen[name{k.Kind, k.Version}.String()]
		if v.Frozen(k.Kind, k.Version) != ok {
			t.Errorf("%s: Frozen differs from the list", k.Kind)
		}
		if ok {
			listed++
		}
	}
	if _, ok := v.frozen[common]; ok {
		listed++
	}
	if listed != len(v.frozen) {
		t.Errorf("FROZEN lists %d names, %d are known", len(v.frozen), listed)
	}
	if v.Frozen("case.dreamt", 1) || v.Frozen(ledger.CaseOpenedKind, 999) {
		t.Error("a kind that does not exist is frozen")
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestCheckFrozen(t *testing.T) {
	corrected := `{"$ref": "urn:berkas:schema:case.opened.v1"}`
	content := map[string]string{"common.v1": "common", "case.opened.v1": "opened", "event.corrected.v1": corrected}
	file := func(n string) ([]byte, error) {
		if s, ok := content[n]; ok {
			return []byte(s), nil
		}
		return File(n)
	}
	both := "common.v1 " + sum("common") + "\ncase.opened.v1 " + sum("opened") + "\n"
	tests := []struct{ name, list, want string }{
		{"empty", "# nothing yet\n\n", ""},
		{"as listed", both, ""},
		{"altered", strings.Replace(both, sum("opened"), sum("OPENED"), 1), "needs a new version"},
		{"altered definitions", strings.Replace(both, sum("common"), sum("COMMON"), 1), "needs a new version"},
		{"without definitions", "case.opened.v1 " + sum("opened"), "not common.v1"},
		{"with what it refers to", both + "event.corrected.v1 " + sum(corrected), ""},
		{"without what it refers to", "common.v1 " + sum("common") + "\nevent.corrected.v1 " + sum(corrected), "not case.opened.v1"},
		{"of no file", both + "case.dreamt.v1 " + sum(""), "case.dreamt.v1"},
		{"twice", both + both, "line 3"},
		{"no digest", "common.v1", "line 1"},
		{"digest in capitals", "common.v1 " + strings.ToUpper(sum("common")), "line 1"},
		{"something after it", "common.v1 " + sum("common") + " yes", "line 1"},
	}
	for _, tt := range tests {
		frozen, err := parseFrozen(tt.list)
		if err == nil {
			err = checkFrozen(frozen, file)
		}
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestFrozenIsAsked(t *testing.T) {
	v := &Validator{frozen: map[string]ledger.Hash{"case.opened.v1": {}}}
	if !v.Frozen(ledger.CaseOpenedKind, 1) || v.Frozen(ledger.CaseOpenedKind, 2) || v.Frozen(ledger.CaseClarifiedKind, 1) {
		t.Error("Frozen does not say what is listed")
	}
}

func FuzzParseFrozen(f *testing.F) {
	f.Add("# comment\n\ncommon.v1 " + sum("common") + "\n")
	f.Add("common.v1")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = parseFrozen(text)
	})
}
