package exports

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"github.com/berkas-ledger/berkas/ledger"
)

// Case is what a case's paper says, in words.
type Case struct {
	Lang     string // "id" or "en"
	Demo     string // mark of a ledger that is no real one; ""
	ID       string
	Facts    []Line
	Persons  []Line // respondents: id, and what is known of each; never a name
	Events   []CaseEvent
	Proof    Proof
	Commands []string // by which the paper is checked
	// Made is the moment that the paper speaks of: the same case gives the same bytes.
	Made time.Time
}

// CaseEvent is one record of a case.
type CaseEvent struct {
	Position           ledger.Position
	Kind, Agency       string // in words
	Happened, Recorded time.Time
	Late               bool
	ID                 string
	Keys               []string
	Leaf               ledger.Hash
	Notes              []Line
	// A correction changes what a record means, never the record.
	Corrected ledger.Position // by the record at this position; 0: not
	Void      bool
}

// Lengths in millimetres, sizes in points.
const (
	pageMargin = 18.0
	pageWidth  = 210.0 - 2*pageMargin
	labelWidth = 50.0
	eventLeast = 34.0 // an event begins a new page when less is left
	lineSmall  = 4.2
	lineText   = 5.0
)

// paper is a document under way. Its texts are in the alphabet of the fonts that every
// reader has (cp1252), which holds Indonesian and English whole.
type paper struct {
	*fpdf.Fpdf
	latin func(string) string
	lang  string
}

func (p *paper) say(id, en string) string {
	if p.lang == "en" {
		return en
	}
	return id
}

// WriteCase writes a case as PDF, A4. The same case gives the same bytes.
func WriteCase(w io.Writer, c Case) error {
	p := &paper{Fpdf: fpdf.New("P", "mm", "A4", ""), lang: c.Lang}
	p.latin = p.UnicodeTranslatorFromDescriptor("")
	p.SetCatalogSort(true)
	p.SetCreationDate(c.Made.UTC())
	p.SetModificationDate(c.Made.UTC())
	p.SetProducer("Berkas", true)
	p.SetCreator("Berkas", true)
	p.SetTitle(p.say("Kasus ", "Case ")+c.ID, true)
	p.SetSubject(p.say("Riwayat kasus netralitas ASN di buku besar ", "History of a neutrality case on the ledger ")+c.Proof.Origin, true)
	p.SetLang(map[bool]string{true: "en", false: "id-ID"}[c.Lang == "en"])
	p.SetMargins(pageMargin, 16, pageMargin)
	p.SetAutoPageBreak(true, 20)
	p.AliasNbPages("{nb}")
	p.SetFooterFunc(func() { p.footer(c) })
	p.AddPage()
	p.head(c)
	p.facts(c.Facts)
	p.section(p.say("Terlapor", "Respondents"))
	p.facts(c.Persons)
	p.proof(c)
	p.section(p.say("Riwayat, menurut urutan kejadian", "History, in the order in which things happened"))
	p.small(p.say(
		"Setiap catatan punya dua waktu: kapan terjadinya menurut lembaga, dan kapan dicatat menurut buku besar. Data pribadi tersegel dan tidak dicetak.",
		"Each record has two times: when it happened, as the agency says, and when it was recorded, as the ledger says. Personal data is sealed and not printed."))
	for i := range c.Events {
		p.event(&c.Events[i])
	}
	return p.Output(w)
}

func (p *paper) head(c Case) {
	p.SetFont("Helvetica", "B", 18)
	p.CellFormat(0, 9, p.latin(p.say("Berkas kasus netralitas ASN", "Neutrality case file")), "", 1, "L", false, 0, "")
	p.SetFont("Courier", "B", 11)
	p.CellFormat(0, 6, c.ID, "", 1, "L", false, 0, "")
	p.SetFont("Helvetica", "", 9.5)
	p.SetTextColor(70, 70, 70)
	p.CellFormat(0, 5, p.latin(p.say("Buku besar ", "Ledger ")+c.Proof.Origin), "", 1, "L", false, 0, "")
	p.SetTextColor(0, 0, 0)
	if c.Demo != "" {
		p.Ln(1)
		p.SetFillColor(255, 236, 179)
		p.SetFont("Helvetica", "B", 9.5)
		p.MultiCell(0, 6, p.latin(p.say("Peragaan (", "Demonstration (")+c.Demo+p.say("): bukan kasus sungguhan.", "): not a real case.")), "", "L", true)
	}
	p.Ln(2)
}

func (p *paper) section(title string) {
	if p.left() < eventLeast {
		p.AddPage()
	}
	p.Ln(3)
	p.SetFont("Helvetica", "B", 12)
	p.CellFormat(0, 7, p.latin(title), "B", 1, "L", false, 0, "")
	p.Ln(1.5)
}

// left is how much of the page is left.
func (p *paper) left() float64 {
	_, height := p.GetPageSize()
	_, _, _, bottom := p.GetMargins()
	return height - bottom - 4 - p.GetY()
}

// facts writes names and what they say beside them.
func (p *paper) facts(lines []Line) {
	for _, l := range lines {
		p.fact(l, "Helvetica", 9.5, lineText)
	}
}

func (p *paper) fact(l Line, font string, size, height float64) {
	p.SetFont("Helvetica", "", max(size, 9))
	p.SetTextColor(70, 70, 70)
	p.CellFormat(labelWidth, height, p.latin(l.Name), "", 0, "L", false, 0, "")
	p.SetTextColor(0, 0, 0)
	p.SetFont(font, "", size)
	p.MultiCell(pageWidth-labelWidth, height, p.latin(l.Text), "", "L", false)
}

func (p *paper) small(text string) {
	p.SetFont("Helvetica", "", 8.5)
	p.SetTextColor(70, 70, 70)
	p.MultiCell(0, lineSmall, p.latin(text), "", "L", false)
	p.SetTextColor(0, 0, 0)
	p.Ln(1)
}

// proof says how whoever holds the paper finds out whether it is true.
func (p *paper) proof(c Case) {
	p.section(p.say("Cara memeriksa", "How to check this"))
	p.small(p.say(
		"Kertas ini bukan bukti. Buktinya adalah catatan yang ditandatangani lembaga dan tercakup titik periksa di bawah ini; perintah berikut memeriksanya dengan kunci publik, tanpa percaya pada pengelola.",
		"This paper is no proof. The proof is the records, signed by their agencies and covered by the checkpoint below; these commands check them by public keys, without trusting the operator."))
	for _, l := range c.Proof.lines(c.Lang) {
		font := "Helvetica"
		if len(l.Text) == 64 {
			font = "Courier"
		}
		p.fact(l, font, 9, lineText)
	}
	p.Ln(1)
	p.SetFont("Courier", "", 8.5)
	p.SetFillColor(240, 243, 245)
	for _, command := range c.Commands {
		p.MultiCell(0, lineText, p.latin(command), "", "L", true)
	}
}

func (p *paper) event(e *CaseEvent) {
	if p.left() < eventLeast {
		p.AddPage()
	}
	p.Ln(2.5)
	p.SetFont("Helvetica", "B", 10.5)
	p.CellFormat(20, 5.5, "#"+strconv.FormatUint(uint64(e.Position), 10), "", 0, "L", false, 0, "")
	p.MultiCell(0, 5.5, p.latin(e.Kind+" \u2013 "+e.Agency), "", "L", false)
	if mark := p.mark(e); mark != "" {
		p.SetFillColor(255, 236, 179)
		p.SetFont("Helvetica", "B", 9)
		p.MultiCell(0, lineText, p.latin(mark), "", "L", true)
	}
	recorded := p.wall(e.Recorded)
	if e.Late {
		recorded += p.say(" (terlambat dicatat)", " (recorded late)")
	}
	for _, l := range append([]Line{{p.say("Terjadi", "Happened"), p.wall(e.Happened)}, {p.say("Dicatat", "Recorded"), recorded}}, e.Notes...) {
		p.fact(l, "Helvetica", 9, lineSmall)
	}
	p.fact(Line{p.say("Ditandatangani kunci", "Signed with key"), strings.Join(e.Keys, ", ")}, "Helvetica", 9, lineSmall)
	p.fact(Line{p.say("Id peristiwa", "Event id"), e.ID}, "Courier", 8, lineSmall)
	p.fact(Line{p.say("Hash daun", "Leaf hash"), e.Leaf.String()}, "Courier", 8, lineSmall)
}

// mark says in words what became of a record; colour only repeats it.
func (p *paper) mark(e *CaseEvent) string {
	switch {
	case e.Void:
		return fmt.Sprintf(p.say("DIBATALKAN oleh koreksi pada posisi %d: tidak lagi dihitung. Catatannya tetap ada.", "VOIDED by the correction at position %d: it counts no more. The record stands."), e.Corrected)
	case e.Corrected != 0:
		return fmt.Sprintf(p.say("DIKOREKSI oleh catatan pada posisi %d: isinya sekarang berarti lain. Catatannya tetap ada.", "CORRECTED by the record at position %d: it says something else now. The record stands."), e.Corrected)
	}
	return ""
}

var paperMonths = [...][2]string{
	{"Januari", "January"},
	{"Februari", "February"},
	{"Maret", "March"},
	{"April", "April"},
	{"Mei", "May"},
	{"Juni", "June"},
	{"Juli", "July"},
	{"Agustus", "August"},
	{"September", "September"},
	{"Oktober", "October"},
	{"November", "November"},
	{"Desember", "December"},
}

// wall is a time by the clock in Jakarta.
func (p *paper) wall(t time.Time) string {
	t = t.In(ledger.Jakarta)
	month := paperMonths[t.Month()-1]
	return fmt.Sprintf("%d %s %d, %s WIB", t.Day(), p.say(month[0], month[1]), t.Year(), t.Format(p.say("15.04.05", "15:04:05")))
}

func (p *paper) footer(c Case) {
	p.SetY(-14)
	p.SetFont("Helvetica", "", 8)
	p.SetTextColor(70, 70, 70)
	known := fmt.Sprintf(p.say("sampai posisi %d", "up to position %d"), c.Proof.Known)
	p.CellFormat(pageWidth/2+20, 5, c.ID+" \xb7 "+p.latin(known), "", 0, "L", false, 0, "")
	p.CellFormat(0, 5, p.latin(p.say("halaman ", "page "))+strconv.Itoa(p.PageNo())+p.latin(p.say(" dari ", " of "))+"{nb}", "", 0, "R", false, 0, "")
	p.SetTextColor(0, 0, 0)
}
