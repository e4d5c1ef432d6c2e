package web

import (
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// How far respondents came, and how long each step took.

// funnelMeasures are the way from a case to a sanction.
var funnelMeasures = []ledger.Measure{ledger.Opened, ledger.Registered, ledger.Violation, ledger.Recommended, ledger.FollowedUp, ledger.Sanctioned}

// funnelStep is one bar of the funnel.
type funnelStep struct {
	Measure ledger.MeasureInfo
	Value   uint64
	Href    string
	Share   string // of the first, in per cent, for the bar
	Percent uint64 // the same, rounded down, in words
}

func (q *question) funnel(all []projections.Answer) []funnelStep {
	var most uint64 = 1
	for _, m := range funnelMeasures {
		most = max(most, all[m].Value)
	}
	first := max(1, all[funnelMeasures[0]].Value)
	var out []funnelStep
	for _, m := range funnelMeasures {
		n := all[m].Value
		out = append(out, funnelStep{
			Measure: ledger.MeasureTable[m], Value: n, Href: q.list(m.String()),
			Share: percent(float64(n), float64(most)), Percent: n * 100 / first,
		})
	}
	return out
}

// asideMeasures are where those are who did not come so far. They do not add up:
// one may be in several.
var asideMeasures = []ledger.Measure{
	ledger.WaitingVerification, ledger.NotRegistered, ledger.NotViolation, ledger.InProcess, ledger.NotProven, ledger.Incomplete,
	ledger.NotFollowedUp, ledger.DecidedNotProven, ledger.Cancelled, ledger.LeftServiceMeasure,
}

func (q *question) aside(all []projections.Answer) []figureLine {
	var out []figureLine
	for _, m := range asideMeasures {
		if n := all[m].Value; n > 0 {
			out = append(out, figureLine{Measure: ledger.MeasureTable[m], Value: n, Href: q.list(m.String())})
		}
	}
	return out
}

// percent writes a part of a whole for an attribute of SVG.
func percent(part, whole float64) string {
	return strconv.FormatFloat(part*100/whole, 'f', 2, 64) + "%"
}

// stages are the steps whose time is told.
var stages = []struct {
	Name text
	Step projections.Step
}{
	{text{"Dibuka → diregistrasi", "Opened → registered"}, projections.Step{From: ledger.MilestoneOpened, To: ledger.MilestoneRegistered}},
	{text{"Dibuka → diverifikasi (sistem berbagi)", "Opened → verified (shared system)"}, projections.Step{From: ledger.MilestoneReported, To: ledger.MilestoneVerified}},
	{text{"Diregistrasi → dikaji", "Registered → assessed"}, projections.Step{From: ledger.MilestoneRegistered, To: ledger.MilestoneAssessed}},
	{text{"Diteruskan → diterima", "Forwarded → received"}, projections.Step{From: ledger.MilestoneForwarded, To: ledger.MilestoneReceived}},
	{text{"Diterima → direkomendasikan", "Received → recommended"}, projections.Step{From: ledger.MilestoneReceived, To: ledger.MilestoneRecommended}},
	{text{"Rekomendasi dikirim → diputus PPK", "Recommendation sent → decided by the authority"}, projections.Step{From: ledger.MilestoneSent, To: ledger.MilestoneDecided}},
	{text{"Diputus → diserahkan kepada yang bersangkutan", "Decided → delivered to the respondent"}, projections.Step{From: ledger.MilestoneDecided, To: ledger.MilestoneDelivered}},
}

func stageSteps() []projections.Step {
	var out []projections.Step
	for _, s := range stages {
		out = append(out, s.Step)
	}
	return out
}

// stageTime is how long one step took. Who still waits is heeded: the days are
// those of Kaplan and Meier.
type stageTime struct {
	Name       text
	Done, Open uint64
	Quarter    rates.Quantile
	Median     rates.Quantile
	Most       rates.Quantile // three quarters
	// From, Length and Middle place the bar, in per cent of the longest.
	From, Length, Middle string
	Beyond               bool // three quarters are not reached: the bar goes on
}

func stageTimes(groups [][]projections.Duration) []stageTime {
	var out []stageTime
	longest := 1
	for i, group := range groups {
		t := stageTime{Name: stages[i].Name}
		if len(group) > 0 {
			w := rates.Waits{Done: group[0].Done, Open: group[0].Open}
			t.Done, t.Open = w.Len()
			curve := rates.KaplanMeier(w)
			t.Quarter, t.Median, t.Most = curve.Quantile(.25, .95), curve.Quantile(.5, .95), curve.Quantile(.75, .95)
		}
		for _, k := range []rates.Quantile{t.Quarter, t.Median, t.Most} {
			if k.Known {
				longest = max(longest, k.Days)
			}
		}
		if t.Done+t.Open > 0 {
			out = append(out, t)
		}
	}
	for i := range out {
		t := &out[i]
		if !t.Quarter.Known {
			continue
		}
		most := longest
		if t.Beyond = !t.Most.Known; !t.Beyond {
			most = t.Most.Days
		}
		t.From, t.Length = percent(float64(t.Quarter.Days), float64(longest)), percent(float64(max(most-t.Quarter.Days, 0)), float64(longest))
		if t.Median.Known {
			t.Middle = percent(float64(t.Median.Days), float64(longest))
		}
	}
	return out
}
