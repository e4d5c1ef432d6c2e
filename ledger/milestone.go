package ledger

import (
	"slices"
	"time"
)

// Milestone names something that a respondent's part of a case reaches, at which
// periods begin and end. Events reach them; the latest time counts.
type Milestone string

// Milestones of version 1 of regimes.
const (
	MilestoneOpened           Milestone = "opened"   // case.opened
	MilestoneReported         Milestone = "reported" // the same, through the shared system
	MilestoneChecked          Milestone = "checked"  // case.completeness-checked
	MilestoneRegistered       Milestone = "registered"
	MilestoneVerified         Milestone = "verified"
	MilestoneAssessed         Milestone = "assessed"
	MilestoneForwarded        Milestone = "forwarded"
	MilestoneReceived         Milestone = "received"
	MilestoneReturned         Milestone = "returned"
	MilestoneRecommended      Milestone = "recommended"
	MilestoneSent             Milestone = "sent" // the day on which the recommendation was sent
	MilestoneAdmonished       Milestone = "admonished"
	MilestoneDecided          Milestone = "decided"            // decision.recorded, by whoever recorded the decree first
	MilestoneDecreed          Milestone = "decreed"            // the day of the decree
	MilestoneDelivered        Milestone = "delivered"          // decision.delivered
	MilestonePunished         Milestone = "sanction-delivered" // the same, of a decree that sanctions
	MilestoneAnnulled         Milestone = "annulled"           // decision.annulled; what the decree reached is not reached any more
	MilestoneObjectionFiled   Milestone = "objection-filed"
	MilestoneObjectionDecided Milestone = "objection-decided"
	MilestoneAppealFiled      Milestone = "appeal-filed" // to the board, BPASN
	MilestoneAppealDecided    Milestone = "appeal-decided"
	MilestoneReopened         Milestone = "reopened"
	MilestoneEnded            Milestone = "ended" // the respondent's part came to one of its ends
	// MilestoneProcessed: anybody's part of the case was clarified or recommended
	// upon. The mandates of a supervisor's successors ask it.
	MilestoneProcessed Milestone = "processed"
)

// MilestoneCount is how many milestones there are.
const MilestoneCount = 24

// Milestones lists them in the order of the procedure.
var Milestones = []Milestone{
	MilestoneOpened, MilestoneReported, MilestoneChecked, MilestoneRegistered, MilestoneVerified, MilestoneAssessed,
	MilestoneForwarded, MilestoneReceived, MilestoneReturned, MilestoneRecommended, MilestoneSent, MilestoneAdmonished,
	MilestoneDecided, MilestoneDecreed, MilestoneDelivered, MilestonePunished, MilestoneAnnulled,
	MilestoneObjectionFiled, MilestoneObjectionDecided, MilestoneAppealFiled, MilestoneAppealDecided,
	MilestoneReopened, MilestoneEnded, MilestoneProcessed,
}

var milestoneIndex = func() map[Milestone]int {
	m := make(map[Milestone]int, len(Milestones))
	for i, name := range Milestones {
		m[name] = i
	}
	return m
}()

// Reached holds when each of Milestones was reached last; zero if it was not. It
// is shared by rows and never changed.
type Reached [MilestoneCount]time.Time

// At gives when a milestone was reached, the zero time if it was not or there is
// no such milestone. It may be asked of nil.
func (r *Reached) At(m Milestone) time.Time {
	i, ok := milestoneIndex[m]
	if r == nil || !ok {
		return time.Time{}
	}
	return r[i]
}

func (r *Reached) same(o *Reached) bool {
	if r == o {
		return true
	}
	if r == nil || o == nil {
		return false
	}
	for i := range r {
		if !r[i].Equal(o[i]) {
			return false
		}
	}
	return true
}

// mark is a milestone that an event reaches.
type mark struct {
	milestone Milestone
	at        time.Time
}

// with gives a copy with marks.
func (r *Reached) with(marks ...mark) *Reached {
	var out Reached
	if r != nil {
		out = *r
	}
	for _, m := range marks {
		out[milestoneIndex[m.milestone]] = m.at
	}
	return &out
}

// ofDecree lists what a decree reaches, and loses when it is annulled.
var ofDecree = []Milestone{
	MilestoneDecreed, MilestoneDelivered, MilestonePunished,
	MilestoneObjectionFiled, MilestoneObjectionDecided, MilestoneAppealFiled, MilestoneAppealDecided,
}

// reach notes what an event reaches for each respondent; before and after are the
// case without and with it.
func reach(reached []*Reached, before, after *Case, e CaseEvent) []*Reached {
	if e.Void || e.Payload == nil {
		return reached
	}
	reached = enterReached(reached, before, after, e)
	for _, t := range before.reaching(e) {
		if t.index < 0 {
			continue
		}
		if marks := before.marks(&before.Respondents[t.index], e); len(marks) > 0 {
			reached[t.index] = reached[t.index].with(marks...)
		}
	}
	if e.Kind == CaseClarifiedKind || e.Kind == CaseRecommendedKind {
		for i := range reached {
			reached[i] = reached[i].with(mark{MilestoneProcessed, e.Time})
		}
	}
	for i := range before.Respondents {
		if !before.Respondents[i].Stage.End() && after.Respondents[i].Stage.End() {
			reached[i] = reached[i].with(mark{MilestoneEnded, e.Time})
		}
	}
	return reached
}

// enterReached adds the respondents that an event brings in: who joins later
// stands where another one does.
func enterReached(reached []*Reached, before, after *Case, e CaseEvent) []*Reached {
	for i := len(reached); i < len(after.Respondents); i++ {
		if peer := before.peer(); peer >= 0 {
			reached = append(reached, reached[peer])
			continue
		}
		r := (*Reached)(nil).with(mark{MilestoneOpened, e.Time})
		if after.Channel == ChannelSharedSystem {
			r = r.with(mark{MilestoneReported, e.Time})
		}
		reached = append(reached, r)
	}
	return reached
}

// plainMarks are the milestones of kinds that reach just one, at their time.
var plainMarks = map[Kind]Milestone{
	CompletenessCheckedKind:   MilestoneChecked,
	CaseRegisteredKind:        MilestoneRegistered,
	VerificationConcludedKind: MilestoneVerified,
	CaseAssessedKind:          MilestoneAssessed,
	CaseForwardedKind:         MilestoneForwarded,
	CaseReceivedKind:          MilestoneReceived,
	CaseReturnedKind:          MilestoneReturned,
	PPKAdmonishedKind:         MilestoneAdmonished,
	CaseReopenedKind:          MilestoneReopened,
}

// reachesMore lists the other kinds that reach milestones.
var reachesMore = []Kind{
	CaseRecommendedKind, DecisionRecordedKind, DecisionDeliveredKind, DecisionAnnulledKind, RemedyFiledKind, RemedyDecidedKind,
}

// reaching lists whom an event lets reach something.
func (c *Case) reaching(e CaseEvent) []target {
	if _, plain := plainMarks[e.Kind]; plain || slices.Contains(reachesMore, e.Kind) {
		return c.targets(e.Event)
	}
	return nil
}

// marks says what an event reaches for a respondent, as he stood before it.
func (c *Case) marks(r *Respondent, e CaseEvent) []mark {
	if r.lacks(e.Event) != nil {
		return nil // a decree or letter that is not his
	}
	if m, ok := plainMarks[e.Kind]; ok {
		return []mark{{m, e.Time}}
	}
	switch p := e.Payload.(type) {
	case *CaseRecommended:
		return []mark{{MilestoneRecommended, e.Time}, {MilestoneSent, p.Sent.Start()}}
	case *DecisionRecorded:
		if r.Stage == StageDecided && r.Decision != nil && r.Decision.Decree == p.Decree {
			return nil // another agency's record of the same decree
		}
		return []mark{{MilestoneDecided, e.Time}, {MilestoneDecreed, p.Decree.Date.Start()}}
	case *DecisionDelivered:
		if r.Decision.Outcome != OutcomeSanctioned {
			return []mark{{MilestoneDelivered, e.Time}}
		}
		return []mark{{MilestoneDelivered, e.Time}, {MilestonePunished, e.Time}}
	case *DecisionAnnulled:
		marks := []mark{{MilestoneAnnulled, e.Time}}
		for _, m := range ofDecree {
			marks = append(marks, mark{m, time.Time{}})
		}
		return marks
	case *RemedyFiled:
		return remedyMarks(p.Remedy, e.Time, MilestoneObjectionFiled, MilestoneAppealFiled)
	case *RemedyDecided:
		return remedyMarks(p.Remedy, e.Time, MilestoneObjectionDecided, MilestoneAppealDecided)
	default:
		return nil
	}
}

// remedyMarks: what is before a court has no deadline here.
func remedyMarks(remedy string, at time.Time, objection, appeal Milestone) []mark {
	switch remedy {
	case RemedyObjection:
		return []mark{{objection, at}}
	case RemedyBPASN:
		return []mark{{appeal, at}}
	default:
		return nil
	}
}
