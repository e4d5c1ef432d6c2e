-- What runs beside the stage, and duplicates, which count for no measure.

-- +goose Up

ALTER TABLE respondent_history
    ADD COLUMN remedy text NOT NULL,
    ADD COLUMN criminal text NOT NULL,
    ADD COLUMN duplicate_of text,
    DROP CONSTRAINT respondent_history_check2, -- in process or concluded, always
    ADD CONSTRAINT in_process_or_concluded CHECK (num_nonnulls(in_process, concluded) = (duplicate_of IS NULL)::int),
    ADD CONSTRAINT duplicates_count_nowhere CHECK (duplicate_of IS NULL OR num_nonnulls(
        opened, waiting_verification, rejected, registered, not_registered, violation, not_violation, forwarded, not_proven,
        incomplete, recommended, not_followed_up, ppk_in_process, admonished, blocked, unblocked, followed_up, sanctioned,
        decided_not_proven, cancelled, left_service, case_not_violation, case_concluded) = 0);
COMMENT ON COLUMN respondent_history.remedy IS 'none, filed, or the outcome of the last one';
COMMENT ON COLUMN respondent_history.criminal IS 'the criminal branch: none, referred, concluded';
COMMENT ON COLUMN respondent_history.duplicate_of IS 'the case that this one repeats, as far as happened by then';
