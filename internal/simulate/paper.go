package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// paper is a letter, decree or entry in a register. It gets its number when all
// of its book are known, so that numbers rise with the days.
type paper struct {
	day    time.Time
	number string
}

func (p *paper) letter() ledger.Letter { return ledger.Letter{Number: p.number, Date: dateOf(p.day)} }

// book is an agency's letters of one sort.
type book struct {
	format string // of the running number and the year
	papers []*paper
}

func (b *book) on(day time.Time) *paper {
	p := &paper{day: day}
	b.papers = append(b.papers, p)
	return p
}

func (b *book) number() {
	slices.SortStableFunc(b.papers, func(x, y *paper) int { return x.day.Compare(y.day) })
	running := map[int]int{}
	for _, p := range b.papers {
		running[p.day.Year()]++
		p.number = fmt.Sprintf(b.format, running[p.day.Year()], p.day.Year())
	}
}

// library is all books. The numbers say of themselves that they are examples.
type library struct {
	register, forwarding, recommendation, decree, control, admonition book
}

func newLibrary() library {
	return library{
		register:       book{format: "CONTOH/%04d/%d"},
		forwarding:     book{format: "CONTOH-%04d/BAWASLU/%d"},
		recommendation: book{format: "CONTOH-%04d/KASN/%d"},
		decree:         book{format: "CONTOH-800/%04d/%d"},
		control:        book{format: "CONTOH-%04d/BKN/%d"},
		admonition:     book{format: "CONTOH-%03d/KEMENDAGRI/%d"},
	}
}

func (l *library) number() {
	for _, b := range []*book{&l.register, &l.forwarding, &l.recommendation, &l.decree, &l.control, &l.admonition} {
		b.number()
	}
}

// busy draws a working day of a span, with the months' share of the work: from
// mid-March to mid-June the contest was suspended for the epidemic.
func (d draw) busy(s span) time.Time {
	months := [13]int{0, 6, 10, 8, 3, 3, 9, 18, 22, 22, 22, 22, 22}
	for {
		t := d.workday(day(s.from), day(s.until))
		if d.IntN(22) < months[t.Month()] {
			return t
		}
	}
}

// within draws a working day that lies in a span and from lo to hi days after
// the day of t.
func (d draw) within(s span, t time.Time, lo, hi int) time.Time {
	today := day(dateOf(t))
	from, until := today.AddDate(0, 0, lo), today.AddDate(0, 0, hi)
	if s.from != "" {
		from = latest(from, day(s.from))
	}
	if s.until != "" {
		until = earliest(until, day(s.until))
	}
	return d.workday(from, until)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
