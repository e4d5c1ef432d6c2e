package projections

import (
	"fmt"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// The words of figures in both languages, for laporan.definitions and
// docs/measures.md. Those of measures stand in ledger.MeasureTable.

// definition says what a code means.
type definition struct {
	code, english, indonesian string
}

// unitWords has each of ledger.Units, in its order.
var unitWords = []definition{
	{
		string(ledger.UnitCase),
		"Cases. One with several respondents counts once.",
		"Kasus. Kasus dengan beberapa terlapor dihitung sekali.",
	},
	{
		string(ledger.UnitRespondent),
		"Respondents: one entry in one case. Identities are sealed, so persons cannot be counted; somebody reported in two cases counts twice.",
		"Terlapor: satu entri dalam satu kasus. Identitas disegel sehingga orang tidak dapat dihitung; yang dilaporkan dalam dua kasus dihitung dua kali.",
	},
	{
		string(ledger.UnitRecommendation),
		"Recommendations: distinct agency and letter number.",
		"Rekomendasi: kombinasi lembaga dan nomor surat yang berbeda.",
	},
	{
		string(ledger.UnitPPK),
		"Appointing authorities (PPK) that a recommendation was sent to: distinct office and institution or region.",
		"Pejabat Pembina Kepegawaian (PPK) yang dikirimi rekomendasi: kombinasi jabatan dan instansi atau wilayah yang berbeda.",
	},
}

// filterWords has each of ledger.Filters, in its order.
var filterWords = []definition{
	{"origin", "How the case began: finding or report.", "Asal kasus: temuan (finding) atau laporan (report)."},
	{"forwarded-to", "An agency that it was forwarded to for action.", "Lembaga tujuan penerusan untuk ditindaklanjuti."},
	{"holder", "The agency that holds the case.", "Lembaga pemegang kasus."},
	{"family", "discipline if any item is of discipline, else ethics.", "discipline (disiplin) bila ada butir disiplin, selain itu ethics (kode etik)."},
	{"sanction", "Severity: as it stands after remedies, else as recommended.", "Tingkat sanksi: yang berlaku setelah upaya hukum, atau menurut rekomendasi."},
	{"office", "BKN's office that watches the institution: central or I to XIV.", "Kantor BKN pembina instansi: central (pusat) atau kantor regional I sampai XIV."},
	{"ppk-kind", "Office of the appointing authority: minister, governor, regent, mayor.", "Jabatan PPK: minister (menteri), governor (gubernur), regent (bupati), mayor (wali kota)."},
	{"province-of-act", "Province in which the act took place, Kemendagri's two digits.", "Provinsi tempat perbuatan, dua angka kode Kemendagri."},
	{"province", "Province of the respondent's institution, Kemendagri's two digits; central ones have none.", "Provinsi instansi terlapor, dua angka kode Kemendagri; instansi pusat tidak memilikinya."},
	{"institution", "The respondent's institution: region code, or central- and its code.", "Instansi terlapor: kode wilayah, atau central- dan kodenya."},
	{"institution-kind", "central, province, regency or city.", "central (pusat), province (provinsi), regency (kabupaten) atau city (kota)."},
	{"class", "Class of the respondent's position.", "Kelas jabatan terlapor."},
	{"item", "An item of the catalogue of violations.", "Butir katalog pelanggaran."},
	{"contest", "The election it is about.", "Pemilu atau pilkada terkait."},
}

// sinceWords say how the moments of a question are read.
const sinceWords = "A figure has a measure, a unit, filters, an observer (`seen-by`) and three times: what became true\n" +
	"after `since`, what had happened by `as-of`, using only what was recorded by `known-at`. A bare date\n" +
	"is the end of that day in Asia/Jakarta."

// MeasuresPage is docs/measures.md: what is counted, written from the tables
// that the program counts by.
func MeasuresPage() string {
	var b strings.Builder
	b.WriteString("# What is counted\n\nWritten by `go generate ./projections` from `ledger.MeasureTable` and the words beside it; a test\n" +
		"compares. `laporan.definitions` holds the same for BI tools.\n\n" + sinceWords + "\n\n## Measures\n\n" +
		"In the order of the procedure. Under the unit case a measure is true of a case when it is true of\n" +
		"one of its respondents; those marked *all* need all of them. Duplicates count for none.\n\n" +
		"| measure | | English | Indonesia |\n|---|---|---|---|\n")
	for _, m := range ledger.MeasureTable {
		all := ""
		if m.All {
			all = "*all*"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, all, m.English, m.Indonesian)
	}
	for _, part := range []struct {
		title, column string
		words         []definition
	}{{"Units", "unit", unitWords}, {"Filters", "filter", filterWords}} {
		fmt.Fprintf(&b, "\n## %s\n\n| %s | English | Indonesia |\n|---|---|---|\n", part.title, part.column)
		for _, d := range part.words {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.code, d.english, d.indonesian)
		}
	}
	return b.String()
}
