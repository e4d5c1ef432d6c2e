package web

import (
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// TestTitlesOfPublications: what an agency named by a code is told in words.
func TestTitlesOfPublications(t *testing.T) {
	figure := func(measure string, unit ledger.Unit, day ledger.Date, filters ...string) projections.PublishedFigure {
		f := projections.PublishedFigure{Publisher: ledger.BKN, Measure: measure, Unit: unit, AsOf: day, Table: "bkn20", Filter: map[string]string{}}
		for _, name := range filters {
			f.Filter[name] = "x"
		}
		return f
	}
	for name, c := range map[string]struct {
		figures []projections.PublishedFigure
		want    publicationTitle
	}{
		"one": {
			[]projections.PublishedFigure{figure("blocked", ledger.UnitRespondent, "2020-11-26")},
			publicationTitle{
				text{"BKN: data diblokir", "BKN: data blocked"},
				text{"terlapor, per 26 November 2020", "respondents, as of 26 November 2020"},
			},
		},
		"several": {
			[]projections.PublishedFigure{
				figure("admonished", ledger.UnitPPK, "2020-12-31"), figure("opened", ledger.UnitCase, "2020-11-26", "origin", "office"),
				figure("opened", ledger.UnitCase, "2020-11-26", "office"), figure("blocked", ledger.UnitCase, "2020-11-26"),
			},
			publicationTitle{
				text{"BKN: PPK ditegur, dibuka, dan data diblokir", "BKN: authority admonished, opened and data blocked"},
				text{"PPK dan kasus, per 26 November 2020 – 31 Desember 2020; juga menurut asal dan kantor BKN", "appointing authorities and cases, as of 26 November 2020 – 31 December 2020; also by origin and BKN office"},
			},
		},
		"many": {
			[]projections.PublishedFigure{
				figure("opened", ledger.UnitCase, "2020-11-26"), figure("recommended", ledger.UnitCase, "2020-11-26"), figure("blocked", ledger.UnitCase, "2020-11-26"),
				figure("unblocked", ledger.UnitCase, "2020-11-26"), figure("sanctioned", ledger.UnitCase, "2020-11-26"),
			},
			publicationTitle{
				text{"BKN: dibuka, direkomendasikan, data diblokir, dan 2 ukuran lain", "BKN: opened, recommended, data blocked and 2 other measures"},
				text{"kasus, per 26 November 2020", "cases, as of 26 November 2020"},
			},
		},
	} {
		if got := titlesOf(c.figures)[publicationKey{0, "bkn20"}]; got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
