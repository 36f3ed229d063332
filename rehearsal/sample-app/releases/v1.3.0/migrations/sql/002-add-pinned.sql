-- Earlier releases neither read nor write the column: they go on as before.
ALTER TABLE notes ADD COLUMN pinned boolean NOT NULL DEFAULT false;
