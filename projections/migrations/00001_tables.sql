-- Tables of one generation. They are made in the schema at the head of the
-- search path and are a pure function of the ledger. A later version of them is
-- filled by a rebuild, never altered in place, so a migration only has to work
-- on empty tables.

-- +goose Up

-- How far this generation is. Follower and switch lock its one row.
CREATE TABLE progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint NOT NULL CHECK (position >= 0),
    leaf bytea NOT NULL CHECK (octet_length(leaf) = 32),
    recorded timestamptz CHECK ((recorded IS NULL) = (position = 0)),
    late_after_days integer,
    unknown bigint NOT NULL CHECK (unknown BETWEEN 0 AND position),
    stopped text NOT NULL
) WITH (fillfactor = 10);
COMMENT ON COLUMN progress.leaf IS 'leaf hash of the record at position; it must never change';
COMMENT ON COLUMN progress.late_after_days IS 'as the genesis states; null before it is applied';
COMMENT ON COLUMN progress.stopped IS 'why the projections stopped; empty while they go on';
INSERT INTO progress VALUES (true, 0, decode(repeat('00', 32), 'hex'), NULL, NULL, 0, '');

-- One row a record.
CREATE TABLE record (
    position bigint PRIMARY KEY CHECK (position > 0),
    recorded timestamptz NOT NULL,
    happened timestamptz NOT NULL,
    event_id uuid NOT NULL,
    case_id uuid,
    version smallint NOT NULL,
    known boolean NOT NULL,
    late boolean NOT NULL,
    subject text,
    agency text NOT NULL,
    kind text NOT NULL,
    keys text[] NOT NULL,
    leaf bytea NOT NULL CHECK (octet_length(leaf) = 32),
    data json NOT NULL,
    CHECK (num_nonnulls(case_id, subject) = 1)
);
CREATE INDEX record_of_case ON record (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX record_by_recorded ON record (recorded, position);
COMMENT ON COLUMN record.subject IS 'what the record is about when that is not a case';
COMMENT ON COLUMN record.known IS 'false: a kind the projector did not know; it is counted and moves nothing';
COMMENT ON COLUMN record.late IS 'recorded longer after it happened than the genesis allows without a mandate for late recording';

-- One row a ledger.Row: a state of a respondent over a span of time in which it
-- held (happened_from <= t < happened_to), as known over a span of the ledger
-- (recorded_from <= position < recorded_to). Spans that have not ended go to
-- infinity and to the largest bigint. Of one respondent's rows at most one
-- holds at any pair of the two.
CREATE TABLE respondent_history (
    recorded_from bigint NOT NULL,
    recorded_to bigint NOT NULL,
    case_id uuid NOT NULL,
    respondent text COLLATE "C" NOT NULL,
    happened_from timestamptz NOT NULL,
    happened_to timestamptz NOT NULL,

    stage text NOT NULL,
    control text NOT NULL,
    holder text,
    seen_by text[] NOT NULL,
    origin text,
    contest text,
    forwarded_to text[] NOT NULL,
    family text,
    sanction text,
    office text,
    ppk_kind text,
    ppk text,
    recommendation text,
    province_of_act text,
    province text,
    institution text,
    institution_kind text,
    class text,
    items text[] NOT NULL,

    -- Since when each measure is true; null: it is not.
    opened timestamptz,
    waiting_verification timestamptz,
    rejected timestamptz,
    registered timestamptz,
    not_registered timestamptz,
    violation timestamptz,
    not_violation timestamptz,
    forwarded timestamptz,
    in_process timestamptz,
    concluded timestamptz,
    not_proven timestamptz,
    incomplete timestamptz,
    recommended timestamptz,
    not_followed_up timestamptz,
    ppk_in_process timestamptz,
    admonished timestamptz,
    blocked timestamptz,
    unblocked timestamptz,
    followed_up timestamptz,
    sanctioned timestamptz,
    decided_not_proven timestamptz,
    cancelled timestamptz,
    left_service timestamptz,
    -- The same of all the case's respondents.
    case_not_violation timestamptz,
    case_concluded timestamptz,

    PRIMARY KEY (case_id, respondent, happened_from, recorded_from),
    CHECK (happened_from < happened_to),
    CHECK (recorded_from > 0 AND recorded_from < recorded_to),
    CHECK (num_nonnulls(in_process, concluded) = 1),
    CHECK (num_nonnulls(violation, not_violation) <= 1),
    CHECK (num_nonnulls(followed_up, not_followed_up) <= 1),
    CHECK (case_not_violation IS NULL OR not_violation IS NOT NULL),
    CHECK (case_concluded IS NULL OR concluded IS NOT NULL)
) WITH (fillfactor = 85); -- room to end recorded_to within the page

-- One row a refused submission.
CREATE TABLE refusal (
    position bigint PRIMARY KEY CHECK (position > 0),
    recorded timestamptz NOT NULL,
    agency text NOT NULL,
    reason text NOT NULL,
    pointers text[] NOT NULL,
    digest text NOT NULL,
    first_position bigint CHECK (first_position > 0)
);
CREATE INDEX refusal_of_agency ON refusal (agency, position);

-- One row a figure of figures.published. Dates are as written: a day that does
-- not exist is the publisher's mistake and is shown as such.
CREATE TABLE published_figure (
    position bigint NOT NULL CHECK (position > 0),
    ordinal integer NOT NULL CHECK (ordinal > 0),
    event_id uuid NOT NULL,
    publication text NOT NULL,
    publisher text NOT NULL,
    seen_by text NOT NULL,
    as_of text NOT NULL,
    since text,
    unit text NOT NULL,
    measure text NOT NULL,
    filter json NOT NULL,
    value numeric(20) NOT NULL CHECK (value >= 0),
    sources text[] NOT NULL,
    doubt text NOT NULL,
    restates text,
    PRIMARY KEY (position, ordinal)
);
