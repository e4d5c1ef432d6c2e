package projections

import (
	"fmt"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// report is a view of the schema laporan. Its name and the names, order and
// types of its columns are a public contract, frozen in
// testdata/laporan.golden: new columns go to the end, and none ever leaves.
type report struct {
	name    string
	comment string
	// records: rows are about single cases or records; such a view is for
	// laporan_case_reader only.
	records bool
	columns []column
	from    string // what follows the columns
}

type column struct{ name, expr, comment string }

// What comments say again and again.
const (
	timesSay    = "a moment with time zone; days are days in Asia/Jakarta (UTC+7)"
	positionSay = "position of a record on the ledger, counted from 1"
	neverEnds   = 9223372036854775807 // recorded_to of rows that no record has replaced
)

// lastingNow selects the rows of what is so now: known by the last applied
// record, and not ended. Nothing may happen after it is recorded, so these are
// the rows that hold at the last record's position and time.
const lastingNow = "h.recorded_to = 9223372036854775807 AND h.happened_to = 'infinity'"

// reports are the views, in the order in which they are made.
func reports() []report {
	return []report{
		casesReport(), respondentsReport(), historyReport(), figuresReport(), nationalReport(),
		refusalsReport(), definitionsReport(), progressReport(), milestonesReport(), deadlinesReport(),
	}
}

// cell writes an array as one cell.
func cell(array string) string { return "nullif(array_to_string(" + array + ", ','), '')" }

func casesReport() report {
	now := " FILTER (WHERE h.happened_to = 'infinity')"
	r := report{
		name: "cases", records: true,
		comment: "One row a case: what is so now, using every applied record. Count rows with a measure's column true for the figure under the unit case. " +
			"Cases of which only kinds of event are recorded that this version does not know have no row.",
		columns: []column{
			{"case_id", "h.case_id", "Id of the case (UUID version 7)."},
			{"opened_at", "min(h.happened_from)", "When the case was opened, as its agency says; " + timesSay + ". Never NULL."},
			{"changed_at", "max(h.happened_from)" + now, "Since when all of the case is as it is now; " + timesSay + ". Never NULL."},
			{"changed_position", "max(h.recorded_from)" + now, "The record that changed the case last; " + positionSay + ". Never NULL."},
			{"origin", "min(h.origin)" + now, "How it began: finding or report. NULL: not said."},
			{"contest", "min(h.contest)" + now, "Code of the election it is about. NULL: not said."},
			{"holder", "min(h.holder)" + now, "Agency that holds the case. NULL: none."},
			{"seen_by", cell("min(h.seen_by)" + now), "Agencies that opened it, were sent it or acted on it, divided by commas. NULL: none."},
			{"province_of_act", "min(h.province_of_act)" + now, "Province in which the act took place, two digits of Kemendagri's code. NULL: not said."},
			{"duplicate_of", "min(h.duplicate_of)" + now, "Id of the case that it repeats; then it counts for no measure. NULL: it is no duplicate."},
			{"respondents", "(count(*)" + now + ")::integer", "How many respondents the case has."},
			{"stages", "string_agg(DISTINCT h.stage, ',' ORDER BY h.stage)" + now, "Stages at which its respondents stand, each once, divided by commas."},
		},
		from: fmt.Sprintf("FROM projection.respondent_history h WHERE h.recorded_to = %d GROUP BY h.case_id", neverEnds),
	}
	for _, m := range ledger.MeasureTable {
		whose := "of one of its respondents"
		if m.All {
			whose = "of all its respondents"
		}
		r.columns = append(r.columns, column{
			m.Name, "bool_or(h." + sinceColumn(m.Measure, ledger.UnitCase) + " IS NOT NULL)" + now,
			m.English + " True when that is true now " + whose + ". Never NULL.",
		})
	}
	return r
}

// states are the columns of a respondent's state, of a row h.
func states() []column {
	return []column{
		{"stage", "h.stage", "Stage of the procedure, or end. Never NULL."},
		{"control", "h.control", "BKN's ladder: none, warned, reprimanded, blocked. Never NULL."},
		{"remedy", "h.remedy", "none, filed, or the outcome of the last remedy. Never NULL."},
		{"holder", "h.holder", "Agency that holds the case. NULL: none."},
		{"seen_by", cell("h.seen_by"), "Agencies that had opened the case, been sent it or acted on it, divided by commas. NULL: none."},
		{"origin", "h.origin", "How the case began: finding or report. NULL: not said."},
		{"contest", "h.contest", "Code of the election it is about. NULL: not said."},
		{"forwarded_to", cell("h.forwarded_to"), "Agencies that the respondent's case was forwarded to for action, divided by commas. NULL: none."},
		{"family", "h.family", "discipline if any item is of discipline, else ethics. NULL: the catalogue does not say."},
		{"sanction", "h.sanction", "Severity as it stands after remedies, else as recommended. NULL: none."},
		{"office", "h.office", "BKN's office that watches the institution: central or I to XIV. NULL: not said."},
		{"ppk_kind", "h.ppk_kind", "Office of the appointing authority: minister, governor, regent, mayor. NULL: nothing is recommended."},
		{"ppk", "h.ppk", "The appointing authority: kind of office and region or institution code. NULL: nothing is recommended."},
		{"recommendation", "h.recommendation", "Agency and letter number of the recommendation. NULL: nothing is recommended."},
		{"province_of_act", "h.province_of_act", "Province in which the act took place, two digits of Kemendagri's code. NULL: not said."},
		{"province", "h.province", "Province of the institution, two digits of Kemendagri's code. NULL: a central institution."},
		{"institution", "h.institution", "Institution: region code, or central- and its code. With class and date it may point to one person. NULL: not said."},
		{"institution_kind", "h.institution_kind", "central, province, regency or city. NULL: not said."},
		{"class", "h.class", "Class of the position. NULL: not said."},
		{"items", cell("h.items"), "Items of the catalogue of violations, divided by commas. NULL: none."},
		{"duplicate_of", "h.duplicate_of", "Id of the case that this case repeats; then it counts for no measure. NULL: it is no duplicate."},
	}
}

// dated are the columns that date the measures, of a row h.
func dated() []column {
	var own, all []column
	for _, m := range ledger.MeasureTable {
		own = append(own, column{
			m.Name + "_since", "h." + m.Name,
			m.English + " Since when; " + timesSay + ". NULL: it is not so. Count rows that are not NULL for the figure under the unit respondent.",
		})
		if m.All {
			all = append(all, column{
				caseColumn(m.Measure) + "_since", "h." + caseColumn(m.Measure),
				"The same of the whole case, under the unit case: since when " + m.Name + " is true of all its respondents; " + timesSay + ". NULL: it is not so.",
			})
		}
	}
	return append(own, all...)
}

func respondentsReport() report {
	r := report{
		name: "respondents", records: true,
		comment: "One row a respondent, that is, one entry in one case: what is so now, using every applied record. Identities are sealed, so persons cannot be counted.",
		columns: []column{
			{"case_id", "h.case_id", "Id of the case (UUID version 7)."},
			{"respondent", "h.respondent", "Label within the case: r1, r2, ... It says nothing beyond the case."},
			{"changed_at", "h.happened_from", "Since when all is as it is now; " + timesSay + ". Never NULL."},
			{"changed_position", "h.recorded_from", "The record that said so; " + positionSay + ". Never NULL."},
		},
		from: "FROM projection.respondent_history h WHERE " + lastingNow,
	}
	r.columns = append(append(r.columns, states()...), dated()...)
	return r
}

func historyReport() report {
	r := report{
		name: "respondent_history", records: true,
		comment: `One row a state of a respondent, over a span of happened time and a span of the ledger. What had happened by 26 November 2020, using what was recorded by position 5000: ` +
			`SELECT count(*) FROM laporan.respondent_history WHERE happened_from <= laporan.moment('2020-11-26') AND (happened_to IS NULL OR happened_to > laporan.moment('2020-11-26')) ` +
			`AND recorded_from <= 5000 AND (recorded_to IS NULL OR recorded_to > 5000) AND sanctioned_since IS NOT NULL; ` +
			`of each respondent at most one row holds at a pair of times. For what was known at a moment take laporan.position_at('2020-11-26') instead of 5000. ` +
			`A moment after the last applied record (laporan.progress) is not settled yet: its answer may change.`,
		columns: []column{
			{"case_id", "h.case_id", "Id of the case (UUID version 7)."},
			{"respondent", "h.respondent", "Label within the case: r1, r2, ..."},
			{"happened_from", "h.happened_from", "When the state began, as the agency says; " + timesSay + ". Never NULL."},
			{"happened_to", "nullif(h.happened_to, 'infinity')", "When it ended, itself not in the span; " + timesSay + ". NULL: it lasts."},
			{"recorded_from", "h.recorded_from", "The record by which the ledger knew it; " + positionSay + ". Never NULL."},
			{"recorded_to", fmt.Sprintf("nullif(h.recorded_to, %d)", neverEnds), "The record since which the ledger knows better, itself not in the span; " + positionSay + ". NULL: it still holds."},
			{"recorded_from_at", "f.recorded", "When the record recorded_from was recorded, as the ledger says; " + timesSay + ". Never NULL."},
			{"recorded_to_at", "t.recorded", "When the record recorded_to was recorded; " + timesSay + ". NULL: it still holds."},
		},
		// Outer joins by a key: they cost nothing when their columns are not asked for.
		from: "FROM projection.respondent_history h LEFT JOIN projection.record f ON f.position = h.recorded_from LEFT JOIN projection.record t ON t.position = h.recorded_to",
	}
	r.columns = append(append(r.columns, states()...), dated()...)
	return r
}

// milestonesReport is what deadlines run from; deadlines has what follows from
// them and from published rules.
func milestonesReport() report {
	r := report{
		name: "milestones", records: true,
		comment: "One row a respondent: when each milestone was reached last, as far as is known now. Deadlines run from these moments; " +
			"what is owed by whom and by which working day under the published rules and holidays is in deadlines.",
		columns: []column{
			{"case_id", "h.case_id", "Id of the case (UUID version 7)."},
			{"respondent", "h.respondent", "Label within the case: r1, r2, ..."},
			{"stage", "h.stage", "Stage of the procedure, or end. Never NULL."},
			{"holder", "h.holder", "Agency that holds the case. NULL: none."},
			{"ppk", "h.ppk", "The appointing authority: kind of office and region or institution code. NULL: nothing is recommended."},
			{"duplicate_of", "h.duplicate_of", "Id of the case that this case repeats; then nothing is owed in it. NULL: it is no duplicate."},
		},
		from: "FROM projection.respondent_history h WHERE " + lastingNow,
	}
	for _, m := range ledger.Milestones {
		at := reachedColumn(m)
		r.columns = append(r.columns, column{
			strings.TrimPrefix(at, "reached_") + "_at", "h." + at,
			"When the milestone " + string(m) + " was reached last; where only a day is said, its first moment; " + timesSay + ". NULL: it was not reached.",
		})
	}
	return r
}

func figuresReport() report {
	return report{
		name: "figures",
		comment: "One row a figure as an agency published it, whether or not the ledger agrees (berkas reconcile compares). " +
			"A later publication may restate an earlier one; both stay.",
		columns: []column{
			{"position", "f.position", "The record that published it; " + positionSay + "."},
			{"ordinal", "f.ordinal", "Which figure of that record, counted from 1."},
			{"published_at", "r.happened", "When it was published, as the agency says; " + timesSay + "."},
			{"recorded_at", "r.recorded", "When that was recorded, as the ledger says; " + timesSay + "."},
			{"publication", "f.publication", "Short code of the publication, for instance bkn20."},
			{"publisher", "f.publisher", "Agency that published it."},
			{"seen_by", "f.seen_by", "Whose view it is: cases that this agency opened, was sent or acted on."},
			{"as_of", "f.as_of", "Day as the publisher wrote it (YYYY-MM-DD, its end in Asia/Jakarta); one that no calendar has is shown as such."},
			{"since", "f.since", "Day after which things are counted, as the publisher wrote it (YYYY-MM-DD, its end in Asia/Jakarta). NULL: from the beginning."},
			{"unit", "f.unit", "What is counted; see definitions."},
			{"measure", "f.measure", "A measure, or a sum a+b; see definitions."},
			{"filter", "(SELECT string_agg(e.key || '=' || e.value, ' ' ORDER BY e.key COLLATE \"C\") FROM json_each_text(f.filter) e)", "Filters as name=value, divided by spaces; see definitions. NULL: none."},
			{"value", "f.value", "The number as published, in the unit."},
			{"sources", cell("f.sources"), "Where it was published, divided by commas. NULL: not said."},
			{"doubt", "f.doubt", "none, unsure (nothing firm was found) or conflict (sources disagree)."},
			{"restates", "f.restates", "Code of the publication that it replaces. NULL: none."},
		},
		from: "FROM projection.published_figure f LEFT JOIN projection.record r ON r.position = f.position",
	}
}

func refusalsReport() report {
	return report{
		name: "refusals", records: true,
		comment: "One row a submission that the registrar refused, with the reason and never with its content.",
		columns: []column{
			{"position", "f.position", "The record of the refusal; " + positionSay + "."},
			{"recorded_at", "f.recorded", "When it was recorded, as the ledger says; " + timesSay + "."},
			{"agency", "f.agency", "Agency that submitted it."},
			{"reason", "f.reason", "Reason code; berkas codes reasons explains them."},
			{"pointers", cell("f.pointers"), "JSON pointers to what was wrong, divided by commas. NULL: the whole."},
			{"digest", "f.digest", "SHA-256, in hexadecimal, of a nonce that only the sender has and the bytes."},
			{"first_position", "f.first_position", "The record that used the same event id before; " + positionSay + ". NULL: none."},
		},
		from: "FROM projection.refusal f",
	}
}

func progressReport() report {
	return report{
		name:    "progress",
		comment: "One row: how far these views are, and whether they go on. Show position and recorded_at beside every figure.",
		columns: []column{
			{"position", "p.position", "The last applied record; " + positionSay + "; 0: none."},
			{"recorded_at", "p.recorded", "When it was recorded; nothing later can be asked for; " + timesSay + ". NULL: none is applied."},
			{"seconds_behind_at_most", "CASE WHEN p.position > 0 THEN greatest(0, ceil(extract(epoch FROM clock_timestamp() - p.recorded)))::bigint END", "Seconds since the last applied record was recorded: whatever is missing here was recorded within them. On a quiet ledger it grows and nothing is missing. NULL: none is applied."},
			{"stopped", "nullif(p.stopped, '')", "Why the projections stopped and nothing later is shown. NULL: they go on."},
			{"unknown_records", "p.unknown", "Records of kinds that this version does not know; they move no figure."},
			{"late_after_days", "p.late_after_days", "After how many days a recording counts as late. NULL: the genesis record is not applied."},
			{"leaf", "encode(p.leaf, 'hex')", "Leaf hash of the last applied record, in hexadecimal: what these figures rest on."},
		},
		from: "FROM projection.progress p",
	}
}

// definitionsReport holds the tables of the code as rows.
func definitionsReport() report {
	var rows []string
	add := func(kind string, n int, d definition, all bool) {
		rows = append(rows, fmt.Sprintf("(%s, %d, %s, %s, %s, %t)", quote(kind), n+1, quote(d.code), quote(d.english), quote(d.indonesian), all))
	}
	for i, m := range ledger.MeasureTable {
		add("measure", i, definition{m.Name, m.English, m.Indonesian}, m.All)
	}
	for i, d := range unitWords {
		add("unit", i, d, false)
	}
	for i, d := range filterWords {
		add("filter", i, d, false)
	}
	return report{
		name:    "definitions",
		comment: "What measures, units and filters mean, in English and Indonesian, as the program counts them.",
		columns: []column{
			{"kind", "d.kind", "measure, unit or filter."},
			{"ordinal", "d.ordinal", "Place among those of its kind, in the order of the procedure, counted from 1."},
			{"code", "d.code", "As columns and other views name it."},
			{"english", "d.english", "Meaning in English."},
			{"indonesian", "d.indonesian", "Meaning in Indonesian (arti dalam bahasa Indonesia)."},
			{"all_respondents", "d.all_respondents", "Of a measure: under the unit case it has to be true of all respondents; else of one. False for units and filters."},
		},
		from: "FROM (VALUES " + strings.Join(rows, ",\n") + ") d (kind, ordinal, code, english, indonesian, all_respondents)",
	}
}

// quote writes a string as SQL; standard_conforming_strings is on wherever
// this runs.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
