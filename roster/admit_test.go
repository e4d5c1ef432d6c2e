package roster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

func split(list string) []string { return strings.Fields(list) }

func about(e ledger.Event, subject string) ledger.Event {
	e.Subject = subject
	return e
}

func from(e ledger.Event, source ledger.AgencyID) ledger.Event {
	e.Source = source
	return e
}

// with puts another public key under a new key's id.
func with(e ledger.Event, public ledger.PublicKey) ledger.Event {
	e.Payload.(*ledger.KeyAdded).Key.Public = public
	return e
}

var newcomer = &ledger.InstitutionAdded{ID: "kpu", Kind: ledger.KindInstitution, Root: named("kpu/root")}

// granted is a mandate for BKN, changed.
func granted(change func(g *ledger.Grant)) ledger.Event {
	g := grant(ledger.BKN, ledger.MandateAppeals, "2021-08-10", "")
	change(&g)
	return event(ledger.BKN, &ledger.MandateGranted{Grant: g})
}

func asIs(*ledger.Grant) {}

// deadline is a regime with one, changed.
func deadline(change func(d *ledger.Deadline)) ledger.Event {
	d := ledger.Deadline{
		Code: "decision", From: ledger.MilestoneSent, To: []ledger.Milestone{ledger.MilestoneDecided}, OwedBy: ledger.OwedByAuthority,
		WatchedBy: ledger.BKN, Length: &ledger.Length{Days: 3},
	}
	change(&d)
	return event(ledger.BKN, &ledger.Regime{ID: "new", Deadlines: []ledger.Deadline{d}})
}

func asItIs(*ledger.Deadline) {}

func ended(a ledger.AgencyID, m ledger.Mandate, until ledger.Date) ledger.Event {
	return event(ledger.BKN, &ledger.MandateEnded{Agency: a, Mandate: m, Until: until})
}

// conflicts are judged against the peopled roster, on which a regime "old" is
// published. Without a code an event is admitted.
var conflicts = []struct {
	name string
	e    ledger.Event
	code ledger.Code
	at   string
}{
	{"a newcomer", event(ledger.BKN, newcomer), "", ""},
	{"a newcomer under another subject", about(event(ledger.BKN, newcomer), "bkn"), ledger.CodeSubject, "/subject"},
	{"an institution again", event(ledger.BKN, &ledger.InstitutionAdded{ID: ledger.KASN, Root: named("kasn/root-x")}), ledger.CodeRosterConflict, "/data/id"},
	{"the registrar", event(ledger.BKN, &ledger.InstitutionAdded{ID: ledger.Registrar, Root: named("registrar/root")}), ledger.CodeRosterConflict, "/data/id"},
	{"a newcomer with another's root", event(ledger.BKN, &ledger.InstitutionAdded{ID: "kpu", Root: named("bkn/x")}), ledger.CodeRosterConflict, "/data/root/id"},
	{"a newcomer with a used key", event(ledger.BKN, &ledger.InstitutionAdded{ID: "kpu", Root: ledger.NamedKey{ID: "kpu/root", Public: named("bkn/1").Public}}), ledger.CodeRosterConflict, "/data/root/public"},

	{"a key", addKey("bkn/2", ledger.RoleEvent), "", ""},
	{"a key of another", from(addKey("bkn/2", ledger.RoleEvent), ledger.KASN), ledger.CodeRosterConflict, "/data/agency"},
	{"a key of a stranger", addKey("kpu/1", ledger.RoleEvent), ledger.CodeInstitutionUnknown, "/data/agency"},
	{"a root of a stranger", addKey("kpu/root", ledger.RoleRoot), ledger.CodeInstitutionUnknown, "/data/agency"},
	{"a key of the registrar", addKey("registrar/2", ledger.RoleEvent), ledger.CodeInstitutionUnknown, "/data/agency"},
	{"a key under another's name", event(ledger.BKN, &ledger.KeyAdded{Agency: ledger.BKN, Key: named("kasn/2"), Role: ledger.RoleEvent}), ledger.CodeRosterConflict, "/data/key/id"},
	{"a key under another subject", about(addKey("bkn/2", ledger.RoleEvent), "kasn"), ledger.CodeSubject, "/subject"},
	{"a key id again", with(addKey("bkn/1", ledger.RoleEvent), named("bkn/fresh").Public), ledger.CodeRosterConflict, "/data/key/id"},
	{"a revoked key's id again", with(addKey("bawaslu/3", ledger.RoleEvent), named("bawaslu/fresh").Public), ledger.CodeRosterConflict, "/data/key/id"},
	{"a public key again", with(addKey("bkn/2", ledger.RoleEvent), named("bkn/1").Public), ledger.CodeRosterConflict, "/data/key/public"},
	{"a revoked public key again", with(addKey("bawaslu/4", ledger.RoleEvent), named("bawaslu/3").Public), ledger.CodeRosterConflict, "/data/key/public"},
	{"the registrar's public key", with(addKey("bkn/2", ledger.RoleEvent), named("registrar/1").Public), ledger.CodeRosterConflict, "/data/key/public"},
	{"a root as an event key", with(addKey("bkn/2", ledger.RoleEvent), named("bkn/root").Public), ledger.CodeRosterConflict, "/data/key/public"},
	{"a second root", addKey("bkn/root-b", ledger.RoleRoot), ledger.CodeRosterConflict, "/data/role"},

	{"a key revoked", revokeKey(ledger.BKN, "bkn/1"), "", ""},
	{"a key revoked by another", revokeKey(ledger.KASN, "bkn/1"), ledger.CodeRosterConflict, "/data/agency"},
	{"a key revoked again", revokeKey(ledger.Bawaslu, "bawaslu/3"), ledger.CodeRosterConflict, "/data/key"},
	{"an unknown key revoked", revokeKey(ledger.BKN, "bkn/9"), ledger.CodeRosterConflict, "/data/key"},
	{"a key revoked in another's name", event(ledger.BKN, &ledger.KeyRevoked{Agency: ledger.BKN, Key: "kasn/1"}), ledger.CodeRosterConflict, "/data/key"},
	{"a key revoked under another subject", about(revokeKey(ledger.BKN, "bkn/1"), "kasn"), ledger.CodeSubject, "/subject"},
	{"another's root revoked", revokeKey(ledger.BKN, "kemendagri/root"), "", ""},
	{"the registrar's key revoked", revokeKey(ledger.BKN, "registrar/1"), ledger.CodeRosterConflict, "/data/agency"},

	{"a mandate", granted(asIs), "", ""},
	{"a mandate of a stranger", granted(func(g *ledger.Grant) { g.Agency = "kpu" }), ledger.CodeInstitutionUnknown, "/data/grant/agency"},
	{"a mandate of the registrar", granted(func(g *ledger.Grant) { g.Agency = ledger.Registrar }), ledger.CodeInstitutionUnknown, "/data/grant/agency"},
	{"a mandate after a stranger", granted(func(g *ledger.Grant) { g.Predecessor = "kpu" }), ledger.CodeInstitutionUnknown, "/data/grant/predecessor"},
	{"a mandate of no day", granted(func(g *ledger.Grant) { g.Until = g.From }), ledger.CodeRosterConflict, "/data/grant/until"},
	{"a mandate of one day", granted(func(g *ledger.Grant) { g.Until = "2021-08-11" }), "", ""},
	{"late recording of no day", granted(func(g *ledger.Grant) { g.Happened = &ledger.Days{From: "2020-01-02", Until: "2020-01-01"} }), ledger.CodeRosterConflict, "/data/grant/happened/until"},
	{"a mandate under another subject", about(granted(asIs), "kasn"), ledger.CodeSubject, "/subject"},

	{"a mandate's end", ended(ledger.BKN, ledger.MandateControl, "2027-01-01"), "", ""},
	{"a mandate's end in the past", ended(ledger.BKN, ledger.MandateControl, "2020-01-02"), "", ""},
	{"an end on the day it began", ended(ledger.BKN, ledger.MandateControl, "2020-01-01"), ledger.CodeRosterConflict, "/data/mandate"},
	{"an end of what ends earlier", ended(ledger.KASN, ledger.MandateClarification, "2024-09-05"), ledger.CodeRosterConflict, "/data/mandate"},
	{"an earlier end", ended(ledger.KASN, ledger.MandateClarification, "2024-08-24"), "", ""},
	{"an end of what is not held", ended(ledger.BKN, ledger.MandateIntake, "2027-01-01"), ledger.CodeRosterConflict, "/data/mandate"},
	{"an end of a stranger's", ended("kpu", ledger.MandateIntake, "2027-01-01"), ledger.CodeRosterConflict, "/data/mandate"},
	{"an end under another subject", about(ended(ledger.BKN, ledger.MandateControl, "2027-01-01"), "kasn"), ledger.CodeSubject, "/subject"},

	{"a regime", event(ledger.BKN, &ledger.Regime{ID: "new", From: "2023-01-10"}), "", ""},
	{"a regime again", event(ledger.BKN, &ledger.Regime{ID: "old", From: "2023-01-10"}), ledger.CodeRosterConflict, "/data/id"},
	{"a regime of no day", event(ledger.BKN, &ledger.Regime{ID: "new", From: "2023-01-10", Until: "2023-01-10"}), ledger.CodeRosterConflict, "/data/until"},
	{"a regime under another subject", about(event(ledger.BKN, &ledger.Regime{ID: "new"}), "old"), ledger.CodeSubject, "/subject"},
	{"a regime with deadlines", deadline(asItIs), "", ""},
	{"a deadline of a stranger", deadline(func(d *ledger.Deadline) { d.OwedBy = "kpu" }), ledger.CodeInstitutionUnknown, "/data/deadlines"},
	{"a deadline watched by a stranger", deadline(func(d *ledger.Deadline) { d.WatchedBy = "kpu" }), ledger.CodeInstitutionUnknown, "/data/deadlines"},
	{"a period of no time", deadline(func(d *ledger.Deadline) { d.To = append(d.To, d.From) }), ledger.CodeRosterConflict, "/data/deadlines/0/to"},
	{"a deadline under the code of none", deadline(func(d *ledger.Deadline) { d.Code = ledger.NextStep }), ledger.CodeRosterConflict, "/data/deadlines/0/code"},
	{"an extended time that is shorter", deadline(func(d *ledger.Deadline) { d.AtMost = &ledger.Length{Days: 3} }), ledger.CodeRosterConflict, "/data/deadlines/0/at_most"},
	{"an extended time of no length", deadline(func(d *ledger.Deadline) { d.Length, d.AtMost = nil, &ledger.Length{Days: 9} }), ledger.CodeRosterConflict, "/data/deadlines/0/at_most"},
	{"a contest", event(ledger.Bawaslu, &ledger.Contest{ID: "pilkada-2020", Voting: "2020-12-09", Determination: "2020-09-23"}), "", ""},
	{"a contest decided before its candidates", event(ledger.Bawaslu, &ledger.Contest{ID: "x", Voting: "2020-09-22", Determination: "2020-09-23"}), ledger.CodeRosterConflict, "/data/determination"},
	{"a contest under another subject", about(event(ledger.Bawaslu, &ledger.Contest{ID: "x"}), "y"), ledger.CodeSubject, "/subject"},
	{"holidays", event(ledger.BKN, &ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-01-01", "2020-12-31"}}), "", ""},
	{"holidays of another year", event(ledger.BKN, &ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-01-01", "2021-01-01"}}), ledger.CodeRosterConflict, "/data/days/1"},
	{"holidays under another subject", about(event(ledger.BKN, &ledger.Holidays{Year: 2020}), "holidays-2021"), ledger.CodeSubject, "/subject"},
	{"what is not the roster's", event(ledger.BKN, &ledger.FiguresPublished{Table: "bkn20", Publisher: ledger.BKN}), "", ""},
}

func TestConflicts(t *testing.T) {
	for _, tt := range conflicts {
		r := apply(t, peopled(t), 20, event(ledger.BKN, &ledger.Regime{ID: "old"}))
		bad := r.Check(tt.e)
		if tt.code != "" {
			wantRefusal(t, tt.name, bad, tt.code, tt.at)
		} else if bad != nil {
			t.Errorf("%s: %v", tt.name, bad)
		}
	}
}

// TestRootsThatAreNeeded: enough roots stay to change roots; the last may not
// be revoked, but a service's may.
func TestRootsThatAreNeeded(t *testing.T) {
	r := apply(t, start(t), 2, revokeKey(ledger.BKN, "kasn/root"), revokeKey(ledger.BKN, "kemendagri/root"))
	wantRefusal(t, "the last root but one", r.Check(revokeKey(ledger.BKN, "bawaslu/root")), ledger.CodeRosterConflict, "/data/key")
	if bad := r.Check(revokeKey(ledger.BKN, "vault/root")); bad != nil {
		t.Errorf("a service's root: %v", bad)
	}
	r = apply(t, r, 4, addKey("kasn/root-b", ledger.RoleRoot))
	if bad := r.Check(revokeKey(ledger.BKN, "bawaslu/root")); bad != nil {
		t.Errorf("a root when there are enough others: %v", bad)
	}
}

// TestNamesInEvents: agencies and contests that events name.
// correction makes an event void or says something else instead.
func correction(t *testing.T, kind ledger.Kind, instead string) any {
	t.Helper()
	data := fmt.Sprintf(`{"event":"x","kind":%q,"version":1,"action":"void","reason":"wrong-data"}`, kind)
	if instead != "" {
		data = fmt.Sprintf(`{"event":"x","kind":%q,"version":1,"action":"replace","reason":"wrong-data","data":%s}`, kind, instead)
	}
	p, err := ledger.DecodePayload(ledger.EventCorrectedKind, 1, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNamesInEvents(t *testing.T) {
	r := apply(t, start(t), 2, event(ledger.Bawaslu, &ledger.Contest{ID: "pilkada-2020", Voting: "2020-12-09", Determination: "2020-09-23"}))
	figures := func(change func(p *ledger.FiguresPublished)) any {
		p := &ledger.FiguresPublished{Table: "bkn20", Publisher: ledger.BKN, Figures: []ledger.FigureV1{
			{Measure: "opened", SeenBy: ledger.KASN}, {Measure: "sanctioned+not_followed_up"},
		}}
		change(p)
		return p
	}
	for _, tt := range []struct {
		name    string
		payload any
		code    ledger.Code
		at      string
	}{
		{"a published contest", &ledger.CaseOpened{Contest: "pilkada-2020"}, "", ""},
		{"an unpublished contest", &ledger.CaseOpened{Contest: "pilkada-2024"}, ledger.CodeReferenceUnknown, "/data/contest"},
		{"forwarded", &ledger.CaseForwarded{To: ledger.KASN, Copies: []ledger.AgencyID{ledger.BKN}}, "", ""},
		{"forwarded to a stranger", &ledger.CaseForwarded{To: "kpu"}, ledger.CodeInstitutionUnknown, "/data/to"},
		{"forwarded to the registrar", &ledger.CaseForwarded{To: ledger.Registrar}, ledger.CodeInstitutionUnknown, "/data/to"},
		{"a copy to a stranger", &ledger.CaseForwarded{To: ledger.KASN, Copies: []ledger.AgencyID{ledger.BKN, "kpu"}}, ledger.CodeInstitutionUnknown, "/data/copies"},
		{"received", &ledger.CaseReceived{From: ledger.Bawaslu}, "", ""},
		{"received from a stranger", &ledger.CaseReceived{From: "kpu"}, ledger.CodeInstitutionUnknown, "/data/from"},
		{"recommended", &ledger.CaseRecommended{}, "", ""},
		{"recommended with a copy to a stranger", &ledger.CaseRecommended{Copies: []ledger.AgencyID{"kpu"}}, ledger.CodeInstitutionUnknown, "/data/copies"},
		{"verified", &ledger.VerificationConcluded{Members: []ledger.AgencyID{ledger.BKN}}, "", ""},
		{"verified by a stranger", &ledger.VerificationConcluded{Members: []ledger.AgencyID{"kpu"}}, ledger.CodeInstitutionUnknown, "/data/members"},
		{"admonished", &ledger.PPKAdmonished{Recommendation: ledger.RecommendationRef{Agency: ledger.KASN}}, "", ""},
		{"admonished about a stranger's letter", &ledger.PPKAdmonished{Recommendation: ledger.RecommendationRef{Agency: "kpu"}}, ledger.CodeInstitutionUnknown, "/data/recommendation/agency"},
		{"unsealed", &ledger.Unsealed{Agency: ledger.BKN}, "", ""},
		{"unsealed for a stranger", &ledger.Unsealed{Agency: "kpu"}, ledger.CodeInstitutionUnknown, "/data/agency"},
		{"erased for a stranger", &ledger.PersonalDataErased{Agency: "kpu"}, ledger.CodeInstitutionUnknown, "/data/agency"},
		{"returned to a stranger", &ledger.CaseReturned{To: "kpu"}, ledger.CodeInstitutionUnknown, "/data/to"},
		{"sanctioned about a stranger's letter", &ledger.PPKSanctioned{Recommendation: ledger.RecommendationRef{Agency: "kpu"}}, ledger.CodeInstitutionUnknown, "/data/recommendation/agency"},
		{"corrected: void", correction(t, ledger.CaseForwardedKind, ""), "", ""},
		{"corrected to one who takes part", correction(t, ledger.CaseReceivedKind, `{"from":"kasn"}`), "", ""},
		{"corrected to a stranger", correction(t, ledger.CaseReceivedKind, `{"from":"kpu"}`), ledger.CodeInstitutionUnknown, "/data/data/from"},
		{"corrected to an unpublished contest", correction(t, ledger.CaseOpenedKind, `{"contest":"pilkada-2024"}`), ledger.CodeReferenceUnknown, "/data/data/contest"},
		{"a kind that names nobody", &ledger.CaseRegistered{}, "", ""},
		{"an unknown kind", nil, "", ""},
		{"figures", figures(func(*ledger.FiguresPublished) {}), "", ""},
		{"figures of another", figures(func(p *ledger.FiguresPublished) { p.Publisher = ledger.KASN }), ledger.CodeWrongSource, "/data/publisher"},
		{"figures as a stranger saw them", figures(func(p *ledger.FiguresPublished) { p.Figures[0].SeenBy = "kpu" }), ledger.CodeInstitutionUnknown, "/data/figures/0/seen_by"},
		{"a sum of one measure twice", figures(func(p *ledger.FiguresPublished) { p.Figures[1].Measure = "opened+opened" }), ledger.CodeSchema, "/data/figures/1/measure"},
	} {
		bad := r.CheckNames(event(ledger.BKN, tt.payload))
		if tt.code != "" {
			wantRefusal(t, tt.name, bad, tt.code, tt.at)
		} else if bad != nil {
			t.Errorf("%s: %v", tt.name, bad)
		}
	}
	e := event(ledger.BKN, figures(func(*ledger.FiguresPublished) {}))
	wantRefusal(t, "figures under another subject", r.CheckNames(about(e, "x")), ledger.CodeSubject, "/subject")
}
