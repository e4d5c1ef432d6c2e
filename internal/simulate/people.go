package simulate

import (
	"fmt"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// identity is the clear text that is sealed for the nth invented person: it says
// of itself that nobody bears it. The digits are no date of birth, so no NIP.
func identity(n int) string {
	return fmt.Sprintf(`{"name":"Contoh %s","nip":"9999999999%08d"}`, words(n), n)
}

func reporter(n int) string { return fmt.Sprintf(`{"name":"Contoh Pelapor %s"}`, words(n)) }

var ones = []string{
	"", "Satu", "Dua", "Tiga", "Empat", "Lima", "Enam", "Tujuh", "Delapan", "Sembilan", "Sepuluh", "Sebelas",
}

// words writes a number from 1 to 999,999 in Indonesian.
func words(n int) string {
	switch {
	case n < 12:
		return ones[n]
	case n < 20:
		return ones[n-10] + " Belas"
	case n < 100:
		return join(ones[n/10]+" Puluh", n%10)
	case n < 200:
		return join("Seratus", n-100)
	case n < 1000:
		return join(ones[n/100]+" Ratus", n%100)
	case n < 2000:
		return join("Seribu", n-1000)
	default:
		return join(words(n/1000)+" Ribu", n%1000)
	}
}

func join(head string, rest int) string {
	return strings.TrimSpace(head + " " + words(rest))
}

// position draws a class of position.
func position(d draw) string {
	return ledger.PositionClasses[d.weighted(0, 1, 8, 14, 12, 30, 22, 13)]
}

func employment(d draw) string { return ledger.Employments[d.weighted(97, 2, 1)] }

// alleged draws violations of the catalogue of 2020.
func alleged(d draw) []string {
	items := []string{"social-media", "partiality", "photo", "declaration", "party-approach", "party-membership", "gathering", "other"}
	first := d.weighted(34, 20, 8, 9, 14, 2, 11, 2)
	if d.chance(80) {
		return items[first : first+1]
	}
	second := (first + 1 + d.IntN(len(items)-1)) % len(items)
	return []string{items[first], items[second]}
}

// severity draws the family and severity of a recommendation. Items of 2022 have
// a family; those of 2020 have none in our sources, and membership of a party is
// the one that is surely of discipline.
func severity(d draw, items []string) (family, sanction string) {
	var mayEthics, mayDiscipline bool
	for _, i := range items {
		mayEthics = mayEthics || !strings.HasPrefix(i, "discipline-") && i != "party-membership"
		mayDiscipline = mayDiscipline || !strings.HasPrefix(i, "ethics-")
	}
	if mayEthics && (!mayDiscipline || d.chance(58)) {
		return ledger.FamilyEthics, []string{"moral-open", "moral-closed"}[d.weighted(72, 28)]
	}
	return ledger.FamilyDiscipline, []string{"light", "medium", "heavy"}[d.weighted(19, 67, 14)]
}

// sanctionLaw is the sanctions of some time by severity.
type sanctionLaw map[string][]string

var (
	// law2010 is PP 53/2010 and, for ethics, PP 42/2004.
	law2010 = sanctionLaw{
		"moral-closed": {"moral-statement-closed"},
		"moral-open":   {"moral-statement-open"},
		"light":        {"oral-reprimand", "written-reprimand", "written-dissatisfaction"},
		"medium":       {"salary-step-held-1y", "promotion-held-1y", "grade-lowered-1y"},
		"heavy":        {"grade-lowered-3y", "moved-down", "released-from-position"},
	}
	// law2021 is PP 94/2021, since 31 August 2021.
	law2021 = sanctionLaw{
		"moral-closed": {"moral-statement-closed"},
		"moral-open":   {"moral-statement-open"},
		"light":        {"oral-reprimand", "written-reprimand", "written-dissatisfaction"},
		"medium":       {"allowance-cut-6m", "allowance-cut-9m", "allowance-cut-12m"},
		"heavy":        {"position-lowered-12m", "released-to-executive-post-12m", "honourable-dismissal"},
	}
)

// decreed draws what the authority imposes on a recommendation: mostly what was
// recommended, at times one step less.
func (law sanctionLaw) decreed(d draw, sanction string) (level, kind string) {
	level = sanction
	if d.chance(10) {
		switch sanction {
		case "heavy":
			level = "medium"
		case "medium":
			level = "light"
		case "moral-open":
			level = "moral-closed"
		}
	}
	return level, pick(d, law[level])
}
