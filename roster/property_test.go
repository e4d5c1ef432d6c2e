package roster_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

var agencies = []ledger.AgencyID{ledger.Bawaslu, ledger.KASN, ledger.BKN, ledger.Vault, "kpu"}

func pick[T any](t *rapid.T, what string, from ...T) T { return rapid.SampledFrom(from).Draw(t, what) }

func drawDay(t *rapid.T, what string) ledger.Date {
	return pick(t, what, ledger.Date(""), "2020-01-01", "2020-01-02", "2021-06-01", "2024-09-04")
}

func drawKey(t *rapid.T) ledger.NamedKey {
	id := ledger.KeyID(fmt.Sprintf("%s/%s", pick(t, "of", agencies...), pick(t, "name", "root", "root-b", "1", "2", "3")))
	return ledger.NamedKey{ID: id, Public: named(ledger.KeyID(pick(t, "public", string(id), string(id), "bkn/1"))).Public}
}

func drawEvent(t *rapid.T) ledger.Event {
	source := pick(t, "source", agencies...)
	key := drawKey(t)
	mandate := pick(t, "mandate", ledger.MandateControl, ledger.MandateClarification, ledger.MandateLate)
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0:
		return event(source, &ledger.InstitutionAdded{ID: "kpu", Kind: pick(t, "kind", ledger.KindInstitution, ledger.KindService), Root: key})
	case 1, 2:
		return event(key.ID.Agency(), &ledger.KeyAdded{Agency: key.ID.Agency(), Key: key, Role: pick(t, "role", ledger.RoleEvent, ledger.RoleRoot)})
	case 3:
		return event(pick(t, "by", source, key.ID.Agency()), &ledger.KeyRevoked{Agency: key.ID.Agency(), Key: key.ID})
	case 4:
		g := grant(source, mandate, drawDay(t, "from"), drawDay(t, "until"))
		if mandate == ledger.MandateLate {
			g.Happened = &ledger.Days{From: drawDay(t, "happened from"), Until: drawDay(t, "happened until")}
		}
		return event(source, &ledger.MandateGranted{Grant: g})
	case 5:
		return event(source, &ledger.MandateEnded{Agency: source, Mandate: mandate, Until: pick[ledger.Date](t, "ended", "2020-01-02", "2024-09-04", "2030-01-01")})
	case 6:
		return event(source, &ledger.Regime{ID: pick(t, "regime", "a", "b", "c"), From: drawDay(t, "from"), Until: drawDay(t, "until")})
	default:
		return event(source, &ledger.Contest{ID: pick(t, "contest", "a", "b"), Voting: "2020-12-09", Determination: "2020-09-23"})
	}
}

// snapshot writes all that a roster tells.
func snapshot(t rapid.TB, r *roster.Roster) string {
	t.Helper()
	data, err := json.Marshal([]any{r.Genesis(), r.Institutions(), r.Keys(), r.Grants(), r.Contests(), r.Regimes(), r.Holidays()}, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRosterStaysSound grows a tree of rosters from what Check admits: each is
// for ever what it was, has at most one root an institution and enough roots to
// change roots, and no key twice.
func TestRosterStaysSound(t *testing.T) {
	first := start(t)
	rapid.Check(t, func(t *rapid.T) {
		type kept struct {
			r    *roster.Roster
			p    ledger.Position
			text string
		}
		tree := []kept{{first, 1, snapshot(t, first)}}
		for range rapid.IntRange(1, 40).Draw(t, "tries") {
			from := tree[rapid.IntRange(max(0, len(tree)-3), len(tree)-1).Draw(t, "from")]
			e := drawEvent(t)
			if bad := from.r.Check(e); bad != nil {
				if _, known := ledger.ReasonOf(bad.Code); !known || len(bad.Pointers) != 1 || ledger.SafePointer(bad.Pointers[0]) != bad.Pointers[0] {
					t.Errorf("%s is refused with %v", e.Kind, bad)
				}
				continue
			}
			next, err := from.r.Apply(from.p+1, e)
			if err != nil {
				t.Fatalf("%s was admitted: %v", e.Kind, err)
			}
			checkSound(t, next)
			tree = append(tree, kept{next, from.p + 1, snapshot(t, next)})
		}
		for _, k := range tree {
			if now := snapshot(t, k.r); now != k.text {
				t.Fatalf("a roster was %s\nand is now %s", k.text, now)
			}
		}
	})
}

func checkSound(t *rapid.T, r *roster.Roster) {
	roots := map[ledger.AgencyID]int{}
	publics := map[ledger.PublicKey]bool{}
	for _, k := range r.Keys() {
		if publics[k.Public] || k.ID.Agency() != k.Agency || k.Revoked != 0 && k.Revoked <= k.Added {
			t.Errorf("key %+v", k)
		}
		publics[k.Public] = true
		if k.Role == ledger.RoleRoot && k.Revoked == 0 {
			roots[k.Agency]++
		}
	}
	votes := 0
	known := map[ledger.AgencyID]bool{}
	for _, i := range r.Institutions() {
		known[i.ID] = true
		if roots[i.ID] > 1 {
			t.Errorf("%s has %d roots", i.ID, roots[i.ID])
		}
		if i.Kind == ledger.KindInstitution {
			votes += roots[i.ID]
		}
	}
	if votes < r.Genesis().Threshold {
		t.Errorf("%d roots are left, %d are needed", votes, r.Genesis().Threshold)
	}
	for _, g := range r.Grants() {
		if !known[g.Agency] {
			t.Errorf("a grant of %s, which is not on the roster", g.Agency)
		}
	}
}

// TestAuthorizeIsTheTextOfP4: held when it happened and when it was recorded, or
// late recording for what is too old or no longer held.
func TestAuthorizeIsTheTextOfP4(t *testing.T) {
	first := start(t)
	holds := func(g ledger.Grant, at time.Time) bool {
		day := ledger.Date(at.In(ledger.Jakarta).Format(time.DateOnly))
		return (g.From == "" || day >= g.From) && (g.Until == "" || day < g.Until)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := first
		for p := range rapid.IntRange(0, 10).Draw(t, "events") {
			if e := drawEvent(t); r.Check(e) == nil {
				r, _ = r.Apply(ledger.Position(p+2), e)
			}
		}
		agency := pick(t, "agency", agencies...)
		mandate := pick(t, "asked", ledger.MandateControl, ledger.MandateClarification)
		happened := ledger.Date("2019-12-30").Start().Add(time.Duration(rapid.IntRange(0, 2000*24).Draw(t, "hours")) * time.Hour)
		recorded := happened.Add(time.Duration(rapid.IntRange(0, 60*24).Draw(t, "delay")) * time.Hour)
		var then, now, late bool
		for _, g := range r.Grants() {
			if g.Agency != agency {
				continue
			}
			if g.Mandate == mandate {
				then, now = then || holds(g, happened), now || holds(g, recorded)
			}
			if g.Mandate == ledger.MandateLate && holds(g, recorded) {
				late = late || g.Happened == nil || holds(ledger.Grant{From: g.Happened.From, Until: g.Happened.Until}, happened)
			}
		}
		old := recorded.Sub(happened) > 30*24*time.Hour
		got, bad := r.Authorize(agency, mandate, happened, recorded)
		if want := then && (now && !old || late); want != (bad == nil) {
			t.Fatalf("%s %s happened %v recorded %v: %v, want admitted %v", agency, mandate, happened, recorded, bad, want)
		}
		if bad == nil && got.Late == (now && !old) {
			t.Errorf("late %v, held then %v and now %v, old %v", got.Late, then, now, old)
		}
	})
}

// TestApplyOfWhatIsNotTheRosters: other events and unknown kinds change nothing.
func TestApplyOfWhatIsNotTheRosters(t *testing.T) {
	r := start(t)
	unknown := event(ledger.BKN, &ledger.Regime{ID: "x"})
	unknown.Version = 2
	undecoded := event(ledger.BKN, &ledger.Regime{ID: "x"})
	undecoded.Payload = nil
	for _, e := range []ledger.Event{unknown, undecoded, event(ledger.BKN, &ledger.FiguresPublished{}), event(ledger.BKN, &ledger.CaseOpened{})} {
		next, err := r.Apply(2, e)
		if err != nil || next != r {
			t.Errorf("%s.v%d: %v", e.Kind, e.Version, err)
		}
	}
}

// TestApplyOfABrokenLedger: what Check would never have let in is no roster.
func TestApplyOfABrokenLedger(t *testing.T) {
	r := peopled(t)
	for name, e := range map[string]ledger.Event{
		"a key again":             with(addKey("bkn/1", ledger.RoleEvent), named("bkn/fresh").Public),
		"a public key again":      with(addKey("bkn/2", ledger.RoleEvent), named("bawaslu/1").Public),
		"no public key":           with(addKey("bkn/2", ledger.RoleEvent), "x"),
		"another's key":           event(ledger.BKN, &ledger.KeyAdded{Agency: ledger.BKN, Key: named("kasn/7"), Role: ledger.RoleEvent}),
		"an unknown key revoked":  revokeKey(ledger.BKN, "bkn/9"),
		"a revoked key revoked":   revokeKey(ledger.Bawaslu, "bawaslu/3"),
		"a newcomer without root": event(ledger.BKN, &ledger.InstitutionAdded{ID: "kpu"}),
	} {
		before := snapshot(t, r)
		next, err := r.Apply(30, e)
		if err == nil || next != nil || !strings.Contains(err.Error(), "position 30") {
			t.Errorf("%s: %v, %v", name, next, err)
		}
		if snapshot(t, r) != before {
			t.Errorf("%s changed the roster", name)
		}
	}
}

// TestPublishedAgain: contests and holidays are replaced by what comes later.
func TestPublishedAgain(t *testing.T) {
	r := apply(t, start(t), 2,
		event(ledger.Bawaslu, &ledger.Contest{ID: "b", Voting: "2020-12-09", Determination: "2020-09-23"}),
		event(ledger.Bawaslu, &ledger.Contest{ID: "a", Voting: "2024-11-27", Determination: "2024-09-22"}),
		event(ledger.Bawaslu, &ledger.Contest{ID: "b", Voting: "2020-12-09", Determination: "2020-09-24"}),
		event(ledger.BKN, &ledger.Holidays{Year: 2024, Days: []ledger.Date{"2024-01-01"}}),
		event(ledger.BKN, &ledger.Holidays{Year: 2020, Days: []ledger.Date{"2020-01-01"}}),
		event(ledger.BKN, &ledger.Holidays{Year: 2024, Days: []ledger.Date{"2024-02-08"}}),
	)
	contests, holidays := r.Contests(), r.Holidays()
	if len(contests) != 2 || contests[0].ID != "a" || contests[1].Determination != "2020-09-24" {
		t.Errorf("contests %+v", contests)
	}
	if len(holidays) != 2 || holidays[0].Year != 2020 || !slices.Equal(holidays[1].Days, []ledger.Date{"2024-02-08"}) {
		t.Errorf("holidays %+v", holidays)
	}
}

// TestExamplesAreNotRepeated: a refusal says nothing of what was sent.
func TestExamplesAreNotRepeated(t *testing.T) {
	const marker = "budicontoh"
	r := start(t)
	refused := 0
	for _, k := range ledger.Kinds {
		names, err := filepath.Glob(filepath.Join("..", "schemas", "examples", strings.TrimPrefix(k.Schema(), "urn:berkas:schema:"), "accepted-*.json"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no examples of %s", k.Kind)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, agency := range []string{"bawaslu", "kasn", "bkn", "kemendagri", "kemenpanrb", "kpu"} {
				data = bytes.ReplaceAll(data, []byte(`"`+agency), []byte(`"`+marker))
			}
			p, err := ledger.DecodePayload(k.Kind, 1, data)
			if err != nil {
				t.Fatal(err)
			}
			e := ledger.Event{Kind: k.Kind, Version: 1, Source: ledger.BKN, Subject: "x", Payload: p}
			_, unsigned := r.Signers(e, signatures(marker+"/1"))
			for _, bad := range []*ledger.Refusal{r.Check(e), r.CheckNames(e), unsigned} {
				if bad == nil {
					continue
				}
				refused++
				if text := bad.Error() + bad.Detail + strings.Join(bad.Pointers, ""); strings.Contains(text, marker) {
					t.Errorf("%s: %s", k.Kind, text)
				}
			}
		}
	}
	if refused < 50 {
		t.Errorf("only %d refusals", refused)
	}
}

// FuzzStart reads any genesis data, signed as it should be.
func FuzzStart(f *testing.F) {
	for _, change := range []func(g *ledger.Genesis){
		func(*ledger.Genesis) {},
		func(g *ledger.Genesis) { g.Threshold, g.Mandates = 9, nil },
		func(g *ledger.Genesis) { g.Receipt = g.Log },
		func(g *ledger.Genesis) { g.Institutions[0].Root.ID = "" },
		func(g *ledger.Genesis) { g.Mandates[3].Happened = nil },
	} {
		g := genesis(f)
		change(&g)
		data, err := json.Marshal(g)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{}`))
	at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := ledger.Event{
			ID: "01759a2b-7c00-7000-8000-000000000001", Source: ledger.Registrar, Kind: ledger.GenesisKind, Version: 1,
			Subject: "genesis", Time: at, Ledger: origin, Data: data,
		}.Encode()
		if err != nil {
			return
		}
		r, err := roster.Start(sign(ledger.Record{Position: 1, Recorded: at, Subject: ledger.SubjectRoster, Body: body}, "registrar/1"))
		if (err == nil) != (r != nil) {
			t.Fatalf("starts %v with %v", r != nil, err)
		}
		if err != nil {
			return
		}
		r.RegimeAt(at) // whatever starts can be asked
		for _, i := range r.Institutions() {
			if !i.ID.Valid() {
				t.Errorf("institution %q", i.ID)
			}
			_, _ = r.Authorize(i.ID, "", at, at)
		}
	})
}
