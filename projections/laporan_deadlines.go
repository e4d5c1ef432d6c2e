package projections

import (
	"fmt"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Due days in laporan: what stands in the table obligation, which
// ledger.Row.Obligations wrote. All that is left to SQL is to see whether a due
// day is over.

// deadlineColumn is a column of deadlines and of what deadlines_at gives.
type deadlineColumn struct{ name, kind, expr, comment string }

// deadlineColumns are those of the obligations of rows h of respondent_history,
// where o is a row of obligation or NULL, as they stand at a moment.
func deadlineColumns(at string) []deadlineColumn {
	// of takes the rules' obligation, or the next step where there is none.
	of := func(column, next string) string {
		return fmt.Sprintf("CASE WHEN o.case_id IS NULL THEN %s ELSE o.%s END", next, column)
	}
	open := quote(string(ledger.ObligationOpen))
	state := fmt.Sprintf("CASE WHEN o.case_id IS NULL THEN %s WHEN o.state <> %[1]s OR o.due_ends IS NULL OR o.due_ends >= %s THEN o.state WHEN o.is_right THEN %s ELSE %s END",
		open, at, quote(string(ledger.ObligationLapsed)), quote(string(ledger.ObligationOverdue)))
	return []deadlineColumn{
		{"case_id", "uuid", "h.case_id", "Id of the case (UUID version 7)."},
		{"respondent", "text", "h.respondent", "Label within the case: r1, r2, ... What is owed at once for several respondents has a row for each."},
		{"stage", "text", "h.stage", "Stage at which the respondent stands, or end. Never NULL."},
		{"code", "text", of("code", quote(ledger.NextStep)), "Which deadline, as the regime names it; next-step where no regime has one. Never NULL."},
		{"also", "text", cell("o.also"), "Codes of deadlines that await the same of the same and do not fall due earlier, divided by commas. NULL: none."},
		{"state", "text", state, "open, overdue, met, lapsed (a right whose time is over) or ended (the respondent's part ended first). Never NULL."},
		{"owed_by", "text", of("owed_by", "h.next_owed_by"), "Who has to act: an agency, or appointing-authority, respondent, task-force, bpasn. NULL: no agency holds the case."},
		{"authority", "text", of("authority", "h.next_authority"), "The appointing authority that owes: kind of office and region or institution code. NULL: somebody else owes."},
		{"instead_of", "text", "o.instead_of", "Agency whose place owed_by has taken. NULL: nobody's."},
		{"watched_by", "text", "o.watched_by", "Agency that watches it. NULL: none."},
		{"awaits", "text", cell("o.awaits"), "Milestones of which one is awaited, divided by commas. NULL: the next step."},
		{"since", "timestamptz", of("since", "h.next_since"), "When the period began; " + timesSay + ". NULL: not said."},
		{"due", "text", "o.due", "The last day, YYYY-MM-DD in Asia/Jakarta, by the working days known. NULL: no length is published."},
		{"due_ends", "timestamptz", "o.due_ends", "The last moment of the due day, after which it is late; " + timesSay + ". NULL: no length is published."},
		{"at_most", "text", "o.at_most", "The last day if the time is extended, YYYY-MM-DD. NULL: no extension is published."},
		{"in_force", "text", "o.in_force", "The day on which what is awaited takes effect, YYYY-MM-DD. NULL: none is published."},
		{"provisional", "boolean", of("provisional", "false"), "True: holidays of a year are not published yet and may move a day. Never NULL."},
		{"is_right", "boolean", of("is_right", "false"), "True: it may be done and need not, so nobody is overdue. Never NULL."},
		{"met_at", "timestamptz", "o.met", "When it was done; " + timesSay + ". NULL: it was not."},
		{"regime", "text", "o.regime", "Regime in force when the period began. NULL: no regime has a deadline."},
		{"basis", "text", "o.basis", "Legal basis by number. NULL: none is named."},
		{"doubt", "text", of("doubt", quote(string(ledger.DoubtUnsure))), "none, unsure (nothing firm was found) or conflict (sources disagree). NULL: not said."},
		{"contest", "text", "h.contest", "Code of the election it is about. NULL: not said."},
		{"holder", "text", "h.holder", "Agency that holds the case. NULL: none."},
		{"office", "text", "h.office", "BKN's office that watches the institution: central or I to XIV. NULL: not said."},
		{"province", "text", "h.province", "Province of the institution, two digits of Kemendagri's code. NULL: a central institution."},
	}
}

// deadlineJoin follows deadlineColumns: held selects rows h, known rows o that
// hold at a position.
func deadlineJoin(held, known, at string) string {
	return fmt.Sprintf(`JOIN projection.respondent_history h ON %s
	LEFT JOIN projection.obligation o ON o.case_id = h.case_id AND o.respondent = h.respondent AND o.happened_from = h.happened_from AND %s
WHERE CASE WHEN o.case_id IS NULL THEN h.next_step ELSE o.holds_from <= %s AND o.holds_to > %[3]s END`, held, known, at)
}

const deadlinesSay = "One row an obligation of a respondent: who has to act on what, since when and until when, as the command berkas worklist --all says. "

// deadlinesReport is Reader.WorkList as of the last applied record.
func deadlinesReport() report {
	r := report{
		name: "deadlines", records: true,
		comment: deadlinesSay + "As it stands when the last applied record was recorded, with what was done and what lapsed. " +
			"For other moments ask the function laporan.deadlines_at.",
		from: "FROM projection.progress p " + deadlineJoin(lastingNow, fmt.Sprintf("o.recorded_to = %d", neverEnds), "p.recorded"),
	}
	for _, c := range deadlineColumns("p.recorded") {
		r.columns = append(r.columns, column{c.name, c.expr, c.comment})
	}
	return r
}

// deadlineType is what deadlines_at gives rows of.
func deadlineType() string {
	columns := deadlineColumns("")
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.name + " " + c.kind
	}
	return fmt.Sprintf(`
CREATE TYPE laporan.deadline AS (
	%s
);
COMMENT ON TYPE laporan.deadline IS 'An obligation of a respondent; the columns are those of laporan.deadlines.';
`, strings.Join(list, ",\n\t"))
}

// deadlinesFunction is Reader.WorkList for any pair of times.
func deadlinesFunction() function {
	columns := deadlineColumns("t")
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.expr
	}
	return function{
		signature: "laporan.deadlines_at(text, text)", records: true,
		comment: deadlinesSay + "as_of: as it stood at that date (its end in Asia/Jakarta) or RFC 3339 time; known_at: using only the records, regimes and holidays recorded by that position, date or time. " +
			"NULL or empty: the last applied record. A moment after it is an error. " +
			"For instance SELECT owed_by, count(*) FROM laporan.deadlines_at(as_of => '2020-11-26') WHERE state = 'overdue' GROUP BY owed_by.",
		sql: `CREATE FUNCTION laporan.deadlines_at(as_of text DEFAULT NULL, known_at text DEFAULT NULL)
RETURNS SETOF laporan.deadline LANGUAGE plpgsql SECURITY DEFINER ` + functionSettings + ` AS $body$
DECLARE
	settled record;
	k bigint;
	t timestamptz;
BEGIN` + nothingApplied + `
	k := coalesce(laporan.position_at(nullif(deadlines_at.known_at, '')), settled.position);
	t := coalesce(laporan.moment(nullif(deadlines_at.as_of, '')), settled.recorded);
	IF t > settled.recorded THEN
		` + notSettled("as-of") + `
	END IF;
	RETURN QUERY SELECT ` + strings.Join(list, ",\n\t\t") + `
	FROM projection.progress p ` + deadlineJoin(
			"h.happened_from <= t AND h.happened_to > t AND h.recorded_from <= k AND h.recorded_to > k",
			"o.recorded_from <= k AND o.recorded_to > k", "t") + `;
END $body$`,
	}
}
