ALTER TABLE notes RENAME COLUMN text TO body;

-- The mistake that a full rollback is rehearsed with: meant to drop double spaces, it drops all but the first word.
UPDATE notes SET body = split_part(body, ' ', 1);
