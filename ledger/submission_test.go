package ledger_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// badHeader is a change to the headers of the golden submission. The pointers
// of these refusals are empty: they are about the submission as a whole.
type badHeader struct {
	name   string
	change func(h map[string][]string)
	code   ledger.Code
}

func set(name string, values ...string) func(map[string][]string) {
	return func(h map[string][]string) { h[name] = values }
}

func renamed(old, name string) func(map[string][]string) {
	return func(h map[string][]string) {
		h[name] = h[old]
		delete(h, old)
	}
}

func without(name string) func(map[string][]string) {
	return func(h map[string][]string) { delete(h, name) }
}

// value is some signature's value: 88 characters, the last two of them '='.
var value = base64.StdEncoding.EncodeToString(append(make([]byte, 62), 0xfb, 0xff))

var badHeaders = []badHeader{
	{"no content type", without("Content-Type"), ledger.CodeContentType},
	{"content type twice", set("Content-Type", ledger.ContentType, ledger.ContentType), ledger.CodeContentType},
	{"two content types", set("Content-Type", ledger.ContentType, "text/plain"), ledger.CodeContentType},
	{"empty content type", set("Content-Type", ""), ledger.CodeContentType},
	{"content type with charset", set("Content-Type", ledger.ContentType+"; charset=utf-8"), ledger.CodeContentType},
	{"content type in capitals", set("Content-Type", "Application/CloudEvents+JSON"), ledger.CodeContentType},
	{"a batch", set("Content-Type", "application/cloudevents-batch+json"), ledger.CodeContentType},
	{"lower-case header", renamed("Content-Type", "content-type"), ledger.CodeContentType},
	{"one header in two spellings", set("CONTENT-TYPE", ledger.ContentType), ledger.CodeContentType},

	{"message id of NATS", set("Nats-Msg-Id", "1"), ledger.CodeForbiddenHeader},
	{"expectation of NATS", set("Nats-Expected-Last-Sequence", "1"), ledger.CodeForbiddenHeader},
	{"NATS in lower case", set("nats-rollup", "all"), ledger.CodeForbiddenHeader},
	{"NATS in capitals", set("NATS-X", ""), ledger.CodeForbiddenHeader},
	{"recorded time", set("Berkas-Recorded", "2020-10-03T02:30:00.000000Z"), ledger.CodeForbiddenHeader},
	{"another of ours", set("Berkas-", "x"), ledger.CodeForbiddenHeader},
	{"signature in lower case", renamed("Berkas-Signature", "berkas-signature"), ledger.CodeForbiddenHeader},
	{"signature in two spellings", set("BERKAS-SIGNATURE", "bawaslu/2026a "+value), ledger.CodeForbiddenHeader},
	{"wrong twice over", func(h map[string][]string) {
		renamed("Content-Type", "content-type")(h)
		set("Nats-X", "1")(h)
	}, ledger.CodeForbiddenHeader},

	{"no signature", without("Berkas-Signature"), ledger.CodeSignatureMissing},
	{"a signature header without values", set("Berkas-Signature"), ledger.CodeSignatureMissing},
	{"seventeen signatures", func(h map[string][]string) {
		h["Berkas-Signature"] = nil
		for i := range ledger.MaxSignatures + 1 {
			h["Berkas-Signature"] = append(h["Berkas-Signature"], fmt.Sprintf("bawaslu/%d %s", i, value))
		}
	}, ledger.CodeSignatureMalformed},
	{"a key twice", set("Berkas-Signature", "bawaslu/2026a "+value, "bawaslu/2026b "+value, "bawaslu/2026a "+value), ledger.CodeSignatureDoubled},
	{"one good, one bad", set("Berkas-Signature", "bawaslu/2026a "+value, "x"), ledger.CodeSignatureMalformed},
}

// badSignatures are spellings that a lenient reader would take.
var badSignatures = map[string]string{
	"empty":                   "",
	"no value":                "bawaslu/2026a",
	"no key":                  " " + value,
	"no agency":               "/2026a " + value,
	"no name":                 "bawaslu/ " + value,
	"three parts":             "bawaslu/2026/a " + value,
	"capitals":                "Bawaslu/2026a " + value,
	"underscore":              "bawaslu/2026_a " + value,
	"long agency":             strings.Repeat("a", 33) + "/2026a " + value,
	"two spaces":              "bawaslu/2026a  " + value,
	"tab":                     "bawaslu/2026a\t" + value,
	"space at the end":        "bawaslu/2026a " + value + " ",
	"line break at the end":   "bawaslu/2026a " + value + "\n",
	"line break in the key":   "bawaslu/2026a\n " + value,
	"line break in the value": "bawaslu/2026a " + value[:40] + "\n" + value[41:],
	"line breaks at the end":  "bawaslu/2026a " + value[:84] + "\r\n\r\n",
	"one character less":      "bawaslu/2026a " + value[:87],
	"one character more":      "bawaslu/2026a " + value + "=",
	"no padding":              "bawaslu/2026a " + value[:86],
	"padding replaced":        "bawaslu/2026a " + value[:86] + "AA",
	"63 bytes":                "bawaslu/2026a " + base64.StdEncoding.EncodeToString(make([]byte, 63)),
	"66 bytes":                "bawaslu/2026a " + base64.StdEncoding.EncodeToString(make([]byte, 66)),
	"non-canonical tail":      "bawaslu/2026a " + value[:85] + "x==",
	"URL alphabet":            "bawaslu/2026a " + base64.URLEncoding.EncodeToString(append(make([]byte, 62), 0xfb, 0xff)),
	"hexadecimal":             "bawaslu/2026a " + strings.Repeat("0", 128),
	"foreign letter":          "bawaslu/2026a " + value[:85] + "é==",
}

func TestBadHeaders(t *testing.T) {
	golden := goldenSubmission(t)
	for _, tt := range badHeaders {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 { // maps are walked in any order; the answer is the same
				h := golden.Header()
				tt.change(h)
				s, bad := ledger.ParseSubmission(ledger.Bawaslu, h, golden.Body)
				wantRefusal(t, bad, tt.code, "")
				if s.Agency != ledger.Bawaslu || string(s.Body) != string(golden.Body) {
					t.Error("the refused submission lost its agency or its bytes, and cannot be answered")
				}
			}
		})
	}
	if _, bad := ledger.ParseSubmission(ledger.Bawaslu, golden.Header(), make([]byte, ledger.MaxBody)); bad != nil {
		t.Errorf("the largest body: %v", bad)
	}
	_, bad := ledger.ParseSubmission(ledger.Bawaslu, golden.Header(), make([]byte, ledger.MaxBody+1))
	wantRefusal(t, bad, ledger.CodeTooLarge, "")
}

func TestBadSignatures(t *testing.T) {
	if _, bad := ledger.ParseSignatures([]string{"bawaslu/2026a " + value}); bad != nil {
		t.Fatalf("the good signature: %v", bad)
	}
	for name, text := range badSignatures {
		t.Run(name, func(t *testing.T) {
			_, bad := ledger.ParseSignatures([]string{text})
			wantRefusal(t, bad, ledger.CodeSignatureMalformed, "")
			if s, err := ledger.ParseSignature(text); err == nil || s != (ledger.Signature{}) {
				t.Errorf("ParseSignature gives %v, %v", s, err)
			}
		})
	}
}

// TestOtherHeaders: what others put on the way is ignored and not kept.
func TestOtherHeaders(t *testing.T) {
	golden := goldenSubmission(t)
	h := golden.Header()
	h["Traceparent"], h["X-Nats-Hop"], h["NatsX"], h["Berkasx"] = []string{"x"}, nil, []string{""}, []string{"y", "z"}
	s, bad := ledger.ParseSubmission(ledger.Bawaslu, h, golden.Body)
	if bad != nil {
		t.Fatal(bad)
	}
	if got, want := s.Header(), golden.Header(); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("kept %v, want %v", got, want)
	}
}

func TestSignatures(t *testing.T) {
	body := []byte("{}")
	sig := ledger.Sign("bkn/1", privateKey("bkn/1"), body)
	if !sig.Fits(publicKey("bkn/1"), body) {
		t.Error("a signature does not fit its own bytes and key")
	}
	if sig.Fits(publicKey("bkn/2"), body) || sig.Fits(publicKey("bkn/1"), []byte("{} ")) || sig.Fits(nil, body) || sig.Fits(publicKey("bkn/1")[1:], body) {
		t.Error("a signature fits another key or other bytes")
	}
	for i := range sig.Value {
		flipped := sig
		flipped.Value[i] ^= 1
		if flipped.Fits(publicKey("bkn/1"), body) {
			t.Errorf("byte %d of a signature does not matter", i)
		}
	}
	sixteen := make([]string, ledger.MaxSignatures)
	for i := range sixteen {
		sixteen[i] = fmt.Sprintf("bkn/%02d %s", ledger.MaxSignatures-i, value)
	}
	got, bad := ledger.ParseSignatures(sixteen)
	if bad != nil || len(got) != ledger.MaxSignatures {
		t.Fatalf("sixteen signatures: %d, %v", len(got), bad)
	}
	if !slices.IsSortedFunc(got, func(a, b ledger.Signature) int { return strings.Compare(string(a.Key), string(b.Key)) }) {
		t.Error("signatures are not sorted by key id")
	}
}
