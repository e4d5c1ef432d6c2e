package projections

import (
	"fmt"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// The figures of laporan: ledger.Count in SQL once more, as functions that BI
// tools can call. They run with the rights of whoever made them, so a caller
// needs none on the tables and learns no more than sums.

// function is a function of the schema laporan.
type function struct {
	signature string // with types, as GRANT and COMMENT name it
	comment   string
	sql       string // creates it
	// records: it gives rows about single cases, for laporan_case_reader only.
	records bool
}

// settings of each function: nothing of a caller's search path leads it astray,
// and within one statement it sees one state of the tables.
const functionSettings = "STABLE SET search_path = pg_catalog, pg_temp"

func functions() []function {
	return []function{momentFunction(), positionFunction(), nationalFunction(), deadlinesFunction()}
}

// nationalType is what national_at gives rows of.
const nationalType = `
CREATE TYPE laporan.national_figure AS (
	ordinal integer, measure text, unit text, value bigint, as_of timestamptz, known_at bigint,
	known_at_recorded timestamptz, seen_by text, since timestamptz
);
COMMENT ON TYPE laporan.national_figure IS 'A figure with everything that says what it counts; the columns are those of laporan.national.';
`

func nationalReport() report {
	return report{
		name: "national",
		comment: "Every measure under every unit, now: as of the last applied record. One row a measure and unit. " +
			"For other moments, observers and windows ask the function laporan.national_at.",
		columns: []column{
			{"ordinal", "n.ordinal", "Place of the measure in the order of the procedure, counted from 1."},
			{"measure", "n.measure", "What is counted; see definitions."},
			{"unit", "n.unit", "case, respondent, recommendation or ppk; see definitions."},
			{"value", "n.value", "How many; in the unit."},
			{"as_of", "n.as_of", "What had happened by then; " + timesSay + "."},
			{"known_at", "n.known_at", "Using only what was recorded by then; " + positionSay + "."},
			{"known_at_recorded", "n.known_at_recorded", "When the record known_at was recorded; " + timesSay + "."},
			{"seen_by", "n.seen_by", "Only cases that this agency opened, was sent or acted on. NULL: every case."},
			{"since", "n.since", "Only what became true after then; " + timesSay + ". NULL: from the beginning."},
		},
		from: "FROM projection.progress p CROSS JOIN (VALUES " + unitValues() + ") u (unit) " +
			"CROSS JOIN LATERAL laporan.national_at(unit => u.unit) n WHERE p.position > 0",
	}
}

func unitValues() string {
	values := make([]string, len(ledger.Units))
	for i, u := range ledger.Units {
		values[i] = "(" + quote(string(u)) + ")"
	}
	return strings.Join(values, ", ")
}

// momentFunction is ledger.ParseMoment.
func momentFunction() function {
	return function{
		signature: "laporan.moment(text)",
		comment: "A date (2020-11-26) as the last microsecond of that day in Asia/Jakarta, or an RFC 3339 time (2020-11-26T10:00:00+07:00) as it is. " +
			"NULL for NULL; anything else is an error. Use it instead of a bare timestamp, which PostgreSQL would read as the beginning of the day in the session's time zone.",
		sql: `CREATE FUNCTION laporan.moment(said text) RETURNS timestamptz LANGUAGE plpgsql STRICT ` + functionSettings + ` AS $body$
BEGIN
	IF said ~ '^\d{4}-\d\d-\d\d$' THEN
		RETURN (said::date + 1)::timestamp AT TIME ZONE interval '7 hours' - interval '1 microsecond';
	ELSIF said ~ '^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$' THEN
		RETURN said::timestamptz;
	END IF;
	RAISE EXCEPTION '"%" is neither a date (2020-11-26) nor a time (2020-11-26T10:00:00+07:00)', said USING ERRCODE = 'invalid_datetime_format';
END $body$`,
	}
}

// notSettled raises ErrNotSettled.
func notSettled(what string) string {
	return `RAISE EXCEPTION 'not yet settled: ` + what + ` lies after the last applied record, position %', settled.position
			USING ERRCODE = 'datetime_field_overflow', HINT = 'Ask for an earlier moment, or wait; see laporan.progress.';`
}

const nothingApplied = `
	SELECT p.position, p.recorded INTO settled FROM projection.progress p;
	IF settled.position = 0 THEN
		RAISE EXCEPTION 'not yet settled: no record is applied yet' USING ERRCODE = 'datetime_field_overflow';
	END IF;`

// positionFunction is Reader.PositionAt, for positions too.
func positionFunction() function {
	return function{
		signature: "laporan.position_at(text)",
		comment: "The last position recorded by a date (its end in Asia/Jakarta) or an RFC 3339 time; a position in decimal is given back. " +
			"NULL for NULL. After the last applied record it is an error, for the answer could still change; so is a moment by which nothing had been recorded.",
		sql: `CREATE FUNCTION laporan.position_at(said text) RETURNS bigint LANGUAGE plpgsql STRICT SECURITY DEFINER ` + functionSettings + ` AS $body$
DECLARE
	settled record;
	t timestamptz;
	found_position bigint;
BEGIN` + nothingApplied + `
	IF said ~ '^\d{1,18}$' THEN
		found_position := said::bigint;
		IF found_position > settled.position THEN
			` + notSettled("known-at") + `
		END IF;
	ELSE
		t := laporan.moment(said);
		IF t > settled.recorded THEN
			` + notSettled("known-at") + `
		END IF;
		SELECT r.position INTO found_position FROM projection.record r
			WHERE r.recorded <= t AND r.position <= settled.position ORDER BY r.recorded DESC, r.position DESC LIMIT 1;
	END IF;
	IF coalesce(found_position, 0) = 0 THEN
		RAISE EXCEPTION 'nothing had been recorded by "%"; positions count from 1', said USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN found_position;
END $body$`,
	}
}

// nationalFunction is ledger.Count for every measure at once: rows that hold,
// one for each key of the unit, then how many keys each measure is true of.
func nationalFunction() function {
	var truths, counts, values []string
	for i, m := range ledger.MeasureTable {
		since := "h." + m.Name
		if m.All {
			since = fmt.Sprintf("CASE WHEN national_at.unit = %s THEN h.%s ELSE h.%s END", quote(string(ledger.UnitCase)), caseColumn(m.Measure), m.Name)
		}
		truths = append(truths, fmt.Sprintf("coalesce(bool_or(%s > s), false) AS m%d", since, i))
		counts = append(counts, fmt.Sprintf("count(*) FILTER (WHERE m%d) AS m%d", i, i))
		values = append(values, fmt.Sprintf("(%d, %s, m%d)", i+1, quote(m.Name), i))
	}
	keys := ""
	for _, u := range []struct {
		unit ledger.Unit
		key  string
	}{
		{ledger.UnitCase, "h.case_id::text"},
		{ledger.UnitRespondent, "h.case_id || ' ' || h.respondent"},
		{ledger.UnitRecommendation, "h.recommendation"},
		{ledger.UnitPPK, "h.ppk"},
	} {
		keys += fmt.Sprintf(" WHEN %s THEN %s", quote(string(u.unit)), u.key)
	}
	return function{
		signature: "laporan.national_at(text, text, text, text, text)",
		comment: "Every measure for any pair of times, as the command berkas national gives them. as_of: what had happened by that date (its end in Asia/Jakarta) or RFC 3339 time; " +
			"known_at: using only what was recorded by that position, date or time; unit: case, respondent (the default), recommendation, ppk; " +
			"seen_by: only cases that this agency opened, was sent or acted on; since: only what became true after that date or time. " +
			"NULL or empty: the last applied record, every case, the beginning. A moment after the last applied record is an error. " +
			"For instance SELECT measure, value FROM laporan.national_at(as_of => '2020-11-26', seen_by => 'bkn').",
		sql: `CREATE FUNCTION laporan.national_at(as_of text DEFAULT NULL, known_at text DEFAULT NULL, unit text DEFAULT 'respondent', seen_by text DEFAULT NULL, since text DEFAULT NULL)
RETURNS SETOF laporan.national_figure LANGUAGE plpgsql ROWS 23 SECURITY DEFINER ` + functionSettings + ` AS $body$
DECLARE
	settled record;
	k bigint;
	k_recorded timestamptz;
	t timestamptz;
	s timestamptz := coalesce(laporan.moment(nullif(national_at.since, '')), '-infinity');
	observer text := nullif(national_at.seen_by, '');
BEGIN
	IF national_at.unit IS NULL OR national_at.unit NOT IN (SELECT u.unit FROM (VALUES ` + unitValues() + `) u (unit)) THEN
		RAISE EXCEPTION 'unknown unit "%": case, respondent, recommendation or ppk', national_at.unit USING ERRCODE = 'invalid_parameter_value';
	ELSIF observer !~ '^[a-z0-9-]{1,32}$' THEN
		RAISE EXCEPTION 'unknown agency "%"', observer USING ERRCODE = 'invalid_parameter_value';
	END IF;` + nothingApplied + `
	k := coalesce(laporan.position_at(nullif(national_at.known_at, '')), settled.position);
	t := coalesce(laporan.moment(nullif(national_at.as_of, '')), settled.recorded);
	IF t > settled.recorded THEN
		` + notSettled("as-of") + `
	END IF;
	SELECT r.recorded INTO k_recorded FROM projection.record r WHERE r.position = k;
	RETURN QUERY
	SELECT v.ordinal, v.measure, national_at.unit, v.value, t, k, k_recorded, observer, nullif(s, '-infinity')
	FROM (SELECT ` + strings.Join(counts, ", ") + ` FROM (
		SELECT ` + strings.Join(truths, ",\n\t\t\t") + `
		FROM (
			SELECT h.*, CASE national_at.unit` + keys + ` END AS counted
			FROM projection.respondent_history h
			WHERE h.happened_from <= t AND h.happened_to > t AND h.recorded_from <= k AND h.recorded_to > k
			  AND (observer IS NULL OR observer = ANY (h.seen_by))
		) h WHERE counted IS NOT NULL GROUP BY counted
	) per_key) sums
	CROSS JOIN LATERAL (VALUES ` + strings.Join(values, ", ") + `) v (ordinal, measure, value)
	ORDER BY v.ordinal;
END $body$`,
	}
}
