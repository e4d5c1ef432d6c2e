package web

import (
	"cmp"
	"math"
	"slices"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// The map of provinces: one tile each, where one would look for it, so that small
// ones are read as easily as large ones. The layout is our own. It keeps west to
// east and north to south within an island, and each island its place among the
// others; distances and areas it does not keep.
//
//	    1    2    3    4    5    6    7    8    9   10   11   12   13   14   15   16   17   18
//	1 Aceh                                   Kltra
//	2      Smut Riau Kepri               Kbar Ktim           Gtlo Slut      Mlut
//	3      Smbr Jmbi                     Ktng Ksel      Sbar Stng                PBD  Pbar Papua
//	4           Bklu Smsl Bbel                          Ssel Stra      Mlku           Ptng Ppeg
//	5                Lmpg                                                                 Psel
//	6                     Bntn DKI  Jbar Jtng Jtim
//	7                                    DIY       Bali NTB  NTT
type place struct {
	Code, Short string
	Col, Row    int
}

// places by Kemendagri code; the order is that of the table of provinces. A test
// holds it to ledger.Provinces.
var places = []place{
	{"11", "Aceh", 1, 1},
	{"12", "Sumut", 2, 2},
	{"13", "Sumbar", 2, 3},
	{"14", "Riau", 3, 2},
	{"15", "Jambi", 3, 3},
	{"16", "Sumsel", 4, 4},
	{"17", "Bengkulu", 3, 4},
	{"18", "Lampung", 4, 5},
	{"19", "Babel", 5, 4},
	{"21", "Kepri", 4, 2},
	{"31", "DKI", 6, 6},
	{"32", "Jabar", 7, 6},
	{"33", "Jateng", 8, 6},
	{"34", "DIY", 8, 7},
	{"35", "Jatim", 9, 6},
	{"36", "Banten", 5, 6},
	{"51", "Bali", 10, 7},
	{"52", "NTB", 11, 7},
	{"53", "NTT", 12, 7},
	{"61", "Kalbar", 8, 2},
	{"62", "Kalteng", 8, 3},
	{"63", "Kalsel", 9, 3},
	{"64", "Kaltim", 9, 2},
	{"65", "Kaltara", 9, 1},
	{"71", "Sulut", 13, 2},
	{"72", "Sulteng", 12, 3},
	{"73", "Sulsel", 11, 4},
	{"74", "Sultra", 12, 4},
	{"75", "Gorontalo", 12, 2},
	{"76", "Sulbar", 11, 3},
	{"81", "Maluku", 14, 4},
	{"82", "Malut", 15, 2},
	{"91", "Papua", 18, 3},
	{"92", "Pabar", 17, 3},
	{"93", "Papsel", 18, 5},
	{"94", "Papteng", 17, 4},
	{"95", "Pappeg", 18, 4},
	{"96", "PBD", 16, 3},
}

// provinceMap is the map of one measure.
type provinceMap struct {
	Measure  string
	Name     text
	Total    uint64
	Tiles    []tile // by code
	Table    []tile // the same, the largest number first
	Central  tile   // institutions of the centre, which lie in no province
	Legend   []shade
	Measures []sliderStep // the same map of other measures; no address: the one shown
	Fairness bool         // there is a page on rates
}

// tile is a province with its number.
type tile struct {
	place
	Name  string
	Value uint64
	Shade int // 0 for none, then darker
	Href  string
}

// shade is a step of the scale with the numbers that it stands for.
type shade struct {
	Step     int
	From, To uint64
}

// shades is how many steps a scale has above none.
const shades = 5

// scaleOf gives the upper ends of the steps of a scale up to a number. Counts by
// province are skewed: a few are large. So ends go up as squares do, and small
// numbers still differ to the eye.
func scaleOf(most uint64) []uint64 {
	var ends []uint64
	for i := 1; i <= shades; i++ {
		end := uint64(math.Ceil(float64(most) * float64(i*i) / (shades * shades)))
		if i < shades && end > 20 {
			end = end / 5 * 5 // read more easily
		}
		if len(ends) == 0 && end > 0 || len(ends) > 0 && end > ends[len(ends)-1] {
			ends = append(ends, end)
		}
	}
	return ends
}

func shadeOf(ends []uint64, n uint64) int {
	if n == 0 {
		return 0
	}
	for i, end := range ends {
		if n <= end {
			return i + 1 + shades - len(ends) // a short scale has the dark steps
		}
	}
	return shades
}

// mapMeasures may be drawn.
var mapMeasures = []ledger.Measure{ledger.Opened, ledger.Recommended, ledger.NotFollowedUp, ledger.Sanctioned, ledger.Blocked}

// mapOf draws the column of a breakdown by province. The question's own measure
// is the one drawn.
func (q *question) mapOf(measure string, whole uint64, rows []projections.Row, column int) provinceMap {
	m := provinceMap{Measure: measure, Name: measureWords(measure), Total: whole}
	counts := map[string]uint64{}
	var most uint64
	for _, row := range rows {
		counts[row.Value] = row.Counts[column]
		if row.Value != "" {
			most = max(most, row.Counts[column])
		}
	}
	ends := scaleOf(most)
	for _, p := range places {
		name, _ := ledger.RegionName(p.Code)
		m.Tiles = append(m.Tiles, tile{
			place: p, Name: name, Value: counts[p.Code], Shade: shadeOf(ends, counts[p.Code]),
			Href: q.list(measure, fieldPrefix+"province", p.Code),
		})
	}
	m.Table = slices.Clone(m.Tiles)
	slices.SortStableFunc(m.Table, func(a, b tile) int { return cmp.Compare(b.Value, a.Value) })
	m.Central = tile{
		Value: counts[""], Href: q.list(measure, fieldPrefix+"institution-kind", "central"),
	}
	from := uint64(1)
	for i, end := range ends {
		m.Legend = append(m.Legend, shade{i + 1 + shades - len(ends), from, end})
		from = end + 1
	}
	for _, other := range mapMeasures {
		step := sliderStep{Label: word("measure", other.String())}
		if other.String() != measure {
			step.Href = q.address(nationalPath, "measure", other.String())
		}
		m.Measures = append(m.Measures, step)
	}
	return m
}
