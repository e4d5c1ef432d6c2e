package projections

import (
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// WorkFilter narrows a work list. It is applied to what each respondent's part of
// a case owes, before what is alike is merged; zero fields ask for nothing.
type WorkFilter struct {
	// State is one state; "": every one that the list holds.
	State ledger.ObligationState
	// OwedBy is who has to act: an agency or one of ledger.Parties. Authority is an
	// appointing authority by its key.
	OwedBy, Authority string
	// Code is a deadline's, or ledger.NextStep; Awaits a milestone that would end it.
	Code   string
	Awaits ledger.Milestone
	Regime string
	Doubt  ledger.Doubt
	// Duties leaves out what may be done and need not.
	Duties bool
	// DueFrom and DueTo are the first and the last due day; Undated asks for what
	// has none.
	DueFrom, DueTo ledger.Date
	Undated        bool
	// MinAge is the least, MaxAge the greatest number of days since the period
	// began; MaxAge 0: no bound, and with MinAge 0 none at all.
	MinAge, MaxAge int
}

// pending reports whether the list holds nothing but what is pending.
func (q *WorkQuery) pending() bool {
	if q.Filter.State != "" {
		return q.Filter.State.Pending()
	}
	return !q.All
}

// wants reports whether an obligation belongs on the list.
func (q *WorkQuery) wants(o *ledger.Obligation) bool {
	if q.Filter.State == "" && !q.All && !o.State.Pending() {
		return false
	}
	return (q.Agency == "" || o.Concerns(q.Agency)) && q.Filter.wants(o, q.AsOf)
}

func (f *WorkFilter) wants(o *ledger.Obligation, asOf time.Time) bool {
	is := func(asked, has string) bool { return asked == "" || asked == has }
	return is(string(f.State), string(o.State)) && is(f.OwedBy, o.OwedBy) && is(f.Authority, o.Authority) &&
		is(f.Code, o.Code) && is(f.Regime, o.Regime) && is(string(f.Doubt), string(o.Doubt)) &&
		(f.Awaits == "" || slices.Contains(o.To, f.Awaits)) && (!f.Duties || !o.Right) && f.due(o) && f.age(o, asOf)
}

func (f *WorkFilter) due(o *ledger.Obligation) bool {
	switch {
	case f.Undated:
		return o.Due == ""
	case f.DueFrom == "" && f.DueTo == "":
		return true
	default:
		return o.Due != "" && o.Due >= f.DueFrom && (f.DueTo == "" || o.Due <= f.DueTo)
	}
}

func (f *WorkFilter) age(o *ledger.Obligation, asOf time.Time) bool {
	if f.MinAge == 0 && f.MaxAge == 0 {
		return true
	}
	days, ok := Age(o, asOf)
	return ok && days >= f.MinAge && (f.MaxAge == 0 || days <= f.MaxAge)
}

// Age counts the days since an obligation's period began to the day of a moment;
// ok is false where nothing says when it began.
func Age(o *ledger.Obligation, asOf time.Time) (days int, ok bool) {
	if o.Since.IsZero() {
		return 0, false
	}
	return max(0, ledger.DaysBetween(ledger.DayOf(o.Since), ledger.DayOf(asOf))), true
}
