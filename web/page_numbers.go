package web

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/berkas-ledger/berkas/ledger"
)

// printers write numbers as each language does: 1.005 and 1,005.
var printers = map[lang]*message.Printer{
	indonesian: message.NewPrinter(language.Indonesian),
	english:    message.NewPrinter(language.English),
}

// number writes a whole number. Pages have many, so that kinds that they mostly
// have are written without a printer. A test holds one to the other.
func (l lang) number(n any) string {
	switch n := n.(type) {
	case uint64:
		return l.grouped(n)
	case int:
		if n >= 0 {
			return l.grouped(uint64(n))
		}
	case ledger.Position:
		return l.grouped(uint64(n))
	}
	return printers[l].Sprintf("%d", n)
}

// grouped parts a number's digits by threes.
func (l lang) grouped(n uint64) string {
	mark := byte('.')
	if l == english {
		mark = ','
	}
	var room [26]byte // 20 digits and 6 marks
	at := len(room)
	for digits := 0; n > 0 || digits == 0; digits++ {
		if digits > 0 && digits%3 == 0 {
			at--
			room[at] = mark
		}
		at--
		room[at] = byte('0' + n%10)
		n /= 10
	}
	return string(room[at:])
}

// counts writes the cells of a row of numbers.
func (l lang) counts(list []uint64) template.HTML {
	var b strings.Builder
	for _, n := range list {
		b.WriteString(`<td class="number">`)
		b.WriteString(l.grouped(n))
		b.WriteString(`</td>`)
	}
	return template.HTML(b.String()) // digits and their marks
}

// longWords says where long words of headings may be parted: browsers do not know.
var longWords = strings.NewReplacer(
	"rekomendasikan", "reko\u00admenda\u00adsikan", "tindaklanjuti", "tindak\u00adlanjuti", "Recommended", "Recom\u00admended",
)

// days is the unit of a number of days.
func (l lang) days(n any) string {
	switch {
	case l == indonesian:
		return "hari"
	case l.number(n) == "1":
		return "day"
	}
	return "days"
}

// signed writes a difference: with a sign, and a true minus.
func (l lang) signed(n int64) string {
	switch {
	case n > 0:
		return "+" + l.number(n)
	case n < 0:
		return "−" + printers[l].Sprintf("%d", uint64(-n))
	}
	return "0"
}

// short are months where room is short.
var short = map[lang][12]string{
	indonesian: {"Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"},
	english:    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},
}

// date writes the day of a moment in Jakarta, shortly.
func (l lang) date(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(ledger.Jakarta)
	year, month, day := t.Date()
	return strconv.Itoa(day) + " " + short[l][month-1] + " " + strconv.Itoa(year)
}

// clock writes day and time in Jakarta, to the minute, with the zone.
func (l lang) clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	form := "15.04"
	if l == english {
		form = "15:04"
	}
	return l.date(t) + ", " + t.In(ledger.Jakarta).Format(form) + " WIB"
}

// inZone writes the time of day in another zone than Jakarta's, with the day where
// that is another one.
func (l lang) inZone(t time.Time, zone *time.Location) string {
	form := "15.04"
	if l == english {
		form = "15:04"
	}
	there := t.In(zone)
	says := there.Format(form) + " " + zone.String()
	if here := t.In(ledger.Jakarta); there.Day() != here.Day() {
		says = fmt.Sprintf("%d %s, %s", there.Day(), short[l][there.Month()-1], says)
	}
	return says
}

// monthOf writes the month of a moment in Jakarta, shortly.
func (l lang) monthOf(t time.Time) string {
	t = t.In(ledger.Jakarta)
	return fmt.Sprintf("%s %d", short[l][t.Month()-1], t.Year())
}

// size writes a length in bytes, in kilobytes or megabytes of a thousand.
func (l lang) size(n uint64) string {
	unit, divisor := "B", 1.0
	switch {
	case n >= 1_000_000:
		unit, divisor = "MB", 1e6
	case n >= 1_000:
		unit, divisor = "kB", 1e3
	}
	if divisor == 1 {
		return l.number(n) + " " + unit
	}
	return printers[l].Sprintf("%.1f", float64(n)/divisor) + " " + unit
}

// shortID is enough of a UUID to tell two on one page apart.
func shortID(id string) string {
	if len(id) != 36 {
		return id
	}
	return id[:8] + "…" + id[30:]
}

// wordFuncs are what templates of pages call beside those of the frame.
func wordFuncs(l lang) template.FuncMap {
	return template.FuncMap{
		"number":   l.number,
		"counts":   l.counts,
		"signed":   l.signed,
		"word":     func(group string, code any) string { return word(group, fmt.Sprint(code)).in(l) },
		"value":    func(filter, value string) string { return valueWord(filter, value).in(l) },
		"date":     l.date,
		"clock":    l.clock,
		"dayof":    l.dayOf,
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"shortid":  shortID,
		"inzone":   l.inZone,
		"size":     l.size,
		"monthof":  l.monthOf,
		"days":     l.days,
		"narrow":   longWords.Replace,
		"months":   func() [12]string { return months[l] },
		"weekdays": func() [7]weekday { return weekdays[l] },
		"minus":    func(n int) int { return -n },
		"percent":  l.percent, "roundpercent": l.roundPercent, "decimal": l.decimal,
		"measureSays": measureSays, "minus1": func(n int) int { return n - 1 },
		"rowsOf": rowsOf, "groupWord": groupWord, "daysOf": daysOf, "less": func(a, b float64) float64 { return a - b },
	}
}
