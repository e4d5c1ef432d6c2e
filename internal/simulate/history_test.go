package simulate

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/seal"
)

func collect(t *testing.T, c Config) []Step {
	t.Helper()
	var out []Step
	for s, err := range Pilkada2020(c) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	c := Config{Origin: origin, Seed: 5}
	one, two := collect(t, c), collect(t, c)
	c.Seed = 6
	other := collect(t, c)
	if len(one) != len(two) {
		t.Fatalf("%d and %d steps", len(one), len(two))
	}
	same := 0
	for i := range one {
		if !bytes.Equal(one[i].Body, two[i].Body) {
			t.Fatalf("step %d differs", i)
		}
		if i < len(other) && bytes.Equal(one[i].Body, other[i].Body) {
			same++
		}
	}
	if same > 0 {
		t.Errorf("another seed gives %d of %d events alike", same, len(one))
	}
}

// What happened did so in office hours of Jakarta and is told in order; ids are
// used once.
func isInOrder(t *testing.T, h told) {
	ids := map[string]bool{}
	roster := 0
	var last time.Time
	for _, s := range h.steps {
		if ids[s.ID] {
			t.Errorf("id %s is used twice", s.ID)
		}
		ids[s.ID] = true
		info, _ := ledger.LookupKind(s.Kind, 1)
		if info.Stream == ledger.StreamRoster {
			roster++
			continue
		}
		if s.Time.Before(last) {
			t.Errorf("%s at %v is told after %v", s.Kind, s.Time, last)
		}
		last = s.Time
		here := s.Time.In(ledger.Jakarta)
		if info.Stream == ledger.StreamCase && (!working(here) || here.Hour() < 8 || here.Hour() > 17) {
			t.Errorf("%s at %v", s.Kind, here)
		}
	}
	for i := range roster {
		if info, _ := ledger.LookupKind(h.steps[i].Kind, 1); info.Stream != ledger.StreamRoster {
			t.Errorf("step %d is %s; roster events come first", i, h.steps[i].Kind)
		}
	}
	if last.After(time.Date(2021, 8, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the history goes on until %v", last)
	}
	if len(h.figures) != 4 || roster != len(Regimes())+len(Holidays())+1 {
		t.Errorf("%d tables and %d roster events", len(h.figures), roster)
	}
}

// The dates that are invented keep to those that are known.
func isPlausible(t *testing.T, h told) {
	kinds := map[ledger.Kind]int{}
	offices := map[string]int{}
	disputes, mixed, doubled := 0, 0, map[string]map[string]bool{}
	for id, events := range h.cases {
		c := ledger.Fold(events)
		outcomes := map[ledger.Stage]bool{}
		for _, r := range c.Respondents {
			outcomes[r.Stage] = true
			offices[r.Institution.Office]++
			if r.Decision != nil {
				disputes += len(r.Decision.Disputed)
			}
			if r.Recommendation != nil {
				key := r.Recommendation.Key()
				if doubled[key] == nil {
					doubled[key] = map[string]bool{}
				}
				doubled[key][id] = true
			}
		}
		if len(outcomes) > 1 {
			mixed++
		}
		for _, e := range events {
			kinds[e.Kind]++
			if p, ok := e.Payload.(*ledger.DecisionRecorded); ok && p.Decree.Date.Start().After(e.Time) {
				t.Errorf("decree of %s recorded %v", p.Decree.Date, e.Time)
			}
			if e.Kind == ledger.PPKAdmonishedKind {
				if d := dateOf(e.Time); d != "2020-10-27" && d != "2020-10-05" {
					t.Errorf("admonished on %s", d)
				}
			}
		}
	}
	for _, k := range []ledger.Kind{
		ledger.CaseOpenedKind, ledger.CompletenessCheckedKind, ledger.CaseRegisteredKind, ledger.CaseNotRegisteredKind,
		ledger.CaseWithdrawnKind, ledger.CaseAssessedKind, ledger.CaseForwardedKind, ledger.CaseReceivedKind,
		ledger.CaseClarifiedKind, ledger.CaseRecommendedKind, ledger.ExaminationBegunKind, ledger.DecisionRecordedKind,
		ledger.ControlWarnedKind, ledger.ControlReprimandedKind, ledger.ControlBlockedKind, ledger.ControlUnblockedKind,
		ledger.PPKAdmonishedKind, ledger.LeftServiceKind, ledger.CaseCancelledKind,
	} {
		if kinds[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
	two := 0
	for _, cases := range doubled {
		if len(cases) > 1 {
			two++
		}
	}
	if disputes == 0 || mixed < 20 || two != doubleLetter || len(offices) < 14 {
		t.Errorf("%d disputes, %d cases with several outcomes, %d letters about two cases, %d offices", disputes, mixed, two, len(offices))
	}
	t.Logf("%d events in %d cases: %v", len(h.steps), len(h.cases), kinds)
}

// Identities are sealed each in its own place, nothing of them stands in clear,
// and keys are asked for once, for exactly those who are sealed.
func TestIdentitiesAreSealed(t *testing.T) {
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[Holder]int{}
	var places []seal.Place
	h := take(t, Pilkada2020(Config{
		Origin: origin, Seed: 1,
		Holders: func(all []Holder) error {
			for _, x := range all {
				asked[x]++
			}
			return nil
		},
		Seal: func(at seal.Place, holder string, text []byte) (string, error) {
			if asked[Holder{at.Case, holder}] != 1 {
				t.Errorf("no key was asked for %s", holder)
			}
			asked[Holder{at.Case, holder}]++
			places = append(places, at)
			var person struct{ Name, NIP string }
			if err := json.Unmarshal(text, &person); err != nil || !strings.HasPrefix(person.Name, "Contoh ") {
				t.Errorf("sealed %q, %v", text, err)
			}
			return seal.Seal(key, at, text)
		},
	}))
	for x, n := range asked {
		if n != 2 {
			t.Errorf("a key was asked for %v, and %d values were sealed under it", x, n-1)
		}
	}
	sealed := 0
	for _, s := range h.steps {
		if bytes.Contains(s.Body, []byte("Contoh")) {
			t.Errorf("a name stands in clear: %s", s.Body)
		}
		sealed += bytes.Count(s.Body, []byte(`"eyJ`))
	}
	if sealed != len(places) || sealed < 1005 {
		t.Errorf("%d sealed values, %d made", sealed, len(places))
	}
}

func TestStepsAreSigned(t *testing.T) {
	signers := map[ledger.AgencyID]agencies.Signer{}
	for _, a := range Agencies {
		s, err := agencies.GenerateSigner(ledger.KeyID(a)+"/2026a", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signers[a] = s
	}
	used := map[ledger.AgencyID]bool{}
	for _, s := range collect(t, Config{Origin: origin, Signers: signers, Seed: 1}) {
		public, err := signers[s.Submission.Agency].Public().Public.Key()
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Submission.Signatures) != 1 || !s.Submission.Signatures[0].Fits(public, s.Body) {
			t.Fatalf("%s is not signed by %s", s.Kind, s.Submission.Agency)
		}
		used[s.Submission.Agency] = true
	}
	if len(used) != len(Agencies) {
		t.Errorf("events of %v only", used)
	}
	delete(signers, ledger.BKN)
	var err error
	for _, err = range Pilkada2020(Config{Origin: origin, Signers: signers, Seed: 1}) {
		if err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "no signer for bkn") {
		t.Errorf("without a signer: %v", err)
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{
		1: "Satu", 10: "Sepuluh", 11: "Sebelas", 15: "Lima Belas", 20: "Dua Puluh", 99: "Sembilan Puluh Sembilan",
		100: "Seratus", 117: "Seratus Tujuh Belas", 200: "Dua Ratus", 1000: "Seribu", 1342: "Seribu Tiga Ratus Empat Puluh Dua",
		2020: "Dua Ribu Dua Puluh", 99_999: "Sembilan Puluh Sembilan Ribu Sembilan Ratus Sembilan Puluh Sembilan",
	} {
		if got := words(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestRegions(t *testing.T) {
	a := newAtlas()
	if len(a.provinces) != 32 || len(a.regencies)+len(a.cities) < 400 {
		t.Errorf("%d provinces, %d regencies, %d cities", len(a.provinces), len(a.regencies), len(a.cities))
	}
	for _, r := range slices.Concat(a.provinces, a.regencies, a.cities) {
		if !slices.Contains(ledger.Offices, r.office) || strings.HasPrefix(r.code, "93") {
			t.Errorf("region %+v", r)
		}
	}
}
