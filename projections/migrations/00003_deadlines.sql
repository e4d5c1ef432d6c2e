-- When milestones were reached, from which deadlines run. What is owed, by whom and
-- by when follows from these and from the rules published by the time that is asked
-- about, so that rules and holidays published later change no row.

-- +goose Up

ALTER TABLE respondent_history
    ADD COLUMN reached_opened timestamptz,
    ADD COLUMN reached_reported timestamptz,
    ADD COLUMN reached_checked timestamptz,
    ADD COLUMN reached_registered timestamptz,
    ADD COLUMN reached_verified timestamptz,
    ADD COLUMN reached_assessed timestamptz,
    ADD COLUMN reached_forwarded timestamptz,
    ADD COLUMN reached_received timestamptz,
    ADD COLUMN reached_returned timestamptz,
    ADD COLUMN reached_recommended timestamptz,
    ADD COLUMN reached_sent timestamptz,
    ADD COLUMN reached_admonished timestamptz,
    ADD COLUMN reached_decided timestamptz,
    ADD COLUMN reached_decreed timestamptz,
    ADD COLUMN reached_delivered timestamptz,
    ADD COLUMN reached_sanction_delivered timestamptz,
    ADD COLUMN reached_annulled timestamptz,
    ADD COLUMN reached_objection_filed timestamptz,
    ADD COLUMN reached_objection_decided timestamptz,
    ADD COLUMN reached_appeal_filed timestamptz,
    ADD COLUMN reached_appeal_decided timestamptz,
    ADD COLUMN reached_reopened timestamptz,
    ADD COLUMN reached_ended timestamptz;
COMMENT ON COLUMN respondent_history.reached_opened IS 'the last time the milestone was reached, null: it was not; so with the other columns of that name';
COMMENT ON COLUMN respondent_history.reached_sent IS 'the first moment of the day on which the recommendation was sent; likewise reached_decreed';

CREATE INDEX record_of_rules ON record (position)
    WHERE case_id IS NULL AND kind IN ('contest.published', 'holidays.published', 'regime.published');
