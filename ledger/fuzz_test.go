package ledger_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/ledger"
)

// examples reads what package schemas gives as examples of a kind's data.
func examples(t testing.TB, k ledger.KindInfo) [][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "schemas", "examples", strings.TrimPrefix(k.Schema(), "urn:berkas:schema:"), "accepted-*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples of %s: %v", k.Kind, err)
	}
	out := make([][]byte, len(names))
	for i, name := range names {
		if out[i], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// sound checks what holds of every refusal.
func sound(t *testing.T, bad *ledger.Refusal) {
	t.Helper()
	if _, known := ledger.ReasonOf(bad.Code); !known {
		t.Errorf("code %q is not in the closed set", bad.Code)
	}
	if len(bad.Pointers) > ledger.MaxPointers {
		t.Errorf("%d pointers", len(bad.Pointers))
	}
	for _, p := range bad.Pointers {
		if ledger.SafePointer(p) != p || p == "" {
			t.Errorf("pointer %q is not safe", p)
		}
	}
}

func FuzzDecode(f *testing.F) {
	golden := string(goldenFile(f, "event.json"))
	f.Add([]byte(golden))
	for _, tt := range notEvents {
		f.Add([]byte(swap(f, golden, tt.old, tt.new)))
	}
	for _, tt := range wholly[:12] {
		f.Add([]byte(tt.body))
	}
	for _, text := range []string{direct["NIK"], direct["e-mail"], harmless["digest"], sealedValue(sealedHeader)} {
		f.Add([]byte(swap(f, golden, `"code":"4011"`, `"code":"`+text+`"`)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, bad := ledger.Decode(body)
		if bad != nil {
			sound(t, bad)
			return
		}
		if bad := ledger.CheckSealed(e); bad != nil {
			sound(t, bad)
		}
		again := mustEncode(t, e)
		back, bad := ledger.Decode(again)
		if len(again) > ledger.MaxBody {
			return // rewriting escapes may make it longer
		}
		if bad != nil {
			t.Fatalf("accepted, and written as %s it is refused: %v", again, bad)
		}
		if !reflect.DeepEqual(back, e) {
			t.Errorf("reads as %+v, written and read again as %+v", e, back)
		}
	})
}

func FuzzParseSubmission(f *testing.F) {
	golden := goldenSubmission(f)
	sig := golden.Signatures[0].String()
	f.Add(ledger.ContentType, sig, golden.Signatures[1].String(), "Traceparent", golden.Body)
	f.Add("text/plain", sig, sig, "Nats-Msg-Id", []byte("{}"))
	f.Add(ledger.ContentType, sig, sig, "content-type", []byte{})
	for _, text := range badSignatures {
		f.Add(ledger.ContentType, sig, text, "X", []byte("{}"))
	}
	f.Fuzz(func(t *testing.T, contentType, sig1, sig2, name string, body []byte) {
		h := map[string][]string{ledger.HeaderContentType: {contentType}, ledger.HeaderSignature: {sig1, sig2}}
		h[name] = append(h[name], "x")
		s, bad := ledger.ParseSubmission(ledger.BKN, h, body)
		if bad != nil {
			sound(t, bad)
			return
		}
		back, bad := ledger.ParseSubmission(ledger.BKN, s.Header(), s.Body)
		if bad != nil || !reflect.DeepEqual(back, s) {
			t.Errorf("accepted as %+v, again as %+v, %v", s, back, bad)
		}
	})
}

func FuzzParseSignature(f *testing.F) {
	f.Add("bawaslu/2026a " + value)
	for _, text := range badSignatures {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ledger.ParseSignature(text)
		if err == nil && s.String() != text {
			t.Errorf("%q is accepted and written %q", text, s)
		}
		_, bad := ledger.ParseSignatures([]string{text})
		if (bad == nil) != (err == nil) {
			t.Errorf("%q alone: %v, in a list: %v", text, err, bad)
		}
	})
}

func FuzzParseLeaf(f *testing.F) {
	for _, name := range []string{"record.leaf", "genesis.leaf", "refusal.leaf"} {
		f.Add(goldenFile(f, name))
	}
	for _, tt := range badLeaves {
		f.Add([]byte(swap(f, string(goldenFile(f, "record.leaf")), tt.old, tt.new)))
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		r, err := ledger.ParseLeaf(leaf)
		if err != nil {
			return
		}
		if !bytes.Equal(r.Leaf(), leaf) {
			t.Errorf("%q is accepted and written %q", leaf, r.Leaf())
		}
		back, err := ledger.ParseRecord(r.Position, r.Subject, r.Header(), r.Body)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("leaf reads as %+v, its message as %+v, %v", r, back, err)
		}
		_, _ = ledger.DecodeRecord(r) // must not panic
	})
}

func FuzzParseRecord(f *testing.F) {
	r := goldenRecord(f)
	s1, s2 := r.Signatures[0].String(), r.Signatures[1].String()
	f.Add(uint64(42), r.Subject, "2026-11-26T03:10:00.000000Z", ledger.ContentType, s1, s2, r.Body)
	f.Add(uint64(0), "ledger.roster", "2026-11-26T03:10:00Z", "", s2, s1, []byte("{}"))
	f.Add(uint64(1)<<63, "ledger.figures.bkn", "0000-01-01T00:00:00.000000Z", ledger.ContentType, s1, s2, []byte("\n\n"))
	f.Fuzz(func(t *testing.T, p uint64, subject, recorded, contentType, sig1, sig2 string, body []byte) {
		r, err := ledger.ParseRecord(ledger.Position(p), subject, map[string][]string{
			ledger.HeaderContentType: {contentType}, ledger.HeaderRecorded: {recorded}, ledger.HeaderSignature: {sig1, sig2},
		}, body)
		if err != nil {
			return
		}
		back, err := ledger.ParseLeaf(r.Leaf())
		if err != nil {
			t.Fatalf("the leaf of an accepted record: %v", err)
		}
		back.Body = bytes.Clone(back.Body)
		if len(r.Body) == 0 {
			r.Body, back.Body = nil, nil
		}
		if !reflect.DeepEqual(back, r) {
			t.Errorf("message reads as %+v, its leaf as %+v", r, back)
		}
	})
}

func receiptText(t testing.TB, name string) string {
	t.Helper()
	_, vkey := noteKeys(t, origin+"/receipt")
	n, err := note.Open(goldenFile(t, name), note.VerifierList(verifier(t, vkey)))
	if err != nil {
		t.Fatal(err)
	}
	return n.Text
}

func FuzzParseReceipt(f *testing.F) {
	f.Add(receiptText(f, "receipt-admitted.note"))
	f.Add(receiptText(f, "receipt-no-event.note"))
	f.Add(receiptText(f, "receipt-refused.note"))
	for _, tt := range badReceipts {
		f.Add(swap(f, receiptText(f, "receipt-refused.note"), tt.old, tt.new))
	}
	for _, text := range notReceipts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ledger.ParseReceipt(text)
		if err == nil && r.Text() != text {
			t.Errorf("%q is accepted and written %q", text, r.Text())
		}
	})
}

func FuzzOpenReceipt(f *testing.F) {
	_, vkey := noteKeys(f, origin+"/receipt")
	v := verifier(f, vkey)
	for _, name := range []string{"receipt-admitted.note", "receipt-refused.note", "receipt-no-event.note"} {
		f.Add(goldenFile(f, name))
		f.Add(append(goldenFile(f, name), '\n'))
	}
	f.Fuzz(func(t *testing.T, signed []byte) {
		r, err := ledger.OpenReceipt(signed, v)
		if err == nil && !bytes.HasPrefix(signed, []byte(r.Text())) {
			t.Errorf("%q opens as %q", signed, r.Text())
		}
	})
}

func FuzzParseMoment(f *testing.F) {
	for _, s := range []string{
		"2020-11-26", "2020-02-29", "2020-02-30", "2020-11-26T10:00:00+07:00", "2020-11-26T10:00:00.123456Z",
		"2020-11-26T10:00:00", "0000-01-01", "9999-12-31", "0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ledger.ParseMoment(s)
		if err != nil {
			return
		}
		if m.Location() != time.UTC || m.Nanosecond()%1000 != 0 {
			t.Errorf("%q is %v: not UTC, or finer than microseconds", s, m)
		}
		if d := ledger.Date(s); d.Valid() {
			if !m.Equal(d.End()) || !d.Start().Before(m) || m.In(ledger.Jakarta).Format(time.DateOnly) != s {
				t.Errorf("the day %s ends at %v", s, m)
			}
			return
		}
		again, err := ledger.ParseMoment(m.Format(time.RFC3339Nano))
		if err != nil || !again.Equal(m) {
			t.Errorf("%q is %v, written and read again %v, %v", s, m, again, err)
		}
	})
}

func FuzzParseMeasures(f *testing.F) {
	for _, s := range []string{"opened", "sanctioned+not_followed_up", "opened+opened", "opened+", "+", "", "Opened", "opened + rejected"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ledger.ParseMeasures(s)
		if err != nil {
			return
		}
		names := make([]string, len(list))
		for i, m := range list {
			names[i] = m.String()
		}
		if strings.Join(names, "+") != s {
			t.Errorf("%q reads as %q", s, names)
		}
	})
}

func FuzzSafePointer(f *testing.F) {
	for _, p := range []string{
		"", "/", "/data", "/data/respondents/0/id", "/data/respondents/198001012005011001", "/data/siti", "data", "//",
		"/data/~1", "/data/respondents/00", strings.Repeat("/data", 17), "/data/filter/ppk-kind",
	} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		safe := ledger.SafePointer(p)
		if !strings.HasPrefix(p, safe) || ledger.SafePointer(safe) != safe || strings.Count(safe, "/") > 16 {
			t.Errorf("%q is cut to %q", p, safe)
		}
		if rest := p[len(safe):]; rest != "" && rest[0] != '/' {
			t.Errorf("%q is cut within a step, to %q", p, safe)
		}
	})
}

func FuzzDecodePayload(f *testing.F) {
	for i, k := range ledger.Kinds {
		for _, data := range examples(f, k) {
			f.Add(i, data)
		}
		f.Add(i, []byte(`{"letter":{"number":1}}`))
		f.Add(i, []byte(`{"respondents":[{"id":"r1","x":1}]}`))
	}
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		if i < 0 || i >= len(ledger.Kinds) {
			return
		}
		k := ledger.Kinds[i]
		p, err := ledger.DecodePayload(k.Kind, k.Version, data)
		if err != nil {
			return
		}
		first, err := json.Marshal(p, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		again, err := ledger.DecodePayload(k.Kind, k.Version, first)
		if err != nil {
			t.Fatalf("accepted, and written as %s it is refused: %v", first, err)
		}
		second, err := json.Marshal(again, json.Deterministic(true))
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("written as %s, then as %s (%v)", first, second, err)
		}
	})
}

func FuzzParseKeyAndHash(f *testing.F) {
	f.Add(string(namedKey("bkn/1").Public))
	f.Add(strings.Repeat("A", 42) + "B=")
	f.Add(strings.Repeat("A", 40) + "\n\n\n\n")
	f.Add(ledger.HashLeaf(nil).String())
	f.Add(strings.ToUpper(ledger.HashLeaf(nil).String()))
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := ledger.PublicKey(s).Key(); err == nil && string(ledger.EncodePublicKey(k)) != s {
			t.Errorf("key %q is accepted and written %q", s, ledger.EncodePublicKey(k))
		}
		if h, err := ledger.ParseHash(s); err == nil && h.String() != s {
			t.Errorf("hash %q is accepted and written %q", s, h)
		}
		if k := ledger.KeyID(s); k.Valid() != k.Agency().Valid() {
			t.Errorf("key id %q: valid %v, of %q", s, k.Valid(), k.Agency())
		}
	})
}
