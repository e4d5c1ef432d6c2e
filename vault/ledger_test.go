package vault

import (
	"fmt"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// What the vault seals for a place the ledger accepts there and nowhere else:
// package ledger, which may not import seal, reads the header with its own code.
func TestLedgerAcceptsWhatIsSealed(t *testing.T) {
	_, request := sealedOne(t)
	event := func(respondents string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/agencies/bawaslu","type":"id.berkas.case.opened.v1",`+
			`"subject":%q,"time":"2020-10-01T03:00:00Z","dataschema":"urn:berkas:schema:case.opened.v1",`+
			`"datacontenttype":"application/json","ledger":%q,"data":{"respondents":%s}}`,
			identity.Event, identity.Case, identity.Ledger, respondents)
	}
	right := event(fmt.Sprintf(`[{"identity":%q}]`, request.Sealed))
	for name, test := range map[string]struct {
		event []byte
		want  ledger.Code
	}{
		"in its place":     {right, ""},
		"other respondent": {event(fmt.Sprintf(`[{},{"identity":%q}]`, request.Sealed)), ledger.CodeSealedMisplaced},
		"other member":     {event(fmt.Sprintf(`[{"name":%q}]`, request.Sealed)), ledger.CodeSealedMisplaced},
		"other case":       {[]byte(strings.Replace(string(right), caseOne, caseTwo, 1)), ledger.CodeSealedMisplaced},
		"other event":      {[]byte(strings.Replace(string(right), identity.Event, caseTwo, 1)), ledger.CodeSealedMisplaced},
		"other ledger":     {[]byte(strings.Replace(string(right), identity.Ledger, "ledger.example/other", 1)), ledger.CodeSealedMisplaced},
	} {
		decoded, refusal := ledger.Decode(test.event)
		if refusal != nil {
			t.Fatalf("%s: the event does not decode: %v", name, refusal)
		}
		var got ledger.Code
		if refusal := ledger.CheckSealed(decoded); refusal != nil {
			got = refusal.Code
		}
		if got != test.want {
			t.Errorf("%s: refused with %q, want %q", name, got, test.want)
		}
	}
}
