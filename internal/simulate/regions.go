package simulate

import (
	_ "embed"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

//go:embed data/regions.tsv
var regionTable string

// region is a province, regency or city of 2020.
type region struct {
	code, name, office string
}

func (r region) province() bool { return len(r.code) == 2 }
func (r region) city() bool     { return strings.HasPrefix(r.name, "Kota ") }

// kinds of the region's institution and of its head.
func (r region) kinds() (institution, authority string) {
	switch {
	case r.province():
		return "province", "governor"
	case r.city():
		return "city", "mayor"
	default:
		return "regency", "regent"
	}
}

func (r region) institution() ledger.Institution {
	kind, _ := r.kinds()
	return ledger.Institution{Kind: kind, Region: r.code, Office: r.office}
}

// authority is who may sanction those who work at an institution.
func authority(i ledger.Institution) ledger.Authority {
	switch i.Kind {
	case "central":
		return ledger.Authority{Kind: "minister", Code: i.Code}
	case "province":
		return ledger.Authority{Kind: "governor", Region: i.Region}
	case "city":
		return ledger.Authority{Kind: "mayor", Region: i.Region}
	default:
		return ledger.Authority{Kind: "regent", Region: i.Region}
	}
}

// parseRegions reads the table but for Aceh and Jakarta, which had no contest in
// December 2020.
func parseRegions(table string) []region {
	var out []region
	for _, line := range strings.Split(table, "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[0] == "code" || strings.HasPrefix(f[0], "11") || strings.HasPrefix(f[0], "31") {
			continue
		}
		out = append(out, region{f[0], f[1], f[2]})
	}
	return out
}

// atlas is the regions sorted by kind.
type atlas struct{ provinces, regencies, cities []region }

func newAtlas() atlas {
	var a atlas
	for _, r := range parseRegions(regionTable) {
		a.add(r)
	}
	return a
}

func (a *atlas) add(r region) {
	switch {
	case r.province():
		a.provinces = append(a.provinces, r)
	case r.city():
		a.cities = append(a.cities, r)
	default:
		a.regencies = append(a.regencies, r)
	}
}

// anywhere gives a region; most civil servants work for a regency.
func (a atlas) anywhere(d draw) region {
	switch d.weighted(14, 68, 18) {
	case 0:
		return pick(d, a.provinces)
	case 1:
		return pick(d, a.regencies)
	default:
		return pick(d, a.cities)
	}
}

// provinceOf gives the province that a region lies in.
func (a atlas) provinceOf(r region) region {
	for _, p := range a.provinces {
		if p.code == r.code[:2] {
			return p
		}
	}
	return r
}

// central gives a central institution. Their codes at BKN are not in our
// sources: these are invented.
func central(d draw) ledger.Institution {
	codes := []string{"9901", "9902", "9903", "9904", "9905", "9906", "9907", "9908"}
	return ledger.Institution{Kind: "central", Code: pick(d, codes), Office: "central"}
}
