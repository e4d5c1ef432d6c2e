package simulate

import (
	"iter"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/berkas-ledger/berkas/ledger"
)

// Walk is one case told from its report to its end, for people to look at.
type Walk struct {
	Title string
	Case  string // its id
	story *story
}

// Walks gives one case of each flow: the one that ended with KASN, the one after
// it, and one that was in flight when KASN ended. All of them are invented.
func Walks(seed uint64) []Walk {
	d := newDraw(seed, 23)
	list := []Walk{
		{Title: "through KASN (2023): a block, a decision, an objection and an appeal", story: underKASN()},
		{Title: "after KASN (2024): the task force verifies, a wrong record is corrected", story: afterKASN()},
		{Title: "in flight at the end of KASN (2024): handed over to KemenPAN-RB", story: handedOver()},
	}
	for i := range list {
		s := list[i].story
		list[i].Case = d.id(s.acts[0].at)
		s.id, s.opened = list[i].Case, s.acts[0].at
	}
	return list
}

// Steps yields the events of walks: first the contests they belong to.
func Steps(c Config, walks []Walk) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		ids := newDraw(c.Seed, 29)
		h := new(historian)
		events := walkContests()
		for _, w := range walks {
			for _, a := range w.story.acts {
				events = append(events, event{a, w.Case, w.story})
			}
		}
		for _, e := range events {
			s, err := h.step(&c, ids, e, 0)
			if err == nil && e.told != nil {
				e.told(s.ID)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// walkContests are the elections of 2024. Determination of the presidential
// pairs: 13 November 2023, unsure; of the candidates of the regional elections:
// 22 September 2024.
func walkContests() []event {
	say := func(on ledger.Date, p ledger.Contest) event {
		return event{act: act{at: day(on).Add(9 * time.Hour), by: ledger.Bawaslu, kind: ledger.ContestPublishedKind, payload: func() any { return p }}, subject: p.ID}
	}
	return []event{
		say("2023-11-14", ledger.Contest{ID: "pemilu-2024", Kind: "pemilu", Voting: "2024-02-14", Determination: "2023-11-13", Doubt: ledger.DoubtUnsure}),
		say("2024-09-23", ledger.Contest{ID: "pilkada-2024", Kind: "pilkada", Voting: "2024-11-27", Determination: "2024-09-22", Doubt: ledger.DoubtNone}),
	}
}

// diary tells a story day by day, each event an hour after the one before.
type diary struct {
	*story
	authority ledger.Authority
}

func newDiary(contest, channel string, act ledger.Act, at ledger.Institution, items ...string) *diary {
	p := &person{id: "r1", number: 90000, at: at}
	s := &story{group: &group{}, people: []*person{p}}
	s.opening = ledger.CaseOpened{
		Channel: channel, Origin: ledger.OriginReport, Contest: contest, Act: act, Catalogue: ledger.CatalogueSKB2022, Items: items,
		Respondents: []ledger.NewRespondent{{ID: p.id, Employment: "pns", Class: "jpt-pratama", Institution: at}},
	}
	return &diary{s, authority(at)}
}

func (d *diary) on(date ledger.Date, by ledger.AgencyID, kind ledger.Kind, payload any) *act {
	at := day(date).Add(9 * time.Hour)
	if n := len(d.acts); n > 0 && !d.acts[n-1].at.Before(at) {
		at = d.acts[n-1].at.Add(time.Hour)
	}
	d.acts = append(d.acts, act{at: at, by: by, kind: kind, payload: func() any { return payload }})
	return &d.acts[len(d.acts)-1]
}

func letterOf(number string, date ledger.Date) ledger.Letter {
	return ledger.Letter{Number: number, Date: date}
}

// atBawaslu is the part of a case until Bawaslu forwards it to KASN.
func (d *diary) atBawaslu(opened, checked, registered, assessed, forwarded ledger.Date, number string) {
	d.on(opened, ledger.Bawaslu, ledger.CaseOpenedKind, d.opening)
	d.on(checked, ledger.Bawaslu, ledger.CompletenessCheckedKind, ledger.CompletenessChecked{Result: "complete"})
	d.on(registered, ledger.Bawaslu, ledger.CaseRegisteredKind, ledger.CaseRegistered{Register: "CONTOH/" + number})
	d.on(assessed, ledger.Bawaslu, ledger.CaseAssessedKind, d.violation())
	d.on(forwarded, ledger.Bawaslu, ledger.CaseForwardedKind, ledger.CaseForwarded{
		To: ledger.KASN, Letter: letterOf("CONTOH-"+number+"/BAWASLU", forwarded), Copies: []ledger.AgencyID{ledger.BKN},
	})
}

func (d *diary) violation() ledger.CaseAssessed {
	return ledger.CaseAssessed{Catalogue: ledger.CatalogueSKB2022, Respondents: []ledger.AssessedRespondent{
		{ID: "r1", Outcome: ledger.OutcomeViolation, Items: d.opening.Items},
	}}
}

func (d *diary) recommended(by ledger.AgencyID, on ledger.Date, number string) ledger.CaseRecommended {
	copies := []ledger.AgencyID{ledger.BKN, ledger.Kemendagri}
	if by == ledger.BKN {
		copies = []ledger.AgencyID{ledger.KemenPANRB}
	}
	return ledger.CaseRecommended{
		Letter: letterOf(number, on), Sent: on, Authority: d.authority, Copies: copies,
		Respondents: []ledger.RecommendedRespondent{{ID: "r1", Family: "discipline", Sanction: "medium"}},
	}
}

func imposed(decree ledger.Letter, kind string) ledger.DecisionRecorded {
	return ledger.DecisionRecorded{Decree: decree, Respondents: []ledger.DecidedRespondent{
		{ID: "r1", Outcome: ledger.OutcomeSanctioned, Family: "discipline", Level: "medium", Kind: kind},
	}}
}

// replacing is a correction of an event that says something else instead.
func replacing(event string, kind ledger.Kind, payload any) any {
	data, err := json.Marshal(payload, json.Deterministic(true))
	if err != nil {
		return err // which is no payload: writing the event fails
	}
	return ledger.EventCorrected{Event: event, Kind: kind, Version: 1, Action: ledger.ActionReplace, Reason: "wrong-data", Data: data}
}

// underKASN: the regent does not act, so BKN climbs its ladder and Kemendagri
// admonishes; a decree lifts the block; the respondent objects and appeals.
func underKASN() *story {
	d := newDiary("pemilu-2024", ledger.ChannelOffice, ledger.Act{Date: "2023-11-21", Region: "73.06"},
		ledger.Institution{Kind: "regency", Region: "73.06", Office: "IV"}, "discipline-2")
	d.reporter = 90001
	d.atBawaslu("2023-11-24", "2023-11-27", "2023-11-28", "2023-12-05", "2023-12-06", "9001/2023")
	d.on("2023-12-11", ledger.KASN, ledger.CaseReceivedKind, ledger.CaseReceived{From: ledger.Bawaslu})
	d.on("2024-01-09", ledger.KASN, ledger.CaseClarifiedKind, ledger.CaseClarified{Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeProven}}})
	letter := d.recommended(ledger.KASN, "2024-01-16", "CONTOH-9001/KASN/2024")
	d.on("2024-01-16", ledger.KASN, ledger.CaseRecommendedKind, letter)
	d.on("2024-01-30", ledger.BKN, ledger.ExaminationBegunKind, ledger.ExaminationBegun{})
	for _, step := range []struct {
		on   ledger.Date
		kind ledger.Kind
	}{{"2024-02-12", ledger.ControlWarnedKind}, {"2024-03-04", ledger.ControlReprimandedKind}, {"2024-04-01", ledger.ControlBlockedKind}} {
		d.on(step.on, ledger.BKN, step.kind, ledger.ControlStep{Letter: letterOf("CONTOH-"+string(step.on)+"/BKN", step.on)})
	}
	d.on("2024-04-03", ledger.Kemendagri, ledger.PPKAdmonishedKind, ledger.PPKAdmonished{
		Letter: letterOf("CONTOH-901/KEMENDAGRI/2024", "2024-04-03"), Authority: d.authority,
		Recommendation: ledger.RecommendationRef{Agency: ledger.KASN, Number: letter.Letter.Number},
	})
	decree := letterOf("CONTOH-800/9001/2024", "2024-04-22")
	d.on("2024-04-24", ledger.BKN, ledger.DecisionRecordedKind, imposed(decree, "allowance-cut-9m"))
	d.on("2024-04-25", ledger.BKN, ledger.ControlUnblockedKind, ledger.ControlStep{Letter: letterOf("CONTOH-9004/BKN/2024", "2024-04-25")})
	d.on("2024-04-29", ledger.BKN, ledger.DecisionDeliveredKind, ledger.DecisionDelivered{Decree: decree})
	d.on("2024-05-08", ledger.BKN, ledger.RemedyFiledKind, ledger.RemedyFiled{Remedy: ledger.RemedyObjection, Decree: decree})
	d.on("2024-05-27", ledger.BKN, ledger.RemedyDecidedKind, ledger.RemedyDecided{
		Remedy: ledger.RemedyObjection, Decree: decree, Ruling: letterOf("CONTOH-800/9002/2024", "2024-05-24"),
		Respondents: []ledger.RemediedRespondent{{ID: "r1", Outcome: ledger.OutcomeLightened, Family: "discipline", Level: "medium", Kind: "allowance-cut-6m"}},
	})
	d.on("2024-06-10", ledger.KemenPANRB, ledger.RemedyFiledKind, ledger.RemedyFiled{Remedy: ledger.RemedyBPASN, Decree: decree})
	d.on("2024-08-26", ledger.KemenPANRB, ledger.RemedyDecidedKind, ledger.RemedyDecided{
		Remedy: ledger.RemedyBPASN, Decree: decree, Ruling: letterOf("CONTOH-9001/BPASN/2024", "2024-08-23"),
		Respondents: []ledger.RemediedRespondent{{ID: "r1", Outcome: ledger.OutcomeUpheld}},
	})
	return d.story
}

// afterKASN: a report in the shared system, verified by the task force, assessed
// by Bawaslu, sent to the appointing authority by BKN; the decree was first
// recorded with a wrong kind of sanction.
func afterKASN() *story {
	d := newDiary("pilkada-2024", ledger.ChannelSharedSystem, ledger.Act{Date: "2024-10-02", Region: "73.71"},
		ledger.Institution{Kind: "city", Region: "73.71", Office: "IV"}, "discipline-5")
	d.reporter = 90002
	d.on("2024-10-04", ledger.BKN, ledger.CaseOpenedKind, d.opening)
	d.on("2024-10-10", ledger.BKN, ledger.VerificationConcludedKind, ledger.VerificationConcluded{
		Result: ledger.OutcomeAccepted, Members: []ledger.AgencyID{ledger.Bawaslu, ledger.BKN, ledger.KemenPANRB},
	})
	d.on("2024-10-15", ledger.Bawaslu, ledger.CaseAssessedKind, d.violation())
	d.on("2024-10-21", ledger.BKN, ledger.CaseRecommendedKind, d.recommended(ledger.BKN, "2024-10-21", "CONTOH-9101/BKN/2024"))
	d.on("2024-10-29", ledger.BKN, ledger.ExaminationBegunKind, ledger.ExaminationBegun{})
	decree := letterOf("CONTOH-800/9101/2024", "2024-11-06")
	var wrong string
	d.on("2024-11-08", ledger.BKN, ledger.DecisionRecordedKind, imposed(decree, "allowance-cut-12m")).told = func(id string) { wrong = id }
	d.on("2024-11-11", ledger.BKN, ledger.EventCorrectedKind, nil).payload = func() any { return replacing(wrong, ledger.DecisionRecordedKind, imposed(decree, "allowance-cut-6m")) }
	d.on("2024-11-13", ledger.BKN, ledger.DecisionDeliveredKind, ledger.DecisionDelivered{Decree: decree})
	d.on("2024-11-20", ledger.BKN, ledger.DecisionReviewedKind, ledger.DecisionReviewed{Decree: decree, Result: "conforming"})
	d.on("2024-11-27", ledger.BKN, ledger.RemedyFiledKind, ledger.RemedyFiled{Remedy: ledger.RemedyObjection, Decree: decree})
	d.on("2024-12-16", ledger.BKN, ledger.RemedyDecidedKind, ledger.RemedyDecided{
		Remedy: ledger.RemedyObjection, Decree: decree, Ruling: letterOf("CONTOH-800/9102/2024", "2024-12-13"),
		Respondents: []ledger.RemediedRespondent{{ID: "r1", Outcome: ledger.OutcomeUpheld}},
	})
	return d.story
}

// handedOver: KASN had clarified when it ended, so KemenPAN-RB goes on.
func handedOver() *story {
	d := newDiary("pemilu-2024", ledger.ChannelOffice, ledger.Act{Date: "2024-02-08", Region: "33.74"},
		ledger.Institution{Kind: "city", Region: "33.74", Office: "I"}, "discipline-2")
	d.atBawaslu("2024-02-12", "2024-02-13", "2024-02-15", "2024-02-22", "2024-02-23", "9201/2024")
	d.on("2024-03-01", ledger.KASN, ledger.CaseReceivedKind, ledger.CaseReceived{From: ledger.Bawaslu})
	d.on("2024-08-05", ledger.KASN, ledger.CaseClarifiedKind, ledger.CaseClarified{Respondents: []ledger.ClarifiedRespondent{{ID: "r1", Outcome: ledger.OutcomeProven}}})
	d.on("2024-09-10", ledger.KemenPANRB, ledger.CaseReceivedKind, ledger.CaseReceived{From: ledger.KASN})
	d.on("2024-09-24", ledger.KemenPANRB, ledger.CaseRecommendedKind, d.recommended(ledger.KemenPANRB, "2024-09-24", "CONTOH-9201/PANRB/2024"))
	decree := letterOf("CONTOH-800/9201/2024", "2024-10-08")
	d.on("2024-10-10", ledger.BKN, ledger.DecisionRecordedKind, imposed(decree, "allowance-cut-6m"))
	d.on("2024-10-14", ledger.BKN, ledger.DecisionDeliveredKind, ledger.DecisionDelivered{Decree: decree})
	return d.story
}
