package simulate

import (
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Regimes are the rules of procedure as the sources give them, with the doubt
// where they are silent or disagree. What changes a deadline begins another
// regime, so each lists all deadlines of its time.
// Sources: UU 7/2017 Ps 454; UU 1/2015 Ps 134; PP 79/2021; PP 94/2021 Ps 37(3);
// PerBKN 6/2022 Ps 50(1); PerBKN 1/2023; SE MenPANRB 4/2024; letters of Kemendagri
// of 27 October 2020.
func Regimes() []ledger.Regime {
	practice := []ledger.Deadline{completeness}
	practice = append(practice, handling...)
	practice = append(practice, recommendation, decision2020, admonition)
	objections := append(practice[:len(practice):len(practice)], remedies...)
	decrees := append(objections[:len(objections):len(objections)], delivery)
	later := []ledger.Deadline{completeness}
	later = append(later, handling...)
	later = append(later, recommendation, decision2023, decisionAnew, admonition, delivery)
	later = append(later, remedies...)
	taskForce := append(later[:len(later):len(later)], verification...)
	return []ledger.Regime{
		{
			ID: "practice-2020", Until: "2021-08-10", Basis: "PP 53/2010; PP 42/2004; by practice", Doubt: ledger.DoubtConflict,
			FindingsSkipVerification: true, Deadlines: practice,
		},
		{
			ID: "pp-79-2021", From: "2021-08-10", Until: "2021-08-31", Basis: "PP 53/2010; PP 79/2021; by practice", Doubt: ledger.DoubtConflict,
			FindingsSkipVerification: true, Deadlines: objections,
		},
		{
			ID: "pp-94-2021", From: "2021-08-31", Until: "2023-01-10", Basis: "PP 94/2021; PP 79/2021; by practice", Doubt: ledger.DoubtConflict,
			FindingsSkipVerification: true, Deadlines: decrees,
		},
		{
			ID: "perbkn-1-2023", From: "2023-01-10", Until: "2024-09-04", Basis: "PerBKN 1/2023", Doubt: ledger.DoubtConflict,
			ReprimandBeforeBlock: true, FindingsSkipVerification: true, Deadlines: later,
		},
		{
			ID: "se-menpanrb-4-2024", From: "2024-09-04", Basis: "PerBKN 1/2023; SE MenPANRB 4/2024", Doubt: ledger.DoubtConflict,
			ReprimandBeforeBlock: true, FindingsSkipVerification: true, Deadlines: taskForce,
		},
	}
}

// unsourced stands where nothing firm was found.
const unsourced = "no basis sourced"

func calendarDays(n int) *ledger.Length { return &ledger.Length{Days: n} }
func workingDays(n int) *ledger.Length  { return &ledger.Length{Days: n, Working: true} }

var (
	completeness = ledger.Deadline{
		Code: "completeness", From: ledger.MilestoneOpened, To: []ledger.Milestone{ledger.MilestoneChecked, ledger.MilestoneRegistered, ledger.MilestoneVerified},
		OwedBy: string(ledger.Bawaslu), Length: calendarDays(2), Basis: unsourced, Doubt: ledger.DoubtUnsure,
	}
	// handling: seven working days and, where more has to be heard, fourteen in
	// all; in regional elections three days and two more.
	handling = []ledger.Deadline{
		{
			Code: "handling", From: ledger.MilestoneRegistered, To: []ledger.Milestone{ledger.MilestoneAssessed}, OwedBy: string(ledger.Bawaslu),
			Contest: "pemilu", Length: workingDays(7), AtMost: workingDays(14), Basis: "UU 7/2017 Ps 454", Doubt: ledger.DoubtNone,
		},
		{
			Code: "handling", From: ledger.MilestoneRegistered, To: []ledger.Milestone{ledger.MilestoneAssessed}, OwedBy: string(ledger.Bawaslu),
			Contest: "pilkada", Length: calendarDays(3), AtMost: calendarDays(5), Basis: "UU 1/2015 Ps 134", Doubt: ledger.DoubtNone,
		},
	}
	// verification: seven days, of which nobody says whether they are working days.
	// The regime takes calendar days, which end first.
	verification = []ledger.Deadline{
		{
			Code: "verification", From: ledger.MilestoneReported, To: []ledger.Milestone{ledger.MilestoneVerified}, OwedBy: ledger.OwedByTaskForce,
			WatchedBy: ledger.BKN, Length: calendarDays(7), Basis: unsourced, Doubt: ledger.DoubtUnsure,
		},
		{
			Code: "validation", From: ledger.MilestoneVerified, To: []ledger.Milestone{ledger.MilestoneAssessed}, OwedBy: string(ledger.Bawaslu),
			Length: workingDays(3), Basis: unsourced, Doubt: ledger.DoubtNone,
		},
	}
	recommendation = ledger.Deadline{
		Code: "recommendation", From: ledger.MilestoneReceived, To: []ledger.Milestone{ledger.MilestoneRecommended}, OwedBy: ledger.OwedByHolder,
		Basis: unsourced, Doubt: ledger.DoubtUnsure,
	}
	decision2020 = ledger.Deadline{
		Code: "decision", From: ledger.MilestoneSent, To: []ledger.Milestone{ledger.MilestoneDecided}, OwedBy: ledger.OwedByAuthority,
		WatchedBy: ledger.BKN, Length: calendarDays(10), Basis: unsourced, Doubt: ledger.DoubtConflict,
	}
	decision2023 = ledger.Deadline{
		Code: "decision", From: ledger.MilestoneSent, To: []ledger.Milestone{ledger.MilestoneDecided}, OwedBy: ledger.OwedByAuthority,
		WatchedBy: ledger.BKN, Length: workingDays(14), Basis: unsourced, Doubt: ledger.DoubtConflict,
	}
	decisionAnew = ledger.Deadline{
		Code: "new-decision", From: ledger.MilestoneAnnulled, To: []ledger.Milestone{ledger.MilestoneDecided}, OwedBy: ledger.OwedByAuthority,
		WatchedBy: ledger.BKN, Basis: "Perpres 116/2022", Doubt: ledger.DoubtUnsure,
	}
	admonition = ledger.Deadline{
		Code: "admonition", From: ledger.MilestoneAdmonished, To: []ledger.Milestone{ledger.MilestoneDecided}, OwedBy: ledger.OwedByAuthority,
		WatchedBy: ledger.Kemendagri, Length: calendarDays(3), Basis: "letters of 27 Oct 2020", Doubt: ledger.DoubtNone,
	}
	delivery = ledger.Deadline{
		Code: "delivery", From: ledger.MilestoneDecreed, To: []ledger.Milestone{ledger.MilestoneDelivered}, OwedBy: ledger.OwedByAuthority,
		WatchedBy: ledger.BKN, Length: workingDays(14), InForce: workingDays(15),
		Basis: "PP 94/2021 Ps 37(3); PerBKN 6/2022 Ps 50(1)", Doubt: ledger.DoubtNone,
	}
	// remedies: whether the days of an objection are working days, and whether an
	// appeal runs from the delivery or from the decision, the sources disagree.
	remedies = []ledger.Deadline{
		{
			Code: "objection", From: ledger.MilestonePunished, To: []ledger.Milestone{ledger.MilestoneObjectionFiled, ledger.MilestoneAppealFiled},
			OwedBy: ledger.OwedByRespond, Length: calendarDays(14), Right: true, Basis: "PP 79/2021", Doubt: ledger.DoubtConflict,
		},
		{
			Code: "objection-decision", From: ledger.MilestoneObjectionFiled, To: []ledger.Milestone{ledger.MilestoneObjectionDecided},
			OwedBy: ledger.OwedByAuthority, WatchedBy: ledger.BKN, Length: calendarDays(21), Basis: "PP 79/2021", Doubt: ledger.DoubtConflict,
		},
		{
			Code: "appeal", From: ledger.MilestonePunished, To: []ledger.Milestone{ledger.MilestoneAppealFiled},
			OwedBy: ledger.OwedByRespond, Length: workingDays(14), Right: true, Basis: "PP 79/2021", Doubt: ledger.DoubtConflict,
		},
		{
			Code: "appeal-decision", From: ledger.MilestoneAppealFiled, To: []ledger.Milestone{ledger.MilestoneAppealDecided},
			OwedBy: ledger.OwedByBoard, WatchedBy: ledger.BKN, Length: workingDays(65), Basis: "PP 79/2021", Doubt: ledger.DoubtNone,
		},
	}
)

// Holidays are the holidays that were published for a year, those of joint
// decrees and of elections, with collective leave. Years whose list is not
// sourced as a whole are left out: their deadlines count weekends only and say so.
// Sources: joint decree (SKB) 744/2020, 05/2020, 06/2020 of 1 December 2020, the
// fourth change of that of 2019, as the cabinet secretariat published it, and the
// day of voting, 9 December 2020; joint decree 855/2023, 3/2023, 4/2023 of 12
// September 2023, and the days of voting, 14 February and 27 November 2024.
func Holidays() []ledger.Holidays {
	return []ledger.Holidays{
		{
			Year: 2020, Basis: "SKB 744/2020, 05/2020, 06/2020; day of voting",
			Days: []ledger.Date{
				"2020-01-01", "2020-01-25", "2020-03-22", "2020-03-25", "2020-04-10", "2020-05-01", "2020-05-07", "2020-05-21",
				"2020-05-24", "2020-05-25", "2020-06-01", "2020-07-31", "2020-08-17", "2020-08-20", "2020-08-21",
				"2020-10-28", "2020-10-29", "2020-10-30", "2020-12-09", "2020-12-24", "2020-12-25", "2020-12-31",
			},
		},
		{
			Year: 2024, Basis: "SKB 855/2023, 3/2023, 4/2023; days of voting",
			Days: []ledger.Date{
				"2024-01-01", "2024-02-08", "2024-02-09", "2024-02-10", "2024-02-14", "2024-03-11", "2024-03-12", "2024-03-29", "2024-03-31",
				"2024-04-08", "2024-04-09", "2024-04-10", "2024-04-11", "2024-04-12", "2024-04-15", "2024-05-01", "2024-05-09", "2024-05-10",
				"2024-05-23", "2024-05-24", "2024-06-01", "2024-06-17", "2024-06-18", "2024-07-07", "2024-08-17", "2024-09-16",
				"2024-11-27", "2024-12-25", "2024-12-26",
			},
		},
	}
}

// decreed is when the lists of holidays were decreed.
var decreed = map[int]ledger.Date{2020: "2020-12-01", 2024: "2023-09-12"}

// rules says when regimes and holidays are published: no event of 2020 waits for
// a rule of later years.
func rules() []event {
	say := func(on ledger.Date, kind ledger.Kind, subject string, payload any) event {
		return event{act: act{at: day(on).Add(9 * time.Hour), by: ledger.KemenPANRB, kind: kind, payload: func() any { return payload }}, subject: subject}
	}
	var out []event
	for _, g := range Regimes() {
		on := g.From
		if on == "" {
			on = "2020-01-02"
		}
		out = append(out, say(on, ledger.RegimePublishedKind, g.ID, g))
	}
	for _, h := range Holidays() {
		out = append(out, say(decreed[h.Year], ledger.HolidaysPublishedKind, h.Subject(), h))
	}
	return out
}
