package simulate

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// The tables are the ones of examples/published; a test compares them.
//
//go:embed data/bkn20.tsv data/bkn20lakip.tsv data/bws20.tsv data/mdn20.tsv
var publishedFiles embed.FS

// publication is a table and the day on which it was published: that of the
// earliest source.
type publication struct {
	table   string
	on      ledger.Date
	doubt   ledger.Doubt
	sources []string
}

var publications = []publication{
	{"bws20", "2020-10-06", ledger.DoubtNone, []string{"rmoljatim/2020/10/06"}},
	{"mdn20", "2020-11-01", ledger.DoubtNone, []string{"lancangkuning", "medcom.id", "tribunnews/2020/11/01"}},
	{"bkn20", "2020-11-28", ledger.DoubtNone, []string{"kompas.tv/127122", "money.kompas.com/2020/12/01", "m.tribunnews.com/2020/11/28"}},
	{"bkn20lakip", "2021-08-10", ledger.DoubtUnsure, []string{"liputan6.com/4628545"}},
}

// Published gives a table that the history reproduces, as its publisher's
// statement: bkn20, bkn20lakip, bws20 or mdn20.
func Published(table string) (ledger.FiguresPublished, error) {
	i := slices.IndexFunc(publications, func(p publication) bool { return p.table == table })
	if i < 0 {
		return ledger.FiguresPublished{}, fmt.Errorf("simulate: no table %q", table)
	}
	raw, err := publishedFiles.ReadFile("data/" + table + ".tsv")
	if err != nil {
		return ledger.FiguresPublished{}, fmt.Errorf("simulate: %w", err)
	}
	p := publications[i]
	out := ledger.FiguresPublished{Table: table, Doubt: p.doubt, Sources: p.sources}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for n, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 9 || f[0] != table {
			return out, fmt.Errorf("simulate: %s.tsv line %d has not the nine columns of the table", table, n+2)
		}
		value, err := strconv.ParseUint(f[7], 10, 32)
		if err != nil {
			return out, fmt.Errorf("simulate: %s.tsv line %d: %w", table, n+2, err)
		}
		figure := ledger.FigureV1{
			AsOf: ledger.Date(f[1]), Since: ledger.Date(f[2]), Unit: ledger.Unit(f[4]), Measure: f[5], Value: value,
		}
		if name, v, ok := strings.Cut(f[6], "="); ok {
			figure.Filter = map[string]string{name: v}
		}
		out.Publisher = ledger.AgencyID(f[3])
		out.Figures = append(out.Figures, figure)
	}
	return out, nil
}
