package simulate

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// terrain is where a course takes place: the regions as they were and as they
// are, and how fast each institution works.
type terrain struct {
	then, now atlas
	pace      map[string]float64 // by Institution.Key
}

// newRegions is when the provinces made in 2022 are reckoned with: since then
// Papua's codes are others.
const newRegions ledger.Date = "2023-01-01"

// centrals is how many central institutions there are. Their codes are invented.
const centrals = 40

func newTerrain(seed uint64) terrain {
	t := terrain{pace: map[string]float64{}}
	for _, r := range allRegions(regionTable) {
		t.then.add(r)
	}
	offices := map[string]string{}
	for _, p := range ledger.Provinces() {
		office, _, _ := strings.Cut(p.Office, " or ")
		offices[p.Code] = office
		t.now.add(region{p.Code, p.Name, office})
	}
	for _, r := range ledger.Regencies() {
		t.now.add(region{r.Code, r.Name, offices[r.Code[:2]]})
	}
	for _, a := range []*atlas{&t.then, &t.now} {
		for _, list := range [][]region{a.provinces, a.regencies, a.cities} {
			for _, r := range list {
				t.pace[r.code] = slowness(seed, r.code[:2], 0.3) * slowness(seed, r.code, 0.45)
			}
		}
	}
	for i := range centrals {
		key := "central-" + centralCode(i)
		t.pace[key] = slowness(seed, key, 0.5)
	}
	return t
}

// allRegions reads the table of 2020.
func allRegions(table string) []region {
	var out []region
	for _, line := range strings.Split(table, "\n") {
		if f := strings.Split(line, "\t"); len(f) == 4 && f[0] != "code" {
			out = append(out, region{f[0], f[1], f[2]})
		}
	}
	return out
}

// slowness is invented, and another for every seed: nothing of it says anything
// about the province or institution that bears the name. How long an institution
// takes is multiplied by it.
func slowness(seed uint64, code string, spread float64) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(code)) // never fails
	return math.Exp(spread * rand.New(rand.NewPCG(seed, h.Sum64())).NormFloat64())
}

func centralCode(i int) string { return strconv.Itoa(9901 + i) }

// anywhere gives a region on a day and the institution at which respondents of
// that place work.
func (t *terrain) anywhere(d draw, opened ledger.Date) (region, ledger.Institution) {
	a := &t.now
	if opened < newRegions {
		a = &t.then
	}
	where := a.anywhere(d)
	if d.chance(7) {
		return where, ledger.Institution{Kind: "central", Code: centralCode(d.IntN(centrals)), Office: "central"}
	}
	return where, where.institution()
}

// seniority is how much longer, and how much more mildly, those of the highest
// classes are dealt with. It is invented, so that there is a difference to see.
func seniority(class string) float64 {
	if strings.HasPrefix(class, "jpt-") {
		return 1.5
	}
	return 1
}
