package web

import (
	"net/http"

	"github.com/berkas-ledger/berkas/ledger"
)

// The front page: what this is, the main figures, and the way to every page.

type home struct {
	Head  uint64
	Login bool // there is something to log in to
	// Shown: there are figures, and whoever asks may see them.
	Shown    bool
	Asked    asked
	Headline headline
	Map      provinceMap
	Days     []sliderStep // voting days, oldest first
	Doors    []doorway
}

// doorway is the way to a page, by the question that it answers.
type doorway struct {
	Href            string
	Asks, Says, Who text
}

var forFigures, forCases, forAll = text{"dengan kredensial", "with a credential"},
	text{"untuk lembaga dan auditor", "for agencies and auditors"}, text{"untuk siapa pun", "for everybody"}

// doorways in the order of the navigation; one shows where its page is served.
var doorways = []doorway{
	{nationalPath, text{"Berapa banyak, sampai di mana, berapa lama?", "How many, how far, how long?"}, text{"Angka nasional untuk saat mana pun, dengan peta dan perjalanan waktu.", "National figures for any moment, with a map and their course over time."}, forFigures},
	{"/treatment", text{"Apakah yang serupa diperlakukan sama?", "Are equals treated equally?"}, text{"Tingkat dan lama penanganan menurut provinsi, instansi, dan jabatan, dengan ketidakpastiannya.", "Rates and times by province, institution and position, with their uncertainty."}, forFigures},
	{"/backlog", text{"Siapa yang belum bertindak, sejak kapan?", "Who has not acted, since when?"}, text{"Tunggakan dan tenggat menurut lembaga dan PPK, yang lewat tenggat lebih dahulu.", "Backlog and deadlines by agency and appointing authority, overdue first."}, forFigures},
	{"/published", text{"Mengapa angka lembaga berbeda-beda?", "Why do agencies' figures differ?"}, text{"Angka yang diumumkan di samping angka buku besar; selisihnya ditelusuri.", "Announced figures beside the ledger's, differences traced."}, forFigures},
	{worklistPath, text{"Apa yang perlu dikerjakan lembaga saya?", "What does my agency have to do?"}, text{"Daftar kerja dengan dasar dan tenggatnya.", "The work list, with basis and deadline."}, forCases},
	{casesPath, text{"Apa yang terjadi dalam satu kasus?", "What happened in a case?"}, text{"Jalannya peristiwa dengan kedua waktunya, siapa, dan atas mandat apa.", "Its course with both times, who, and under which mandate."}, forCases},
	{"/search", text{"Di mana kasus yang saya cari?", "Where is the case that I look for?"}, text{"Menurut nomor laporan, register, surat, keputusan, instansi, atau wilayah.", "By number of complaint, register, letter or decree, institution or region."}, forCases},
	{"/desk", text{"Apakah ada catatan yang diubah?", "Has any record been changed?"}, text{"Meja auditor: pemutaran ulang, dua saat dibandingkan, laporan audit, saksi, sampel acak.", "The auditor's desk: replay, two moments compared, audit reports, witnesses, random samples."}, forCases},
	{"/public", text{"Apa yang boleh dilihat siapa saja?", "What may everybody see?"}, text{"Tabel tetap pada tanggal tetap, dan data terbuka untuk diunduh.", "Fixed tables at fixed dates, and open data to download."}, forAll},
	{"/verify", text{"Bagaimana saya memeriksanya sendiri?", "How do I check it myself?"}, text{"Halaman yang memeriksa bundel sebuah kasus di peramban Anda, tanpa bertanya kepada peladen.", "A page that checks a case's bundle in your browser, asking no server."}, forAll},
}

func (s *Server) showHome(r *http.Request) (view, error) {
	page := home{Head: uint64(s.Head()), Login: !s.Open}
	for _, d := range doorways {
		if s.serves(d.Href) {
			page.Doors = append(page.Doors, d)
		}
	}
	v := view{Template: "home", Title: text{"Buku besar kasus netralitas ASN", "Ledger of civil-service neutrality cases"}}
	if s.Figures != nil && s.allow(r, needFigures) == nil {
		// The front page opens even when there are no figures, for instance
		// because nothing is recorded yet.
		if err := s.fillHome(r, &page); err != nil {
			s.Log.Info("the front page is without figures", "request", trailOf(r.Context()).id, "because", err)
		}
	}
	v.Data = page
	return v, nil
}

func (s *Server) fillHome(r *http.Request, page *home) error {
	ctx := r.Context()
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent}}
	extent, err := s.extent(ctx)
	if err != nil {
		return err
	}
	_, queries := q.queries()
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return err
	}
	all := answers[:len(ledger.MeasureTable)]
	drawn := ledger.Recommended
	rows, err := s.Figures.Breakdown(ctx, all[drawn:drawn+1], "province")
	if err != nil {
		return err
	}
	q.answered = momentOf(all[0].Query)
	page.Asked = q.askedOf(nationalPath, all[0], extent)
	page.Headline = q.headline(all)
	page.Map = q.mapOf(drawn.String(), all[drawn].Value, rows, 0)
	if !extent.First.IsZero() {
		for _, c := range votingDays(s.Roster().Contests(), ledger.DayOf(extent.First), ledger.DayOf(extent.Last)) {
			name, day := contestWord(c), dayText(c.Voting)
			label := text{name.ID + " (" + day.ID + ")", name.EN + " (" + day.EN + ")"}
			page.Days = append(page.Days, sliderStep{label, q.address(nationalPath, "as-of", string(c.Voting))})
		}
	}
	page.Shown = true
	return nil
}
