package verify_test

import (
	"bytes"
	"crypto/ed25519"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

var update = flag.Bool("update", false, "write the golden reports anew")

// golden compares with a file; readers of reports rely on their form.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; make it with go test ./verify -run TestReports -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is another:\n%s\nwant\n%s", path, got, want)
	}
}

// witnessed makes the policy ask for a witness and cosigns a checkpoint as it.
func (b *book) witnessed(signed []byte) []byte {
	b.t.Helper()
	private := b.Private("witness/1")
	key, err := ledger.NewWitnessKey("witness.example/1", private.Public().(ed25519.PublicKey))
	if err != nil {
		b.t.Fatal(err)
	}
	b.policy.Witnesses, b.policy.Quorum = []ledger.PolicyWitness{{Name: "w1", Key: key}}, "w1"
	text, _, _ := strings.Cut(string(signed), "\n\n")
	return append(signed, ledger.Cosign(key, private, text+"\n", today.Add(time.Hour))...)
}

// TestInventedReport: a report says before its verdict that a ledger is none of real
// institutions.
func TestInventedReport(t *testing.T) {
	for origin, want := range map[string][2]string{
		"berkas.example/simulated-7": {"A SIMULATED LEDGER: ", "BUKU BESAR SIMULASI: "}, "berkas.example/dev": {"A DEMONSTRATION: ", "BUKU BESAR PERAGAAN: "},
		"berkas.go.id/2026": {"NOT VALID. ", "TIDAK SAH. "},
	} {
		r := verify.Report{Origin: origin}
		if got := r.Text(verify.English); !strings.HasPrefix(got, want[0]) || !strings.Contains(got, "NOT VALID. ") {
			t.Errorf("%s: %s", origin, got)
		}
		if got := r.Text(verify.Indonesian); !strings.HasPrefix(got, want[1]) || !strings.Contains(got, "TIDAK SAH. ") {
			t.Errorf("%s: %s", origin, got)
		}
	}
}

// TestReports: the reports of a good ledger and of one that was altered after a
// receipt was given, for machines and for people.
func TestReports(t *testing.T) {
	good, _ := told(t)
	signed := good.witnessed(good.checkpoint(good.all()))
	receipts := good.receipts()
	bad, _ := told(t)
	bad.swapBody(first+1, "REG", "LAIN")
	badSigned := bad.witnessed(bad.checkpoint(bad.all()))
	for name, x := range map[string]struct {
		b      *book
		signed []byte
	}{"good": {good, signed}, "bad": {bad, badSigned}} {
		leaves := x.b.all()
		a := x.b.auditor(leaves)
		x.b.take(a, 1, leaves)
		if err := a.Hold("the checkpoint in kept.txt", signed); err != nil {
			t.Fatal(err)
		}
		a.Receipt("receipt-10", receipts["receipt-10"], nil)
		a.Receipt("receipt-17", receipts["receipt-17"], []byte("{"))
		a.Tables(verify.TableStats{Position: 17, Tables: []string{"records", "respondent_history"}})
		r, err := a.Finish(a.Open(x.signed))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", append(text, '\n'))
		golden(t, name+".en.txt", []byte(r.Text(verify.English)))
		golden(t, name+".id.txt", []byte(r.Text(verify.Indonesian)))
	}
}

// TestMessages: each code has a message in both languages, and a form that
// programs can rely on.
func TestMessages(t *testing.T) {
	seen := map[verify.Code]bool{}
	for _, m := range verify.Messages() {
		if m.English == "" || m.Indonesian == "" || m.English == m.Indonesian || seen[m.Code] {
			t.Errorf("%+v", m)
		}
		if strings.Trim(string(m.Code), "abcdefghijklmnopqrstuvwxyz-8") != "" {
			t.Errorf("the code %q", m.Code)
		}
		if again, ok := verify.MessageOf(m.Code); !ok || again != m {
			t.Errorf("%s: %+v", m.Code, again)
		}
		seen[m.Code] = true
	}
	if _, ok := verify.MessageOf("no-such-code"); ok {
		t.Error("a code that there is not has a message")
	}
}

// TestOpen: a checkpoint of another key, of too few witnesses, or with a forged
// cosignature is found, and nothing is valid by it.
func TestOpen(t *testing.T) {
	b, _ := told(t)
	leaves := b.all()
	plain := b.checkpoint(leaves)
	signed := b.witnessed(bytes.Clone(plain))
	forged := bytes.Clone(signed)
	forged[len(forged)-10] ^= 1
	other := newBook(t)
	other.Origin = "berkas.example/lain" // its keys are others
	for name, x := range map[string]struct {
		signed []byte
		want   []string
	}{
		"by its witness":       {signed, nil},
		"without a witness":    {plain, []string{"0 quorum-missing"}},
		"forged cosignature":   {forged, []string{"0 cosignature-invalid"}},
		"signed by another":    {other.checkpoint(leaves), []string{"0 checkpoint-invalid"}},
		"not a checkpoint":     {[]byte("x"), []string{"0 checkpoint-invalid"}},
		"changed after signed": {bytes.Replace(signed, []byte("\n17\n"), []byte("\n16\n"), 1), []string{"0 checkpoint-invalid"}},
	} {
		a := b.auditor(leaves)
		b.take(a, 1, leaves)
		r, err := a.Finish(a.Open(x.signed))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { want(t, r, x.want...) })
	}
}

// TestTiles: the tiles that x/mod's tlog makes are those of the records, at every
// level, and another one is found.
func TestTiles(t *testing.T) {
	b := loaded(t, 100)
	leaves := b.all()
	a := b.auditor(leaves)
	b.take(a, 1, leaves)
	if err := a.Settle(); err != nil {
		t.Fatal(err)
	}
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(list []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(list))
		for i, at := range list {
			out[i] = stored[at]
		}
		return out, nil
	})
	for i, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	list := verify.HashTiles(b.last())
	for i, tile := range list {
		raw, err := tlog.ReadTileData(tlog.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, reader)
		if err != nil {
			t.Fatal(err)
		}
		a.CompareTile(tile, raw)
		if i == len(list)-1 {
			raw[0] ^= 1
			a.CompareTile(tile, raw)
			a.CompareTile(tile, nil)
		}
	}
	if list[len(list)-1].Level != 1 {
		t.Errorf("the last tile is %s", list[len(list)-1].Path())
	}
	want(t, b.finish(a, b.checkpoint(leaves)), "0 tile-differs", "0 tile-differs")
}
