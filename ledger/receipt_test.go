package ledger_test

import (
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// badReceipts are changes to the text of the golden refused receipt.
var badReceipts = []change{
	{"berkas/receipt/v1", "berkas/receipt/v2"},
	{"origin: berkas", "origin: Berkas"},
	{"origin: ", "origin:"},
	{"agency: bawaslu", "agency: Bawaslu"},
	{"agency: bawaslu\n", ""},
	{"agency: bawaslu\n", "agency: bawaslu\nagency: bawaslu\n"},
	{"event: 0", "event: -0"},
	{"event: ", "event: budi"},
	{"sha256: f0", "sha256: F0"},
	{"sha256: f0", "sha256: "},
	{"outcome: refused", "outcome: admitted"},
	{"outcome: refused", "outcome: Refused"},
	{"outcome: refused", "outcome: "},
	{"position: 42", "position: 0"},
	{"position: 42", "position: 042"},
	{"recorded: 2026-11-26T03:10:00.000000Z", "recorded: 2026-11-26T03:10:00Z"},
	{"leaf: 85", "leaf: "},
	{"reason: id-reused", "reason: "},
	{"reason: id-reused", "reason: ID reused"},
	{"reason: id-reused\n", ""},
	{"pointer: /id", "pointer: id"},
	{"pointer: /id", "pointer: "},
	{"pointer: /id\n", strings.Repeat("pointer: /id\n", ledger.MaxPointers)},
	{"nonce: 00", "nonce: 0"},
	{"nonce: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", ""},
	{"first: 7", "first: 0"},
	{"first: 7", "first: 07"},
	{"first: 7", "first: -7"},
	{"first: 7\n", "first: 7"},
	{"first: 7\n", "first: 7\n\n"},
	{"first: 7\n", "first: 7\nsecond: 8\n"},
	{"first: 7\n", "first: 7\nno name\n"},
	{"reason: id-reused\npointer: /id\n", "pointer: /id\nreason: id-reused\n"},
}

var notReceipts = []string{
	"", "\n", "berkas/receipt/v1", "berkas/receipt/v1\n", "berkas/receipt/v1\n\n", strings.Repeat("\n", 100),
	"berkas/receipt/v1\n" + strings.Repeat("pointer: /id\n", 100),
}

func TestBadReceipts(t *testing.T) {
	golden := receiptText(t, "receipt-refused.note")
	for _, tt := range badReceipts {
		if r, err := ledger.ParseReceipt(swap(t, golden, tt.old, tt.new)); err == nil {
			t.Errorf("%q for %q: accepted as %+v", tt.new, tt.old, r)
		}
	}
	for _, text := range notReceipts {
		if _, err := ledger.ParseReceipt(text); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
	admitted := receiptText(t, "receipt-admitted.note")
	for _, line := range []string{"reason: id-reused\n", "pointer: /id\n", "nonce: " + ledger.HashLeaf(nil).String() + "\n", "first: 7\n"} {
		if _, err := ledger.ParseReceipt(admitted + line); err == nil {
			t.Errorf("an admitted receipt with %q: accepted", line)
		}
	}
}

// TestReceiptOfANewerRegistrar: a reason this program does not know is no error.
func TestReceiptOfANewerRegistrar(t *testing.T) {
	r, err := ledger.ParseReceipt(swap(t, receiptText(t, "receipt-refused.note"), "id-reused", "full-moon"))
	if err != nil || r.Reason != "full-moon" {
		t.Errorf("reads as %q, %v", r.Reason, err)
	}
}

func TestReceiptSubject(t *testing.T) {
	want := "receipt.bkn.6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
	if got := ledger.ReceiptSubject(ledger.BKN, ledger.HashLeaf(nil)); got != want {
		t.Errorf("receipt subject %s, want %s", got, want)
	}
}

// TestLongestReceipt: as many places as a refusal may name.
func TestLongestReceipt(t *testing.T) {
	r := goldenReceipts(t)["receipt-refused.note"]
	r.Pointers = nil
	for range ledger.MaxPointers {
		r.Pointers = append(r.Pointers, "/data/respondents/0/institution/region")
	}
	got, err := ledger.ParseReceipt(r.Text())
	if err != nil || len(got.Pointers) != ledger.MaxPointers {
		t.Errorf("%d pointers: %d, %v", ledger.MaxPointers, len(got.Pointers), err)
	}
}
