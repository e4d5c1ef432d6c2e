package ledger_test

import (
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// BenchmarkDecode: what every submission costs before its schema is looked at.
func BenchmarkDecode(b *testing.B) {
	body := goldenSubmission(b).Body
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, bad := ledger.Decode(body); bad != nil {
			b.Fatal(bad)
		}
	}
}

// BenchmarkDecodeRecord: what every record costs whoever reads the ledger.
func BenchmarkDecodeRecord(b *testing.B) {
	r := goldenRecord(b)
	b.SetBytes(int64(len(r.Body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.DecodeRecord(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseSubmission: headers and signatures, without verifying.
func BenchmarkParseSubmission(b *testing.B) {
	s := goldenSubmission(b)
	header := s.Header()
	b.ReportAllocs()
	for b.Loop() {
		if _, bad := ledger.ParseSubmission(s.Agency, header, s.Body); bad != nil {
			b.Fatal(bad)
		}
	}
}

// BenchmarkLeafHash: making a record's leaf and hashing it.
func BenchmarkLeafHash(b *testing.B) {
	r := goldenRecord(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = r.LeafHash()
	}
}

// BenchmarkSignReceipt is dominated by Ed25519.
func BenchmarkSignReceipt(b *testing.B) {
	signer, _ := noteKeys(b, "berkas.example/receipts")
	r := ledger.Receipt{
		Origin: origin, Agency: ledger.Bawaslu, Event: eventID(1), Outcome: ledger.Admitted,
		Position: 42, Recorded: time.Date(2026, 11, 26, 3, 10, 0, 0, time.UTC),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ledger.SignReceipt(r, signer); err != nil {
			b.Fatal(err)
		}
	}
}
