package ledger_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// marker stands for what a sender may have written anywhere: no refusal and no
// error may repeat it, since those are logged, answered and recorded. It could
// be a member's name and, in any other rule, a code.
const marker = "budicontoh"

func wantSilent(t rapid.TB, what string, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), marker) {
		t.Errorf("%s repeats what was sent: %v", what, err)
	}
}

func wantSilentRefusal(t rapid.TB, what string, bad *ledger.Refusal) {
	t.Helper()
	if bad == nil {
		return
	}
	if text := bad.Error() + strings.Join(bad.Pointers, " ") + bad.Detail; strings.Contains(text, marker) {
		t.Errorf("%s repeats what was sent: %s", what, text)
	}
}

// rewrite gives a copy of a JSON value for each of its strings, numbers and
// names, with the marker in its place.
func rewrite(t testing.TB, data []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for n := 0; ; n++ {
		copied, found := rewriteNth(t, data, n)
		if !found {
			return out
		}
		out = append(out, copied)
	}
}

func rewriteNth(t testing.TB, data []byte, n int) (out []byte, found bool) {
	t.Helper()
	var b bytes.Buffer
	e, d := jsontext.NewEncoder(&b), jsontext.NewDecoder(bytes.NewReader(data))
	for i := 0; ; {
		tok, err := d.ReadToken()
		if err != nil {
			return b.Bytes(), found
		}
		if k := tok.Kind(); k == '"' || k == '0' {
			if i == n {
				tok, found = jsontext.String(marker), true
			}
			i++
		}
		if err := e.WriteToken(tok); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPayloadsAreNotRepeated: decoding and judging data that says the marker
// somewhere.
func TestPayloadsAreNotRepeated(t *testing.T) {
	tried := 0
	for _, k := range ledger.Kinds {
		for _, example := range examples(t, k) {
			for _, data := range rewrite(t, example) {
				p, err := ledger.DecodePayload(k.Kind, k.Version, data)
				wantSilent(t, string(k.Kind), err)
				if err != nil || k.Stream != ledger.StreamCase {
					continue
				}
				judgeEverywhere(t, ledger.Event{
					Kind: k.Kind, Version: 1, Subject: caseID, Source: ledger.KASN,
					Time: ledger.Date("2024-10-01").Start().Add(10 * time.Hour), Payload: p,
				})
				tried++
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d payloads were judged", tried)
	}
}

// judgeEverywhere judges an event at every stage of a case, in its agency's hand.
func judgeEverywhere(t *testing.T, e ledger.Event) {
	t.Helper()
	for _, s := range ledger.Stages {
		history := wayTo(t, s)
		c := ledger.Fold(history)
		c.Holder, c.Opener, c.Addressee = e.Source, e.Source, e.Source
		wantSilentRefusal(t, string(e.Kind), ledger.Check(c, e, ledger.Law{Regime: ledger.Regime{ReprimandBeforeBlock: true}}))
		_, bad := ledger.Place(history, ledger.CaseEvent{Position: 100, Event: e}, func(time.Time) ledger.Law { return ledger.Law{} })
		wantSilentRefusal(t, string(e.Kind), bad)
	}
	wantSilentRefusal(t, string(e.Kind), ledger.Check(ledger.Case{}, e, ledger.Law{}))
}

// TestBytesAreNotRepeated: every attribute, member and name of an event that is
// read as bytes, and of a record.
func TestBytesAreNotRepeated(t *testing.T) {
	refused := 0
	for _, k := range ledger.Kinds {
		for _, example := range examples(t, k) {
			body := mustEncode(t, ledger.Event{
				ID: eventID(1), Source: ledger.Bawaslu, Kind: k.Kind, Version: 1, Subject: caseID, Ledger: origin,
				Time: moment(t, "2020-10-03T02:30:00Z"), Data: example,
			})
			for _, changed := range rewrite(t, body) {
				e, bad := ledger.Decode(changed)
				wantSilentRefusal(t, "Decode", bad)
				if bad == nil {
					wantSilentRefusal(t, "CheckSealed", ledger.CheckSealed(e))
				} else {
					refused++
				}
				_, err := ledger.DecodeRecord(ledger.Record{Position: 1, Subject: ledger.SubjectCase(caseID), Body: changed})
				wantSilent(t, "DecodeRecord", err)
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d events were refused", refused)
	}
}

// TestBrokenBytesAreNotRepeated: the marker at any place of the bytes, in
// members that stand twice, beside direct identifiers, in sealed values.
func TestBrokenBytesAreNotRepeated(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	inserts := []string{
		marker, `"` + marker + `":1,`, `"` + marker + `":1,"` + marker + `":2,`, `{"` + marker + `":`, `"` + marker + `"`, "," + marker,
		`"` + marker + `":"3201010101800001",`, `"` + marker + `@x":1,`, `"` + marker + `":{"x":1,"x":2},`, "\xff" + marker,
		`"` + marker + `":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + ",", `"` + marker + `":"` + sealedValue(`{"`+marker+`":1}`) + `",`,
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(golden)).Draw(t, "at")
		cut := rapid.IntRange(at, min(len(golden), at+20)).Draw(t, "cut")
		body := []byte(golden[:at] + rapid.SampledFrom(inserts).Draw(t, "insert") + golden[cut:])
		e, bad := ledger.Decode(body)
		wantSilentRefusal(t, "Decode", bad)
		if bad == nil {
			wantSilentRefusal(t, "CheckSealed", ledger.CheckSealed(e))
		}
	})
}

// TestHeadersAreNotRepeated: names and values of headers, and of receipts, which
// come from elsewhere too.
func TestHeadersAreNotRepeated(t *testing.T) {
	golden := goldenSubmission(t)
	for _, h := range []map[string][]string{
		{marker: {marker}},
		{"Nats-" + marker: {marker}},
		{"Berkas-" + marker: {marker}},
		{ledger.HeaderContentType: {marker}},
		{ledger.HeaderContentType: {ledger.ContentType}, ledger.HeaderSignature: {marker}},
		{ledger.HeaderContentType: {ledger.ContentType}, ledger.HeaderSignature: {marker + "/" + marker + " " + value, marker + "/" + marker + " " + value}},
		{ledger.HeaderContentType: {ledger.ContentType}, ledger.HeaderSignature: {"bkn/1 " + marker}},
	} {
		_, bad := ledger.ParseSubmission(ledger.Bawaslu, h, golden.Body)
		if bad == nil {
			t.Errorf("%v is admitted", h)
		}
		wantSilentRefusal(t, "ParseSubmission", bad)
		_, err := ledger.ParseRecord(1, "ledger."+marker, h, golden.Body)
		wantSilent(t, "ParseRecord", err)
	}
	leaf := string(goldenFile(t, "record.leaf"))
	for i := range len(leaf) - len(golden.Body) {
		_, err := ledger.ParseLeaf([]byte(leaf[:i] + marker + leaf[i:]))
		wantSilent(t, "ParseLeaf", err)
	}
}

// TestRefusalIsAnError: how a refusal reads.
func TestRefusalIsAnError(t *testing.T) {
	for _, tt := range []struct {
		bad  *ledger.Refusal
		want string
	}{
		{ledger.Refuse(ledger.CodeSchema, "", ""), "schema-violation: The data does not fit the schema of its kind and version."},
		{ledger.Refuse(ledger.CodeSchema, "/data", "%d times", 2), "schema-violation at /data: 2 times"},
		{&ledger.Refusal{Code: "full-moon", Pointers: []string{"/a", "/b"}}, "full-moon at /a, /b"},
	} {
		if got := tt.bad.Error(); got != tt.want {
			t.Errorf("refusal reads %q, want %q", got, tt.want)
		}
	}
}
