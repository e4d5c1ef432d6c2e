-- What the mandates of successors ask of a case, and who has a mandate.

-- +goose Up

ALTER TABLE respondent_history ADD COLUMN reached_processed timestamptz;

DROP INDEX record_of_rules;
CREATE INDEX record_of_rules ON record (position)
    WHERE case_id IS NULL AND kind IN
        ('contest.published', 'holidays.published', 'ledger.genesis', 'mandate.ended', 'mandate.granted', 'regime.published');
