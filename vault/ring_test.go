package vault

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/seal"
)

const (
	caseOne = "01759a2b-7c00-7000-8000-0000000000c1"
	caseTwo = "01759a2b-7c00-7000-8000-0000000000c2"
	person  = "Contoh Satu (invented)"
)

var (
	noon     = time.Date(2026, 11, 21, 12, 0, 0, 987, time.FixedZone("WIB", 7*60*60))
	reporter = Holder{Case: caseOne, Label: "reporter"}
	first    = Holder{Case: caseOne, Label: "r1"}
	elsewho  = Holder{Case: caseTwo, Label: "r1"}
	identity = seal.Place{
		Ledger:  "ledger.example/pilkada-2020",
		Case:    caseOne,
		Event:   "01759a2b-7c00-7000-8000-0000000000e1",
		Pointer: "/data/respondents/0/identity",
	}
)

// newRing creates a ring in a directory of the test's and closes it at the end.
func newRing(t *testing.T) *Ring {
	t.Helper()
	ring, err := Create(filepath.Join(t.TempDir(), "ring.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ring.Close(); err != nil {
			t.Error(err)
		}
	})
	return ring
}

func mustKey(t *testing.T, ring *Ring, holder Holder) string {
	t.Helper()
	kid, err := ring.KeyFor(holder, noon)
	if err != nil {
		t.Fatal(err)
	}
	return kid
}

func TestKeysSurviveReopening(t *testing.T) {
	ring := newRing(t)
	kid := mustKey(t, ring, first)
	sealed, err := ring.Seal(kid, identity, []byte(person))
	if err != nil {
		t.Fatal(err)
	}
	kids, err := ring.KeysFor([]Holder{reporter, first, elsewho, reporter}, noon)
	if err != nil {
		t.Fatal(err)
	}
	if kids[1] != kid || kids[3] != kids[0] || kids[0] == kids[1] || kids[2] == kids[1] {
		t.Errorf("keys %q, want one for each holder and %q for r1", kids, kid)
	}
	want := []Entry{
		{Kid: kid, Holder: first, Created: time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)},
		{Kid: kids[0], Holder: reporter, Created: time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)},
	}
	if got := ring.Keys(caseOne); !slices.Equal(got, want) {
		t.Errorf("Keys = %v, want %v", got, want)
	}
	if err := ring.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(ring.path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.Keys(caseOne); !slices.Equal(got, want) {
		t.Errorf("Keys after reopening = %v, want %v", got, want)
	}
	key, err := again.keyAt(kid, identity)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := seal.Open(key, sealed, identity); err != nil || string(text) != person {
		t.Errorf("opened after reopening: %q, %v", text, err)
	}
}

func TestRingRefuses(t *testing.T) {
	ring := newRing(t)
	kid := mustKey(t, ring, first)
	for _, holder := range []Holder{
		{},
		{Case: caseOne},
		{Case: caseOne, Label: "r0"},
		{Case: caseOne, Label: "contoh"},
		{Case: caseOne, Label: "r1\n"},
		{Case: strings.ToUpper(caseOne), Label: "r1"},
	} {
		if kids, err := ring.KeysFor([]Holder{reporter, holder}, noon); kids != nil || !errors.Is(err, ErrHolder) {
			t.Errorf("KeysFor %q = %v, %v; want ErrHolder", holder, kids, err)
		}
	}
	if got := ring.Keys(caseOne); len(got) != 1 {
		t.Errorf("refused holders left keys: %v", got)
	}
	other := identity
	other.Case = caseTwo
	if _, err := ring.Seal(kid, other, []byte(person)); !errors.Is(err, ErrOtherCase) {
		t.Errorf("Seal for another case: %v", err)
	}
	if _, err := ring.Seal("AAECAwQFBgcICQoLDA0ODw", identity, []byte(person)); !errors.Is(err, ErrNoKey) {
		t.Errorf("Seal with an unknown key: %v", err)
	}
	if _, err := ring.Seal(kid, identity, make([]byte, seal.MaxPlaintext+1)); !errors.Is(err, seal.ErrTooLong) {
		t.Errorf("Seal of a long text: %v", err)
	}
	if err := ring.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.KeyFor(first, noon); !errors.Is(err, ErrClosed) {
		t.Errorf("KeyFor after Close: %v", err)
	}
	if _, err := ring.Seal(kid, identity, []byte(person)); !errors.Is(err, ErrClosed) {
		t.Errorf("Seal after Close: %v", err)
	}
	if err := ring.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestOneAtATime(t *testing.T) {
	ring := newRing(t)
	mustKey(t, ring, first) // the file has been replaced, the lock must still hold
	for name, try := range map[string]func(string) (*Ring, error){"Open": Open, "Create": Create} {
		if _, err := try(ring.path); !errors.Is(err, ErrInUse) {
			t.Errorf("%s of an open ring: %v, want ErrInUse", name, err)
		}
	}
	if err := ring.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(ring.path)
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCreateKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	if err := os.WriteFile(path, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a file: %v, want fs.ErrExist", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "somebody's" {
		t.Errorf("the file is now %q, %v", data, err)
	}
	missing := filepath.Join(t.TempDir(), "none", "ring.json")
	for name, try := range map[string]func(string) (*Ring, error){"Open": Open, "Create": Create} {
		if _, err := try(missing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s without a directory: %v", name, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "ring.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of nothing: %v", err)
	}
}

func TestPermissions(t *testing.T) {
	ring := newRing(t)
	mustKey(t, ring, first)
	if info, err := os.Stat(ring.path); err != nil || info.Mode() != 0o600 {
		t.Errorf("a ring has mode %v, %v", info.Mode(), err)
	}
	if err := ring.Close(); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[fs.FileMode]error{
		0o600: nil, 0o400: nil,
		0o640: ErrPermissions, 0o620: ErrPermissions, 0o610: ErrPermissions,
		0o604: ErrPermissions, 0o602: ErrPermissions, 0o666: ErrPermissions,
	} {
		if err := os.Chmod(ring.path, mode); err != nil {
			t.Fatal(err)
		}
		opened, err := Open(ring.path)
		if !errors.Is(err, want) {
			t.Errorf("Open with mode %v: %v, want %v", mode, err, want)
		}
		if opened != nil {
			if err := opened.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}

	dir := t.TempDir()
	link, pipe, folder := filepath.Join(dir, "link"), filepath.Join(dir, "pipe"), filepath.Join(dir, "folder")
	if err := errors.Join(
		os.Chmod(ring.path, 0o600), os.Symlink(ring.path, link),
		syscall.Mkfifo(pipe, 0o600), os.Mkdir(folder, 0o700),
	); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, pipe, folder} {
		if _, err := Open(path); !errors.Is(err, ErrPermissions) {
			t.Errorf("Open of a %s: %v, want ErrPermissions", filepath.Base(path), err)
		}
	}
}

// A careless log line of a ring shows where it is.
func TestRingIsNotPrinted(t *testing.T) {
	ring := newRing(t)
	mustKey(t, ring, first)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, ring); got != "key ring "+ring.path {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

// golden is a ring with two keys that are none: their bytes say so.
func golden(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.ring")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGoldenRing(t *testing.T) {
	key := func(id, bytes string) seal.Key {
		k, err := seal.ParseKey(id, []byte(bytes))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	created := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	want := []kept{
		{Entry{"AAECAwQFBgcICQoLDA0ODw", first, created}, key("AAECAwQFBgcICQoLDA0ODw", "not a secret: the first test key")},
		{Entry{"EBESExQVFhcYGRobHB0eHw", reporter, created}, key("EBESExQVFhcYGRobHB0eHw", "not a secret: second testing key")},
	}
	if got, err := encode(want); err != nil || !bytes.Equal(got, golden(t)) {
		t.Errorf("encode = %s, %v", got, err)
	}
	if got, err := parse(golden(t)); err != nil || !slices.Equal(got, want) {
		t.Errorf("parse = %v, %v", len(got), err)
	}
}

func TestParseRefuses(t *testing.T) {
	whole := string(golden(t))
	swap := func(from, to string) string {
		if !strings.Contains(whole, from) {
			t.Fatalf("the golden ring has no %q", from)
		}
		return strings.Replace(whole, from, to, 1)
	}
	secret := base64.StdEncoding.EncodeToString([]byte("not a secret: the first test key"))
	for name, data := range map[string]string{
		"empty":               "",
		"cut":                 whole[:len(whole)/2],
		"last byte missing":   whole[:len(whole)-1],
		"doubled":             whole + whole,
		"other format":        swap("ring/v1", "ring/v2"),
		"unknown member":      swap(`"format"`, `"more": 1, "format"`),
		"member twice":        swap(`"format": "berkas/ring/v1"`, `"format": "berkas/ring/v1", "format": "berkas/ring/v1"`),
		"entry without key":   swap(`"key": "`+secret+`",`, ""),
		"key too short":       swap(secret, secret[4:]),
		"key not base64":      swap(secret, "!"+secret[1:]),
		"key with stray bits": swap("QgdGVzdCBrZXk=", "QgdGVzdCBrZXl="),
		"key a number":        swap(`"`+secret+`"`, "1"),
		"zero key":            swap(secret, strings.Repeat("A", 43)+"="),
		"bad key id":          swap("AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODx"),
		"key id twice":        swap("EBESExQVFhcYGRobHB0eHw", "AAECAwQFBgcICQoLDA0ODw"),
		"holder twice":        swap("reporter", "r1"),
		"unknown holder":      swap("reporter", person),
		"case not an id":      swap(caseOne, person),
		"created not a time":  swap("2026-11-21T05:00:00Z", "yesterday"),
		"created elsewhere":   swap("2026-11-21T05:00:00Z", "2026-11-21T12:00:00+07:00"),
		"created to the ms":   swap("05:00:00Z", "05:00:00.5Z"),
		"edited by hand":      swap("\t", "  "),
		"keys null":           "{\n\t\"format\": \"berkas/ring/v1\",\n\t\"keys\": null\n}\n",
	} {
		keys, err := parse([]byte(data))
		if keys != nil || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: parse = %d keys, %v; want ErrDamaged", name, len(keys), err)
		}
		noLeak(t, err, secret, person)
	}
}

// noLeak fails if the error, written out, holds a secret or a good part of it.
func noLeak(t testing.TB, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range secrets {
		for i := 0; i+6 <= len(secret); i++ {
			if strings.Contains(fmt.Sprintf("%+v", err), secret[i:i+6]) {
				t.Errorf("error leaks %q: %v", secret[i:i+6], err)
			}
		}
	}
}

// A damaged ring is refused as a whole, left as it is, and its lock given back.
func TestOpenDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring.json")
	damaged := bytes.Replace(golden(t), []byte("reporter"), []byte("r1"), 1)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("Open = %v, want ErrDamaged", err)
		}
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, damaged) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// What parse accepts is what encode writes, and each key in it is usable.
func FuzzParse(f *testing.F) {
	whole := golden(f)
	empty, err := encode(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		whole, empty, nil, []byte("null"), []byte("{}"), whole[:100],
		bytes.Replace(whole, []byte("reporter"), []byte("r2"), 1),
		bytes.Replace(whole, []byte("\t"), []byte(" "), 1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parse(bytes.Clone(data))
		if err != nil {
			if keys != nil || !errors.Is(err, ErrDamaged) {
				t.Fatalf("parse = %d keys, %v", len(keys), err)
			}
			return
		}
		if again, err := encode(keys); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("written again as %q, %v", again, err)
		}
		for _, k := range keys {
			place := identity
			place.Case = k.Holder.Case
			if _, err := seal.Seal(k.key, place, []byte(person)); err != nil {
				t.Fatalf("key %s does not seal: %v", k.Kid, err)
			}
		}
	})
}
