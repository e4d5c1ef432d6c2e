package ledger

import "strings"

// Origins that no real ledger has: berkas.example is nobody's (RFC 2606).
const (
	// ExampleOrigins begins all of them.
	ExampleOrigins = "berkas.example/"
	// DemonstrationOrigin is that of 'berkas dev'.
	DemonstrationOrigin = "berkas.example/dev"
	// SimulatedOrigin begins the origin of every simulated ledger; no other may.
	SimulatedOrigin = "berkas.example/simulated-"
)

// Invented says in one sentence that nothing a ledger tells is real, when its origin says
// so; both are "" for every other ledger. It stands before any verdict on such a ledger:
// whoever reads no origins would take the verdict for one on institutions.
func Invented(origin string) (english, indonesian string) {
	switch {
	case strings.HasPrefix(origin, SimulatedOrigin):
		return "A SIMULATED LEDGER: its history is invented, its keys are public, and no institution signed anything of it.",
			"BUKU BESAR SIMULASI: riwayatnya rekaan, kuncinya diketahui umum, dan tidak satu lembaga pun menandatangani isinya."
	case origin == DemonstrationOrigin:
		return "A DEMONSTRATION: one machine has the keys of all institutions, and no institution signed anything of it.",
			"BUKU BESAR PERAGAAN: satu komputer memegang kunci semua lembaga, dan tidak satu lembaga pun menandatangani isinya."
	}
	return "", ""
}
