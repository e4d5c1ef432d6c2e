package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

// checkpointText is the text of the golden checkpoint.
func checkpointText(t testing.TB) string {
	t.Helper()
	text, _, ok := strings.Cut(string(goldenFile(t, "checkpoint.note")), "\n\n")
	if !ok {
		t.Fatal("the golden checkpoint has no signatures")
	}
	return text + "\n"
}

// badCheckpoints are changes to the text of the golden checkpoint.
var badCheckpoints = []change{
	{"berkas.example", "Berkas.example"},
	{"berkas.example/pilkada-2020\n", "\n"},
	{"berkas.example/pilkada-2020", "berkas.example/pilkada-2020+1"},
	{"berkas.example/pilkada-2020", " berkas.example/pilkada-2020"},
	{"\n50\n", "\n050\n"},
	{"\n50\n", "\n+50\n"},
	{"\n50\n", "\n-50\n"},
	{"\n50\n", "\n50 \n"},
	{"\n50\n", "\n5e1\n"},
	{"\n50\n", "\n\n"},
	{"\n50\n", "\n9223372036854775808\n"}, // 2^63
	{"\n50\n", "\n0\n"},                   // with the root of fifty records
	{"eIs=\n", "eIt=\n"},                  // bits that mean nothing
	{"eIs=\n", "eIs\n"},
	{"eIs=\n", "eIs=\r\n"},
	{"eIs=\n", "eIs="},
	{"eIs=\n", "eIs=\n\n"},
	{"eIs=\n", "eIs=\nextension line\n"}, // witnesses refuse those
	{"38l6W+xT", "38l6W-xT"},
	{"38l6W+xT", "\n38l6W+xT"},
	{"38l6W+xT", ""},
}

func TestBadCheckpoints(t *testing.T) {
	golden := checkpointText(t)
	for _, tt := range badCheckpoints {
		if c, err := ledger.ParseCheckpoint(swap(t, golden, tt.old, tt.new)); err == nil {
			t.Errorf("%q for %q: accepted as %+v", tt.new, tt.old, c)
		}
	}
	for _, text := range []string{"", "\n", "\n\n\n", strings.Repeat("\n", 1000)} {
		if _, err := ledger.ParseCheckpoint(text); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}

func TestUnverifiedCheckpoint(t *testing.T) {
	want := goldenLog(t).at(t, 50)
	for _, name := range []string{"checkpoint.note", "checkpoint-cosigned.note"} {
		if c, err := ledger.UnverifiedCheckpoint(goldenFile(t, name)); err != nil || c != want {
			t.Errorf("%s says %+v, %v", name, c, err)
		}
	}
	for _, text := range []string{"", want.Text(), "x\n\n", want.Text() + strings.Repeat("\n", ledger.MaxCheckpoint)} {
		if c, err := ledger.UnverifiedCheckpoint([]byte(text)); err == nil {
			t.Errorf("%.80q says %+v", text, c)
		}
	}
}

func TestEmptyCheckpoint(t *testing.T) {
	c := ledger.Checkpoint{Origin: origin, Root: sha256.Sum256(nil)}
	if got, err := ledger.ParseCheckpoint(c.Text()); err != nil || got != c {
		t.Errorf("the checkpoint of no records reads as %+v, %v", got, err)
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCheckpoint(t)
		got, err := ledger.ParseCheckpoint(c.Text())
		if err != nil || got != c {
			t.Errorf("%+v is written %q and read %+v, %v", c, c.Text(), got, err)
		}
	})
}

func drawCheckpoint(t *rapid.T) ledger.Checkpoint {
	c := ledger.Checkpoint{Origin: rapid.StringMatching(`[a-z]{1,9}(\.[a-z]{1,9}){0,2}(/[a-z0-9-]{1,9}){0,2}`).Filter(ledger.ValidOrigin).Draw(t, "origin")}
	c.Size = ledger.Position(rapid.Uint64Range(1, 1<<63-1).Draw(t, "size"))
	copy(c.Root[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root"))
	return c
}

// TestForgedCheckpoints: one changed byte of a signed checkpoint, anywhere, and
// it opens no more, or its last signature line is only written differently.
func TestForgedCheckpoints(t *testing.T) {
	golden := goldenFile(t, "checkpoint.note")
	_, vkey := noteKeys(t, origin)
	v := verifier(t, vkey)
	want, _, err := ledger.OpenCheckpoint(golden, v)
	if err != nil {
		t.Fatal(err)
	}
	for i := range golden {
		for _, bit := range []byte{1, 2, 0x20, 0x80} {
			forged := bytes.Clone(golden)
			forged[i] ^= bit
			if c, _, err := ledger.OpenCheckpoint(forged, v); err == nil && c != want {
				t.Fatalf("bit %d of byte %d flipped: opens as %+v", bit, i, c)
			}
		}
	}
	for _, cut := range []int{0, 1, len(golden) / 2, len(golden) - 1} {
		if _, _, err := ledger.OpenCheckpoint(golden[:cut], v); err == nil {
			t.Errorf("the first %d bytes open", cut)
		}
	}
	if _, _, err := ledger.OpenCheckpoint(append(bytes.Clone(golden), make([]byte, ledger.MaxCheckpoint)...), v); err == nil {
		t.Error("a checkpoint longer than may be opens")
	}
}

// TestCheckpointOfAnother: each key signs for its own origin only.
func TestCheckpointOfAnother(t *testing.T) {
	other, vkey := noteKeys(t, "berkas.example/other")
	c := goldenLog(t).at(t, 50)
	if _, err := ledger.SignCheckpoint(c, other); err == nil {
		t.Error("a key signs the checkpoint of another ledger")
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ledger.OpenCheckpoint(signed, verifier(t, vkey)); err == nil {
		t.Error("a checkpoint opens that the key of another ledger signed")
	}
	_, own := noteKeys(t, origin)
	if _, _, err := ledger.OpenCheckpoint(signed, verifier(t, own)); err == nil {
		t.Error("a checkpoint opens without the log's own signature")
	}
}

// TestSignNonsense: what no one could read is not signed.
func TestSignNonsense(t *testing.T) {
	signer, _ := noteKeys(t, origin)
	for name, c := range map[string]ledger.Checkpoint{
		"no size":  {Origin: origin},
		"too many": {Origin: origin, Size: 1 << 63, Root: ledger.HashLeaf(nil)},
	} {
		if out, err := ledger.SignCheckpoint(c, signer); err == nil {
			t.Errorf("%s: signed as %q", name, out)
		}
	}
}

// TestReceiptIsNoCheckpoint: what one key signed as one thing is never taken for
// the other, even if an operator gave both the same key.
func TestReceiptIsNoCheckpoint(t *testing.T) {
	signer, vkey := noteKeys(t, origin)
	receipt, err := ledger.SignReceipt(goldenReceipts(t)["receipt-admitted.note"], signer)
	if err != nil {
		t.Fatal(err)
	}
	if c, _, err := ledger.OpenCheckpoint(receipt, verifier(t, vkey)); err == nil {
		t.Errorf("a receipt opens as the checkpoint %+v", c)
	}
	if r, err := ledger.OpenReceipt(signed(t, goldenLog(t).at(t, 50)), verifier(t, vkey)); err == nil {
		t.Errorf("a checkpoint opens as the receipt %+v", r)
	}
}

var badWitnessKeys = []change{
	{"+8d4a908c+", "+8D4A908C+"},
	{"+8d4a908c+", "+8d4a908d+"},
	{"+8d4a908c+", "+08d4a908c+"},
	{"+8d4a908c+", "++"},
	{"+8d4a908c+", "+"},
	{"bkn.example/witness", ""},
	{"bkn.example/witness", "bkn.example/ witness"},
	{"bkn.example/witness", "bkn.example/w\u200bitness"},
	{"bkn.example/witness", "bkn.example/w\xffitness"},
	{"bkn.example/witness", "BKN.example/witness"},
	{"+BLcmd", "+ALcmd"}, // of another type
	{"+BLcmd", "+BLcm"},
	{"+BLcmd", "+\nBLcmd"},
	{"+BLcmd", "+BLcmdA"},
	{"+BLcmd", "+-Lcmd"},
}

func TestBadWitnessKeys(t *testing.T) {
	golden := goldenWitnesses(t)[0].key.String()
	if k, err := ledger.ParseWitnessKey(golden); err != nil || k.String() != golden || k.Name() != "bkn.example/witness" {
		t.Fatalf("%s reads as %s, %v", golden, k, err)
	}
	for _, tt := range badWitnessKeys {
		if k, err := ledger.ParseWitnessKey(swap(t, golden, tt.old, tt.new)); err == nil {
			t.Errorf("%q for %q: accepted as %s", tt.new, tt.old, k)
		}
	}
	if _, err := ledger.NewWitnessKey("w", make([]byte, 31)); err == nil {
		t.Error("a key of 31 bytes is taken")
	}
	if _, err := ledger.NewWitnessKey(strings.Repeat("w", 256), make([]byte, 32)); err == nil {
		t.Error("a name of 256 bytes is taken")
	}
}

// TestCosignatureTimes: a cosignature is over its time, too, and a time that
// nobody could write is none.
func TestCosignatureTimes(t *testing.T) {
	w := witnessNamed(t, "w.example")
	text := checkpointText(t)
	_, line, _ := strings.Cut(strings.TrimSuffix(w.cosign(text), "\n"), "w.example ")
	raw, err := base64.StdEncoding.DecodeString(line)
	if err != nil || !w.key.Verify([]byte(text), raw[4:]) {
		t.Fatalf("the cosignature %q does not verify, %v", line, err)
	}
	at, err := ledger.CosignedAt(note.Signature{Name: "w.example", Base64: line})
	if err != nil || !at.Equal(cosignedAt) {
		t.Errorf("cosigned at %v, %v; want %v", at, err, cosignedAt)
	}
	for i := range 8 {
		raw[4+i] ^= 1
		if w.key.Verify([]byte(text), raw[4:]) {
			t.Errorf("byte %d of the time changed: still verifies", i)
		}
		raw[4+i] ^= 1
	}
	if w.key.Verify([]byte(text+" "), raw[4:]) || w.key.Verify([]byte(text), raw[4:len(raw)-1]) || w.key.Verify([]byte(text), nil) {
		t.Error("verifies over another text, or cut short")
	}
	if (ledger.WitnessKey{}).Verify([]byte(text), raw[4:]) {
		t.Error("a key that is none verifies")
	}
	late := strings.TrimPrefix(strings.TrimSuffix(ledger.Cosign(w.key, w.private, text, cosignedAt.AddDate(8000, 0, 0)), "\n"), "— w.example ")
	raw, err = base64.StdEncoding.DecodeString(late)
	if err != nil || w.key.Verify([]byte(text), raw[4:]) {
		t.Errorf("a cosignature of the year 10026 verifies, %v", err)
	}
	for _, text := range []string{late, "", "AAAA", "not base64"} {
		if at, err := ledger.CosignedAt(note.Signature{Base64: text}); err == nil {
			t.Errorf("%q: cosigned at %v", text, at)
		}
	}
}
