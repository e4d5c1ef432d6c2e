package web

import (
	"net/http"
	"net/url"
	"strings"
)

// sitePage is a page that the navigation and the front page lead to, where it is
// served.
type sitePage struct {
	Path string
	// Label is its name in the navigation; without one it belongs to Under, which it
	// marks there or stands in for.
	Label text
	Under string
	// The front page leads to it by the question that it answers.
	Asks, Says, Who text
}

var forFigures, forCases, forSome, forAll = text{"dengan kredensial", "with a credential"}, text{"untuk lembaga dan auditor", "for agencies and auditors"},
	text{"sebagian untuk siapa pun", "in part for everybody"}, text{"untuk siapa pun", "for everybody"}

const verifyPath = "/verify"

// site has every such page, in the order in which a newcomer asks: how much, how
// fair, how late, who said otherwise, which case, who checks, and what everybody
// may see.
var site = []sitePage{
	{
		nationalPath,
		text{"Angka nasional", "National figures"},
		"",
		text{"Berapa banyak, sampai di mana, berapa lama?", "How many, how far, how long?"},
		text{"Angka nasional untuk saat mana pun, dengan peta dan perjalanan waktu.", "National figures for any moment, with a map and their course over time."},
		forFigures,
	},
	{
		treatmentPath,
		text{"Perlakuan setara", "Equal treatment"},
		"",
		text{"Apakah yang serupa diperlakukan sama?", "Are equals treated equally?"},
		text{"Tingkat dan lama penanganan menurut provinsi, instansi, dan jabatan, dengan ketidakpastiannya.", "Rates and times by province, institution and position, with their uncertainty."},
		forFigures,
	},
	{
		backlogPath,
		text{"Tunggakan", "Backlog"},
		"",
		text{"Siapa yang belum bertindak, sejak kapan?", "Who has not acted, since when?"},
		text{"Tunggakan dan tenggat menurut lembaga dan PPK, yang lewat tenggat lebih dahulu.", "Backlog and deadlines by agency and appointing authority, overdue first."},
		forFigures,
	},
	{
		publishedPath,
		text{"Angka terbitan", "Published figures"},
		"",
		text{"Mengapa angka lembaga berbeda-beda?", "Why do agencies' figures differ?"},
		text{"Angka yang diumumkan di samping angka buku besar; selisihnya ditelusuri.", "Announced figures beside the ledger's, differences traced."},
		forFigures,
	},
	{
		worklistPath,
		text{},
		backlogPath,
		text{"Apa yang perlu dikerjakan lembaga saya?", "What does my agency have to do?"},
		text{"Daftar kerja dengan dasar dan tenggatnya.", "The work list, with basis and deadline."},
		forCases,
	},
	{
		casesPath,
		text{"Kasus", "Cases"},
		"",
		text{"Apa yang terjadi dalam satu kasus?", "What happened in a case?"},
		text{"Jalannya peristiwa dengan kedua waktunya, siapa, dan atas mandat apa.", "Its course with both times, who, and under which mandate."},
		forCases,
	},
	{
		searchPath,
		text{},
		casesPath,
		text{"Di mana kasus yang saya cari?", "Where is the case that I look for?"},
		text{"Menurut nomor laporan, register, surat, keputusan, instansi, atau wilayah.", "By number of complaint, register, letter or decree, institution or region."},
		forCases,
	},
	{
		deskPath,
		text{"Meja auditor", "Auditor's desk"},
		"",
		text{"Apakah ada catatan yang diubah?", "Has any record been changed?"},
		text{"Meja auditor: pemutaran ulang, dua saat dibandingkan, laporan audit, saksi, sampel acak.", "The auditor's desk: replay, two moments compared, audit reports, witnesses, random samples."},
		forSome,
	},
	{
		publicPath,
		text{"Publik", "Public"},
		"",
		text{"Apa yang boleh dilihat siapa saja?", "What may everybody see?"},
		text{"Tabel tetap pada tanggal tetap, dan data terbuka untuk diunduh.", "Fixed tables at fixed dates, and open data to download."},
		forAll,
	},
	{
		verifyPath,
		text{},
		"",
		text{"Bagaimana saya memeriksanya sendiri?", "How do I check it myself?"},
		text{"Halaman yang memeriksa bundel sebuah kasus di peramban Anda, tanpa bertanya kepada peladen.", "A page that checks a case's bundle in your browser, asking no server."},
		forAll,
	},
}

// navEntry is one entry of the navigation as a page shows it.
type navEntry struct {
	Href    string
	Label   text
	Current string // value of aria-current: this page, or one below it
}

func (s *Server) navigation(path string) []navEntry {
	var out []navEntry
	for _, named := range site {
		if named.Label == (text{}) {
			continue
		}
		entry := navEntry{Label: named.Label}
		for _, p := range site {
			if p.Path != named.Path && p.Under != named.Path {
				continue
			}
			if (entry.Href == "" || p.Path == named.Path) && s.serves(p.Path) {
				entry.Href = p.Path
			}
			switch {
			case path == p.Path:
				entry.Current = "page"
			case strings.HasPrefix(path, p.Path+"/"):
				entry.Current = "true"
			}
		}
		if entry.Href != "" {
			out = append(out, entry)
		}
	}
	return out
}

// serves says whether a page is served at a path.
func (s *Server) serves(path string) bool {
	_, pattern := s.mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
	return pattern != ""
}
