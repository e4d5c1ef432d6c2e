-- What a case can be found by: numbers of registers, letters, decrees, rulings and
-- documents, institutions, places, and cases that are tied to it, each as the record at that position says it.
-- Rows are only added, so what was known at a position is what stands up to it; a
-- number that was corrected later still finds its case.

-- +goose Up

CREATE TABLE sought (
    field text COLLATE "C" NOT NULL CHECK (field IN
        ('register', 'letter', 'decree', 'ruling', 'document', 'institution', 'region', 'link')),
    value text COLLATE "C" NOT NULL CHECK (value <> ''),
    position bigint NOT NULL CHECK (position > 0),
    case_id uuid NOT NULL,
    PRIMARY KEY (field, value, position)
);
COMMENT ON COLUMN sought.value IS 'as projections.Normal writes numbers; codes as they are; digests after sha256/';
