package seal

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestHeaderRefuses(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(golden(t), ".")
	with := func(n int, part string) string {
		changed := append([]string(nil), parts...)
		changed[n] = part
		return strings.Join(changed, ".")
	}
	protected := func(from, to string) string {
		if !strings.Contains(goldenHeader, from) {
			t.Fatalf("the golden header has no %s", from)
		}
		return with(0, b64([]byte(strings.Replace(goldenHeader, from, to, 1))))
	}
	for name, sealed := range map[string]string{
		"nothing":               "",
		"four parts":            strings.Join(parts[:4], "."),
		"six parts":             golden(t) + ".",
		"JSON serialization":    `{"protected":"` + parts[0] + `"}`,
		"too long":              protected(`"alg"`, strings.Repeat(" ", MaxSealed)+`"alg"`),
		"encrypted key":         with(1, b64(make([]byte, 32))),
		"short vector":          with(2, b64(make([]byte, 11))),
		"long vector":           with(2, b64(make([]byte, 16))),
		"no text":               with(3, ""),
		"half a block":          with(3, b64(make([]byte, 128))),
		"nine blocks":           with(3, b64(make([]byte, 9*Block))),
		"short tag":             with(4, b64(make([]byte, 12))),
		"padded base64":         golden(t) + "==",
		"standard base64":       with(4, "+/"+parts[4][2:]),
		"line break in base64":  with(3, parts[3][:4]+"\n"+parts[3][4:]),
		"stray bits in base64":  with(4, strings.Repeat("A", 21)+"B"),
		"header not JSON":       with(0, b64([]byte("berkas"))),
		"header null":           with(0, b64([]byte("null"))),
		"header empty":          with(0, ""),
		"header twice":          with(0, b64([]byte(goldenHeader+goldenHeader))),
		"header not UTF-8":      protected("ledger.example", "ledger.\xff"),
		"other alg":             protected(`"dir"`, `"A256KW"`),
		"other enc":             protected("A256GCM", "A128GCM"),
		"compressed":            protected(`"alg"`, `"zip":"DEF","alg"`),
		"critical member":       protected(`"alg"`, `"crit":["alg"],"alg"`),
		"one more member":       protected(`"alg"`, `"name":"Contoh Satu","alg"`),
		"member twice":          protected(`"alg"`, `"alg":"dir","alg"`),
		"member in capitals":    protected(`"alg"`, `"ALG"`),
		"member missing":        protected(`"kid":"AAECAwQFBgcICQoLDA0ODw",`, ""),
		"kid null":              protected(`"AAECAwQFBgcICQoLDA0ODw"`, "null"),
		"kid a number":          protected(`"AAECAwQFBgcICQoLDA0ODw"`, "1"),
		"kid too short":         protected("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0OD"),
		"kid with stray bits":   protected("ICQoLDA0ODw", "ICQoLDA0ODx"),
		"case not an id":        protected("01759a2b-7c00-7000-8000-0000000000c1", "Contoh Satu"),
		"event of version 4":    protected("7c00-7000-8000-0000000000e1", "7c00-4000-8000-0000000000e1"),
		"pointer without slash": protected(`"/data`, `"data`),
		"pointer empty":         protected("/data/respondents/0/identity", ""),
		"ledger with a space":   protected("ledger.example", "ledger example"),
	} {
		place, kid, err := Header(sealed)
		if !errors.Is(err, ErrMalformed) || place != (Place{}) || kid != "" {
			t.Errorf("%s: Header = %+v, %q, %v; want ErrMalformed", name, place, kid, err)
		}
		if err != nil && strings.Contains(err.Error(), "Contoh") {
			t.Errorf("%s: the error quotes the header: %v", name, err)
		}
		if text, err := Open(goldenKey, sealed, goldenPlace); text != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Open = %q, %v; want ErrMalformed", name, text, err)
		}
	}
}

// Other programs order the members as they like.
func TestHeaderTakesAnyOrder(t *testing.T) {
	reordered := `{ "kid":"AAECAwQFBgcICQoLDA0ODw", "enc":"A256GCM", "alg":"dir", "pointer":"/data/respondents/0/identity",
		"event":"01759a2b-7c00-7000-8000-0000000000e1", "ledger":"ledger.example/pilkada-2020",
		"case":"01759a2b-7c00-7000-8000-0000000000c1" }`
	sealed := byHand(t, goldenKey.Bytes, goldenVector, reordered, padByHand(goldenText))
	if text, err := Open(goldenKey, sealed, goldenPlace); err != nil || string(text) != goldenText {
		t.Errorf("Open = %q, %v", text, err)
	}
}

func seeds(f *testing.F) {
	value := golden(f)
	f.Add(value)
	f.Add("")
	f.Add("....")
	f.Add(value[:len(value)-1])
	f.Add(value + "\n")
	f.Add(strings.Replace(value, "..", ".AAAA.", 1))
	for _, header := range []string{"null", "{}", `{"alg":"dir"}`, goldenHeader + " ", strings.Replace(goldenHeader, `"dir"`, `"none"`, 1)} {
		f.Add(byHand(f, goldenKey.Bytes, goldenVector, header, padByHand(goldenText)))
	}
}

// What Header accepts is one unambiguous text, and go-jose reads the same in it.
func FuzzHeader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, sealed string) {
		place, kid, err := Header(sealed)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || place != (Place{}) || kid != "" {
				t.Fatalf("Header = %+v, %q, %v", place, kid, err)
			}
			return
		}
		if len(sealed) > MaxSealed || len(kid) != 22 || place.check() != nil {
			t.Fatalf("accepted %+v, %q of %d characters", place, kid, len(sealed))
		}
		message, err := jose.ParseEncryptedCompact(sealed,
			[]jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatalf("go-jose refuses what Header accepts: %v", err)
		}
		extra := message.Header.ExtraHeaders
		theirs := Place{}
		theirs.Ledger, _ = extra["ledger"].(string)
		theirs.Case, _ = extra["case"].(string)
		theirs.Event, _ = extra["event"].(string)
		theirs.Pointer, _ = extra["pointer"].(string)
		if theirs != place || message.Header.KeyID != kid {
			t.Fatalf("go-jose reads %+v, %q; Header %+v, %q", theirs, message.Header.KeyID, place, kid)
		}
	})
}

// Nobody makes a value that opens without the key: only the two made with it do.
func FuzzOpen(f *testing.F) {
	seeds(f)
	spaced := byHand(f, goldenKey.Bytes, goldenVector, goldenHeader+" ", padByHand(goldenText))
	known := map[string]string{golden(f): goldenText, spaced: goldenText}
	f.Fuzz(func(t *testing.T, sealed string) {
		text, err := Open(goldenKey, sealed, goldenPlace)
		want, ok := known[sealed]
		switch {
		case ok && (err != nil || string(text) != want):
			t.Fatalf("Open = %q, %v; want %q", text, err, want)
		case !ok && (err == nil || text != nil):
			t.Fatalf("a forged value opened: %q", sealed)
		}
	})
}
