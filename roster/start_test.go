package roster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
)

func TestStart(t *testing.T) {
	r := start(t)
	if r.Genesis().Origin != origin {
		t.Errorf("the ledger is %q", r.Genesis().Origin)
	}
	var ids []string
	for _, i := range r.Institutions() {
		ids = append(ids, string(i.ID)+" "+i.Kind)
		if i.Added != 1 {
			t.Errorf("%s was added at %d", i.ID, i.Added)
		}
	}
	want := []string{"bawaslu institution", "bkn institution", "kasn institution", "kemendagri institution", "vault service"}
	if !slices.Equal(ids, want) {
		t.Errorf("institutions %v, want %v", ids, want)
	}
	if k, ok := r.Key("registrar/1"); !ok || k.Role != ledger.RoleEvent || k.Agency != ledger.Registrar {
		t.Errorf("the registrar's key is %+v", k)
	}
	if k, ok := r.Key("vault/root"); !ok || k.Role != ledger.RoleRoot || k.Added != 1 || k.Revoked != 0 {
		t.Errorf("the vault's root is %+v", k)
	}
	if _, ok := r.Key("bkn/1"); ok {
		t.Error("a key is there that nobody added")
	}
	if len(r.Keys()) != 6 || len(r.Grants()) != 4 || r.Contests() != nil && len(r.Contests()) != 0 || len(r.Regimes()) != 0 || len(r.Holidays()) != 0 {
		t.Errorf("%d keys, %d grants, contests %v, regimes %v, holidays %v", len(r.Keys()), len(r.Grants()), r.Contests(), r.Regimes(), r.Holidays())
	}
}

// TestMalformedGenesis: each change, and a word of the complaint.
func TestMalformedGenesis(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(g *ledger.Genesis)
		want   string
	}{
		{"origin with a scheme", func(g *ledger.Genesis) { g.Origin = "https://x" }, "not an event"},
		{"registrar's key of another", func(g *ledger.Genesis) { g.Registrar = named("bkn/1") }, "registrar: key"},
		{"registrar's key id malformed", func(g *ledger.Genesis) { g.Registrar.ID = "registrar" }, "registrar: key"},
		{"registrar's key no key", func(g *ledger.Genesis) { g.Registrar.Public = "AAAA" }, "32 bytes"},
		{"no key of receipts", func(g *ledger.Genesis) { g.Receipt = "" }, "key of receipts"},
		{"no key of checkpoints", func(g *ledger.Genesis) { g.Log = "x+1+y" }, "key of checkpoints"},
		{"one key for receipts and checkpoints", func(g *ledger.Genesis) { g.Receipt = g.Log }, "one key signs"},
		{"threshold 0", func(g *ledger.Genesis) { g.Threshold = 0 }, "0 of 4 roots"},
		{"threshold below 0", func(g *ledger.Genesis) { g.Threshold = -1 }, "-1 of 4 roots"},
		{"threshold beyond the votes", func(g *ledger.Genesis) { g.Threshold = 5 }, "5 of 4 roots"},
		{"no institutions", func(g *ledger.Genesis) { g.Institutions = nil }, "2 of 0 roots"},
		{"services have no vote", func(g *ledger.Genesis) { g.Institutions[0].Kind, g.Threshold = ledger.KindService, 4 }, "4 of 3 roots"},
		{"an unknown kind of participant", func(g *ledger.Genesis) { g.Institutions[0].Kind = "club" }, "neither"},
		{"an institution twice", func(g *ledger.Genesis) { g.Institutions = append(g.Institutions, g.Institutions[0]) }, "named twice"},
		{"the registrar as an institution", func(g *ledger.Genesis) {
			g.Institutions[0].ID, g.Institutions[0].Root = ledger.Registrar, named("registrar/root")
		}, "not the id"},
		{"an institution without a good id", func(g *ledger.Genesis) { g.Institutions[0].ID = "Bawaslu" }, "not the id"},
		{"root of another institution", func(g *ledger.Genesis) { g.Institutions[0].Root = named("bpk/root") }, "does not belong"},
		{"root that is no key", func(g *ledger.Genesis) { g.Institutions[0].Root.Public = "x" }, "32 bytes"},
		{"two institutions with one key", func(g *ledger.Genesis) { g.Institutions[1].Root.Public = g.Institutions[0].Root.Public }, "used before"},
		{"the registrar's key as a root", func(g *ledger.Genesis) { g.Institutions[1].Root.Public = g.Registrar.Public }, "used before"},
		{"late at once", func(g *ledger.Genesis) { g.LateAfterDays = 0 }, "late after"},
		{"late never", func(g *ledger.Genesis) { g.LateAfterDays = 1 << 40 }, "late after"},
		{"a mandate of a stranger", func(g *ledger.Genesis) { g.Mandates[0].Agency = "bpk" }, "institution-unknown at /data/mandates/0/agency"},
		{"a stranger as predecessor", func(g *ledger.Genesis) { g.Mandates[1].Predecessor = "bpk" }, "/data/mandates/1/predecessor"},
		{"a mandate that ends before it begins", func(g *ledger.Genesis) { g.Mandates[1].Until = "2014-01-15" }, "/data/mandates/1/until"},
		{"late recording of no days", func(g *ledger.Genesis) { g.Mandates[3].Happened.Until = "2018-01-01" }, "/data/mandates/3/happened/until"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := genesis(t)
			tt.change(&g)
			wantNoStart(t, record(t, g), tt.want)
		})
	}
}

func wantNoStart(t *testing.T, r ledger.Record, want string) {
	t.Helper()
	got, err := roster.Start(r)
	if err == nil || got != nil {
		t.Fatalf("starts, want %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestNotGenesis(t *testing.T) {
	good := record(t, genesis(t))
	moved := good
	moved.Position = 2
	wantNoStart(t, moved, "position 1, not 2")

	elsewhere := good
	elsewhere.Subject = ledger.SubjectFigures(ledger.BKN)
	wantNoStart(t, elsewhere, "another subject")

	wantNoStart(t, ledger.Record{Position: 1, Subject: ledger.SubjectRoster, Body: []byte("{}")}, "not an event")
	wantNoStart(t, sign(good), "not signed")
	wantNoStart(t, sign(good, "registrar/2"), "not signed")
	wantNoStart(t, sign(good, "bkn/root"), "not signed")
	wantNoStart(t, sign(good, "registrar/1", "bkn/root"), "not signed")

	forged := good
	forged.Body = []byte(strings.Replace(string(good.Body), `"threshold":2`, `"threshold":1`, 1))
	wantNoStart(t, forged, "not signed")

	byAnother := good
	byAnother.Body = []byte(strings.Replace(string(good.Body), `"/registrar"`, `"/agencies/bkn"`, 1))
	wantNoStart(t, sign(byAnother, "registrar/1"), "not a genesis record")

	ofAnother := good
	ofAnother.Body = []byte(strings.Replace(string(good.Body), `"ledger":"`+origin, `"ledger":"berkas.example/lain`, 1))
	wantNoStart(t, sign(ofAnother, "registrar/1"), "its own ledger")

	for _, kind := range []string{"holidays.published", "case.praised"} {
		other := good
		text := strings.ReplaceAll(string(good.Body), "ledger.genesis", kind)
		text = text[:strings.Index(text, `"data":{`)] + `"data":{"year":2020,"days":[],"basis":"x"}}`
		other.Body = []byte(text)
		wantNoStart(t, sign(other, "registrar/1"), "not a genesis record")
	}
}

// TestLimitsOfGenesis: the numbers that are just allowed.
func TestLimitsOfGenesis(t *testing.T) {
	for _, change := range []func(g *ledger.Genesis){
		func(g *ledger.Genesis) { g.Threshold = 1 },
		func(g *ledger.Genesis) { g.Threshold = 4 },
		func(g *ledger.Genesis) { g.LateAfterDays = 1 },
		func(g *ledger.Genesis) { g.LateAfterDays = 3660 },
		func(g *ledger.Genesis) { g.Mandates = nil },
	} {
		g := genesis(t)
		change(&g)
		if _, err := roster.Start(record(t, g)); err != nil {
			t.Errorf("%d of 4 roots, late after %d days: %v", g.Threshold, g.LateAfterDays, err)
		}
	}
}
