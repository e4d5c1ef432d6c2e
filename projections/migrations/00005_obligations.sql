-- What is owed by whom and by when, as ledger.Row.Obligations gives it under the
-- rules published by each position. SQL never computes a day.

-- +goose Up

-- The next step where no rule has a deadline; it follows from the row alone.
ALTER TABLE respondent_history
    ADD COLUMN next_step boolean NOT NULL,
    ADD COLUMN next_owed_by text,
    ADD COLUMN next_authority text,
    ADD COLUMN next_since timestamptz,
    ADD CONSTRAINT next_step_only CHECK (next_step OR num_nonnulls(next_owed_by, next_authority, next_since) = 0);
COMMENT ON COLUMN respondent_history.next_step IS 'owed unless obligation has rows for the state; false: nothing has to follow';

-- One row an obligation of a state in respondent_history (case_id, respondent,
-- happened_from), over a span of the ledger (recorded_from <= position <
-- recorded_to) in which state and rules gave it, and over a span of moments
-- (holds_from <= t < holds_to) in which hand-overs and lapsed rights leave it as
-- it is. It says nothing of when the state ended: that is the state's to say. No
-- rows: the next step is all that is owed.
CREATE TABLE obligation (
    recorded_from bigint NOT NULL,
    recorded_to bigint NOT NULL,
    case_id uuid NOT NULL,
    respondent text COLLATE "C" NOT NULL,
    happened_from timestamptz NOT NULL,
    ordinal smallint NOT NULL CHECK (ordinal > 0),
    holds_from timestamptz NOT NULL,
    holds_to timestamptz NOT NULL,

    code text NOT NULL,
    also text[] NOT NULL,
    owed_by text,
    authority text,
    instead_of text,
    watched_by text,
    awaits text[] NOT NULL,
    since timestamptz,
    due text,
    due_ends timestamptz,
    at_most text,
    in_force text,
    provisional boolean NOT NULL,
    is_right boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'met', 'ended')),
    met timestamptz,
    regime text,
    basis text,
    doubt text,

    PRIMARY KEY (case_id, respondent, happened_from, recorded_from, ordinal),
    CHECK (recorded_from > 0 AND recorded_from < recorded_to),
    CHECK (happened_from <= holds_from AND holds_from < holds_to),
    CHECK ((due IS NULL) = (due_ends IS NULL)),
    CHECK ((met IS NOT NULL) = (state = 'met'))
) WITH (fillfactor = 90); -- room to end recorded_to within the page
COMMENT ON COLUMN obligation.due_ends IS 'the last moment of the due day; what is open after it is overdue or, a right, lapsed';
