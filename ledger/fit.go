package ledger

import (
	"fmt"
	"slices"
)

// Misfit is an item that does not go with the dates of its case. A wrong date
// turns one family of sanctions into the other, so it is shown; nothing is
// refused for it, since dates may be corrected later, and some are in doubt.
type Misfit struct {
	Respondent string `json:"respondent"`
	Item       string `json:"item"`
	Why        string `json:"why"`
	// Doubt is that of the dates or of the item.
	Doubt Doubt `json:"doubt"`
}

// Misfits lists the items of a case that do not fit the date of the act: those of
// a catalogue of another time, and those of the other side of the contest's
// determination date. A zero contest has no such date.
func (c *Case) Misfits(contest Contest) []Misfit {
	var out []Misfit
	for _, r := range c.Respondents {
		for _, code := range r.Items {
			i := slices.IndexFunc(Items, func(it Item) bool { return it.Code == code })
			if i < 0 {
				continue
			}
			if why, doubt := Items[i].misfit(c.Act.Date, contest); why != "" {
				out = append(out, Misfit{Respondent: r.ID, Item: code, Why: why, Doubt: doubt})
			}
		}
	}
	return out
}

// misfit says in words why an item does not fit an act's day; "" if it does.
func (it Item) misfit(act Date, contest Contest) (why string, doubt Doubt) {
	known := contest.Determination != ""
	doubt = it.Doubt
	if doubt == DoubtNone {
		doubt = contest.Doubt
	}
	switch {
	case it.Catalogue == CatalogueSKB2022 && act < SKB2022From:
		return fmt.Sprintf("the act of %s lies before %s, the first day of catalogue %s", act, SKB2022From, it.Catalogue), it.Doubt
	case it.Catalogue == CatalogueSKB2020 && act >= SKB2022From:
		return fmt.Sprintf("the act of %s lies on or after %s, when catalogue %s took the place of %s", act, SKB2022From, CatalogueSKB2022, it.Catalogue), it.Doubt
	case known && it.When == BeforeDetermination && act >= contest.Determination:
		return fmt.Sprintf("the item is of prospective candidates; the act of %s lies on or after %s, when candidates of %s were determined", act, contest.Determination, contest.ID), doubt
	case known && it.When == SinceDetermination && act < contest.Determination:
		return fmt.Sprintf("the item is of candidates; the act of %s lies before %s, when candidates of %s were determined", act, contest.Determination, contest.ID), doubt
	default:
		return "", ""
	}
}
