package ledger

import (
	"maps"
	"slices"
)

// Keys gives what a query counts, each once and sorted: for a query of one measure
// as many as Count says. A key is a case, "<case> <respondent>", "<agency> <letter
// number>" or an authority, by the query's unit.
func Keys(rows []Row, q Query) []string {
	keys := make(map[string]bool)
	for _, m := range q.Measures {
		for i := range rows {
			if key := rows[i].counts(m, q); key != "" {
				keys[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// Values gives what a filter compares a row's with: one value, several, or "" for
// none.
func (r *Row) Values(filter string) []string { return slices.Clone(r.dimension(filter)) }
