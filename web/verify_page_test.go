package web

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// pageFile is the static page as it stands in the repository.
const pageFile = "../verify/page/verify.html"

type pageKind struct {
	Stream    string         `json:"stream"`
	Party     string         `json:"party"`
	Mandate   ledger.Mandate `json:"mandate,omitempty"`
	OrMandate ledger.Mandate `json:"or_mandate,omitempty"`
	*pageWord
}

type pageWord struct {
	ID string `json:"id"`
	EN string `json:"en"`
}

// pageTables is what the static page knows of kinds, codes and words.
func pageTables(t *testing.T) []byte {
	t.Helper()
	streams := map[ledger.Stream]string{ledger.StreamCase: "case", ledger.StreamFigures: "figures", ledger.StreamRoster: "roster", ledger.StreamRefusal: "refusal"}
	parties := map[ledger.Party]string{
		ledger.PartyMandate: "mandate", ledger.PartyHolder: "holder", ledger.PartyAddressee: "addressee", ledger.PartyOpener: "opener",
		ledger.PartyParticipant: "participant", ledger.PartyRecorder: "recorder", ledger.PartyInstitution: "institution",
		ledger.PartyOwnRoot: "own-root", ledger.PartyRoots: "roots", ledger.PartyRegistrar: "registrar",
	}
	kinds, roles, codes := map[ledger.Kind]pageKind{}, map[string]pageWord{}, map[verify.Code]pageWord{}
	for _, k := range ledger.Kinds {
		one := pageKind{Stream: streams[k.Stream], Party: parties[k.Party], Mandate: k.Mandate, OrMandate: k.OrMandate}
		if one.Stream == "" || one.Party == "" {
			t.Fatalf("the page has no word for the stream or the party of %s", k.Kind)
		}
		if w, ok := words["kind"][string(k.Kind)]; ok {
			one.pageWord = &pageWord{w.ID, w.EN}
		}
		kinds[k.Kind] = one
		if under := underOf(k, nil); k.Party != ledger.PartyMandate && under.ID != "" {
			roles[one.Party] = pageWord(under)
		}
	}
	for _, m := range verify.Messages() {
		codes[m.Code] = pageWord{m.Indonesian, m.English}
	}
	group := func(name string) map[string]pageWord {
		out := map[string]pageWord{}
		for code, w := range words[name] {
			out[code] = pageWord(w)
		}
		return out
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out) // it escapes what would end a script
	for i, part := range []struct {
		name  string
		table any
	}{{"kinds", kinds}, {"parties", roles}, {"mandates", group("mandate")}, {"agencies", group("agency")}, {"codes", codes}} {
		out.WriteString([]string{"{", ","}[min(i, 1)] + `"` + part.name + `":`)
		if err := e.Encode(part.table); err != nil {
			t.Fatal(err)
		}
	}
	out.WriteByte('}')
	return out.Bytes()
}

// TestStaticPageIsMade: the page's tables are those of this program, and its
// policy names its own script and style sheet.
func TestStaticPageIsMade(t *testing.T) {
	raw, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = `<script type="application/json" id="tables">` + "\n", "\n</script>"
	head, rest, ok := strings.Cut(string(raw), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no tables", pageFile)
	}
	made := head + begin + string(pageTables(t)) + end + tail
	const csp = `<meta http-equiv="Content-Security-Policy" content="`
	head, rest, ok = strings.Cut(made, csp)
	_, tail, ok2 = strings.Cut(rest, `"`)
	if !ok || !ok2 {
		t.Fatalf("%s has no policy", pageFile)
	}
	made = head + csp + verify.PolicyOf(made) + `"` + tail
	if *update {
		if err := os.WriteFile(pageFile, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if made != string(raw) {
		t.Errorf("%s is stale; if the change is meant, write it with: go test ./web -run TestStaticPage -update", pageFile)
	}
	if !strings.Contains(string(verify.Page()), verify.PagePolicy()) {
		t.Error("the page is served under another policy than its own")
	}
}

// TestStaticPageLoadsNothing: nothing in it leads elsewhere, or makes markup of text.
func TestStaticPageLoadsNothing(t *testing.T) {
	text := string(verify.Page())
	for _, bad := range []string{"http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "import(", "localStorage", "WebSocket", "sendBeacon"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
}
