package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

// The golden value: key, vector and place are fixed, the person is invented.
var (
	goldenPlace = Place{
		Ledger:  "ledger.example/pilkada-2020",
		Case:    "01759a2b-7c00-7000-8000-0000000000c1",
		Event:   "01759a2b-7c00-7000-8000-0000000000e1",
		Pointer: "/data/respondents/0/identity",
	}
	goldenKey = Key{
		ID:    "AAECAwQFBgcICQoLDA0ODw",
		Bytes: [32]byte([]byte("not a secret: the golden test k.")),
	}
	goldenVector = []byte("golden vecto")
)

const (
	goldenText   = "Contoh Satu (invented), staff of Dinas Contoh"
	goldenHeader = `{"alg":"dir","case":"01759a2b-7c00-7000-8000-0000000000c1","enc":"A256GCM",` +
		`"event":"01759a2b-7c00-7000-8000-0000000000e1","kid":"AAECAwQFBgcICQoLDA0ODw",` +
		`"ledger":"ledger.example/pilkada-2020","pointer":"/data/respondents/0/identity"}`
)

func golden(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/golden.jwe")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// byHand makes a compact JWE by the steps of RFC 7516 section 5.1 and nothing
// but the standard library: the oracle that go-jose and this package are held to.
func byHand(t testing.TB, key [32]byte, vector []byte, header string, padded []byte) string {
	t.Helper()
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	protected := b64([]byte(header))
	out := gcm.Seal(nil, vector, padded, []byte(protected))
	text, tag := out[:len(out)-16], out[len(out)-16:]
	return strings.Join([]string{protected, "", b64(vector), b64(text), b64(tag)}, ".")
}

// padByHand is the padding as the package comment words it.
func padByHand(text string) []byte {
	padded := text + "\x80"
	for len(padded)%256 != 0 {
		padded += "\x00"
	}
	return []byte(padded)
}

func TestGolden(t *testing.T) {
	want := golden(t)
	if got := byHand(t, goldenKey.Bytes, goldenVector, goldenHeader, padByHand(goldenText)); got != want {
		t.Errorf("made by hand:\n%s\nwant testdata/golden.jwe:\n%s", got, want)
	}
	text, err := Open(goldenKey, want, goldenPlace)
	if err != nil || string(text) != goldenText {
		t.Errorf("Open = %q, %v; want %q", text, err, goldenText)
	}
	place, kid, err := Header(want)
	if err != nil || place != goldenPlace || kid != goldenKey.ID {
		t.Errorf("Header = %+v, %q, %v", place, kid, err)
	}
	// Seal differs from the golden value in vector, text and tag only.
	sealed, err := Seal(goldenKey, goldenPlace, []byte(goldenText))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Split(sealed, ".")[0], strings.Split(want, ".")[0]; got != want {
		t.Errorf("Seal's header is\n%s\nwant\n%s", got, want)
	}
}

var (
	drawUUID  = rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	drawPlace = rapid.Custom(func(t *rapid.T) Place {
		return Place{
			Ledger:  rapid.StringMatching(`[a-z0-9][a-z0-9.-]{0,62}(/[a-z0-9][a-z0-9.-]{0,62}){0,3}`).Draw(t, "ledger"),
			Case:    drawUUID.Draw(t, "case"),
			Event:   drawUUID.Draw(t, "event"),
			Pointer: rapid.StringMatching(`/data(/[a-z0-9_]{1,30}){1,3}`).Draw(t, "pointer"),
		}
	})
	drawKey = rapid.Custom(func(t *rapid.T) Key {
		drawn := rapid.SliceOfN(rapid.Byte(), 48, 48).Draw(t, "key")
		drawn[47] |= 1 // all zero is refused
		key, err := NewKey(bytes.NewReader(drawn))
		if err != nil {
			t.Fatal(err)
		}
		return key
	})
	drawText = rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0x80, 'a', 0xff}), 0, MaxPlaintext)
)

func TestSealThenOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, place, text := drawKey.Draw(t, "key"), drawPlace.Draw(t, "place"), drawText.Draw(t, "text")
		sealed, err := Seal(key, place, text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Open(key, sealed, place)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("Open = %d bytes, %v", len(got), err)
		}
		again, err := Seal(key, place, text)
		if err != nil || again == sealed {
			t.Fatalf("sealed twice to the same value (error %v)", err)
		}
	})
}

// Each change of one part of what was sealed has its own error and no text.
func TestOpenRefuses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, place := drawKey.Draw(t, "key"), drawPlace.Draw(t, "place")
		sealed, err := Seal(key, place, drawText.Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		refused := func(what string, key Key, sealed string, at Place, want error) {
			if text, err := Open(key, sealed, at); text != nil || !errors.Is(err, want) {
				t.Fatalf("%s: Open = %d bytes, %v; want %v", what, len(text), err, want)
			}
		}
		other := place
		switch member := rapid.SampledFrom([]*string{&other.Ledger, &other.Case, &other.Event, &other.Pointer}).Draw(t, "member"); {
		case strings.HasSuffix(*member, "0"):
			*member = strings.TrimSuffix(*member, "0") + "1"
		default:
			*member = (*member)[:len(*member)-1] + "0"
		}
		refused("moved", key, sealed, other, ErrMoved)

		renamed := key
		renamed.ID = drawKey.Filter(func(k Key) bool { return k.ID != key.ID }).Draw(t, "other key").ID
		refused("other key id", renamed, sealed, place, ErrWrongKey)

		swapped := key
		swapped.Bytes[rapid.IntRange(0, 30).Draw(t, "byte of key")] ^= 1
		refused("other key bytes", swapped, sealed, place, ErrTampered)

		parts := strings.Split(sealed, ".")
		n := rapid.IntRange(2, 4).Draw(t, "part")
		raw, _ := decode(parts[n])
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		parts[n] = base64.RawURLEncoding.EncodeToString(raw)
		refused("flipped bit", key, strings.Join(parts, "."), place, ErrTampered)
	})
}

// A header whose members agree but whose bytes differ is not the sealed one.
func TestOpenRefusesRewrittenHeader(t *testing.T) {
	parts := strings.Split(golden(t), ".")
	parts[0] = base64.RawURLEncoding.EncodeToString([]byte(goldenHeader + " "))
	if _, err := Open(goldenKey, strings.Join(parts, "."), goldenPlace); !errors.Is(err, ErrTampered) {
		t.Errorf("Open = %v, want ErrTampered", err)
	}
}

func TestOpenRefusesOtherPadding(t *testing.T) {
	block := func(s string) []byte { return append([]byte(s), make([]byte, 256-len(s))...) }
	for name, padded := range map[string][]byte{
		"none":             bytes.Repeat([]byte("a"), 256),
		"zeros only":       block(""),
		"no mark":          block("Contoh"),
		"byte after mark":  append(block("Contoh\x80")[:255], 1),
		"a block too many": append(block("Contoh\x80"), block("")...),
	} {
		sealed := byHand(t, goldenKey.Bytes, goldenVector, goldenHeader, padded)
		if text, err := Open(goldenKey, sealed, goldenPlace); text != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Open = %q, %v; want ErrMalformed", name, text, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	place := func(change func(*Place)) Place { p := goldenPlace; change(&p); return p }
	for _, test := range []struct {
		name  string
		key   Key
		place Place
		size  int
		want  error
	}{
		{"too long", goldenKey, goldenPlace, MaxPlaintext + 1, ErrTooLong},
		{"no key", Key{}, goldenPlace, 1, ErrKey},
		{"key without bytes", Key{ID: goldenKey.ID}, goldenPlace, 1, ErrKey},
		{"key id too short", Key{ID: goldenKey.ID[:21], Bytes: goldenKey.Bytes}, goldenPlace, 1, ErrKey},
		{"key id with stray bits", Key{ID: goldenKey.ID[:21] + "x", Bytes: goldenKey.Bytes}, goldenPlace, 1, ErrKey},
		{"no place", goldenKey, Place{}, 1, ErrPlace},
		{"ledger with a space", goldenKey, place(func(p *Place) { p.Ledger = "a b" }), 1, ErrPlace},
		{"ledger too long", goldenKey, place(func(p *Place) { p.Ledger = strings.Repeat("a", 64) }), 1, ErrPlace},
		{"case in capitals", goldenKey, place(func(p *Place) { p.Case = strings.ToUpper(p.Case) }), 1, ErrPlace},
		{"name as event", goldenKey, place(func(p *Place) { p.Event = "contoh-satu" }), 1, ErrPlace},
		{"pointer to the whole event", goldenKey, place(func(p *Place) { p.Pointer = "" }), 1, ErrPlace},
		{"pointer into the envelope", goldenKey, place(func(p *Place) { p.Pointer = "/subject" }), 1, ErrPlace},
		{"pointer with a line break", goldenKey, place(func(p *Place) { p.Pointer += "\n" }), 1, ErrPlace},
		{"pointer too long", goldenKey, place(func(p *Place) { p.Pointer = "/data" + strings.Repeat("/aaaaaaaaaaaaaaaaaaaaa", 6) }), 1, ErrPlace},
	} {
		if sealed, err := Seal(test.key, test.place, make([]byte, test.size)); sealed != "" || !errors.Is(err, test.want) {
			t.Errorf("%s: Seal = %q, %v; want %v", test.name, sealed, err, test.want)
		}
	}
}

// The length of a sealed value shows the number of blocks and nothing more.
func TestLengthHidesText(t *testing.T) {
	for _, test := range []struct{ size, padded int }{
		{0, 256}, {1, 256}, {255, 256}, {256, 512}, {511, 512}, {512, 768}, {MaxPlaintext, 2048},
	} {
		sealed, err := Seal(goldenKey, goldenPlace, make([]byte, test.size))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := decode(strings.Split(sealed, ".")[3]); len(text) != test.padded {
			t.Errorf("%d bytes are sealed as %d, want %d", test.size, len(text), test.padded)
		}
	}
}

// The longest text at the longest place still fits in what Header reads.
func TestLongestSealed(t *testing.T) {
	place := goldenPlace
	place.Ledger = strings.Repeat(strings.Repeat("a", 63)+"/", 3) + strings.Repeat("a", 63)
	place.Pointer = "/data" + strings.Repeat("/aaaaaaaaaaaaaaaaaaa", 6) + "aaa"
	sealed, err := Seal(goldenKey, place, make([]byte, MaxPlaintext))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := Open(goldenKey, sealed, place); err != nil || len(text) != MaxPlaintext {
		t.Errorf("Open = %d bytes, %v", len(text), err)
	}
	if len(sealed) != 3521 {
		t.Errorf("the longest has %d characters; MaxSealed's comment says 3,521", len(sealed))
	}
}

// A stranger's program that only knows JWE reads ours and writes what we read.
func TestGoJoseAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, place := drawKey.Draw(t, "key"), drawPlace.Draw(t, "place")
		text := rapid.StringN(0, -1, MaxPlaintext).Draw(t, "text")
		jwk := jose.JSONWebKey{Key: key.Bytes[:], KeyID: key.ID}

		sealed, err := Seal(key, place, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		message, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		padded, err := message.Decrypt(jwk)
		if err != nil || !bytes.Equal(padded, padByHand(text)) {
			t.Fatalf("go-jose opens ours as %d bytes, %v", len(padded), err)
		}
		if message.Header.KeyID != key.ID || message.Header.ExtraHeaders["pointer"] != place.Pointer {
			t.Fatalf("go-jose reads our header as %+v", message.Header)
		}

		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: jwk},
			&jose.EncrypterOptions{ExtraHeaders: map[jose.HeaderKey]any{
				"ledger": place.Ledger, "case": place.Case, "event": place.Event, "pointer": place.Pointer,
			}})
		if err != nil {
			t.Fatal(err)
		}
		if message, err = encrypter.Encrypt(padByHand(text)); err != nil {
			t.Fatal(err)
		}
		theirs, err := message.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Open(key, theirs, place); err != nil || string(got) != text {
			t.Fatalf("we open go-jose's as %q, %v", got, err)
		}
	})
}

func TestNewKey(t *testing.T) {
	one, err := NewKey(rand.Reader)
	if err != nil || len(one.ID) != 22 {
		t.Fatalf("NewKey = %v, %v", one, err)
	}
	if two, err := NewKey(rand.Reader); err != nil || two.ID == one.ID || two.Bytes == one.Bytes {
		t.Errorf("a second NewKey = %v, %v", two, err)
	}
	if key, err := NewKey(strings.NewReader("too short")); err == nil || key != (Key{}) {
		t.Errorf("NewKey from nine bytes = %v, %v", key, err)
	}
	if same, err := ParseKey(one.ID, one.Bytes[:]); err != nil || same != one {
		t.Errorf("ParseKey = %v, %v", same, err)
	}
	if key, err := ParseKey(one.ID, one.Bytes[:31]); !errors.Is(err, ErrKey) || key != (Key{}) {
		t.Errorf("ParseKey of 31 bytes = %v, %v", key, err)
	}
}

// Whatever a careless caller does with a key, its bytes are not printed.
func TestKeyIsNotPrinted(t *testing.T) {
	key := Key{ID: goldenKey.ID, Bytes: [32]byte(bytes.Repeat([]byte("K"), 32))}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		fmt.Fprintf(&out, verb+"\n", key)
		fmt.Fprintf(&out, verb+"\n", []*Key{&key}[0])
		fmt.Fprintf(&out, verb+"\n", struct{ K Key }{key})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("careless", "key", key)
	slog.New(slog.NewTextHandler(&out, nil)).Info("careless", "key", key)
	marshalled, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(marshalled)
	for _, leak := range []string{"KKK", "75 75", "4b4b", "0x4b", "S0tL"} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("found %q in:\n%s", leak, out.String())
		}
	}
}
