-- The schema of the operators in the application's database: heartbeat rows and restore points. Runs again at any time.
-- POSTGRES_USER  role of the application, which may look and make restore points
SET client_min_messages = warning;

\getenv role POSTGRES_USER

BEGIN;

CREATE SCHEMA IF NOT EXISTS lifeline;
-- Nothing of ours may belong to a role that the application could become.
ALTER SCHEMA lifeline OWNER TO postgres;

CREATE TABLE IF NOT EXISTS lifeline.heartbeat (
  at timestamptz NOT NULL,
  lsn pg_lsn NOT NULL,
  region text NOT NULL
);
CREATE INDEX IF NOT EXISTS heartbeat_at ON lifeline.heartbeat (at);

CREATE TABLE IF NOT EXISTS lifeline.restore_points (
  name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
  lsn pg_lsn NOT NULL,
  wal text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Marks this moment in the WAL and sends the segment to the archive. A name that exists stays where it is: a second
-- run of the same release must not move the way back past what the first one did.
CREATE OR REPLACE FUNCTION lifeline.create_restore_point(point text, OUT lsn pg_lsn, OUT wal text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  LOCK TABLE lifeline.restore_points IN SHARE ROW EXCLUSIVE MODE;
  SELECT known.lsn, known.wal INTO lsn, wal FROM lifeline.restore_points AS known WHERE name = point;
  IF FOUND THEN
    RETURN;
  END IF;
  IF point !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$' THEN
    RAISE EXCEPTION 'a restore point is named by at most 63 letters, digits, dots, dashes and underscores, got "%"', point;
  END IF;
  lsn := pg_create_restore_point(point);
  wal := pg_walfile_name(lsn);
  INSERT INTO lifeline.restore_points (name, lsn, wal) VALUES (point, create_restore_point.lsn, create_restore_point.wal);
  PERFORM pg_switch_wal();
END
$$;

-- Whether this server's archiver has finished a segment, on whichever timeline, and all before it that are still there.
-- It works in order, but it hears late of one that ends exactly where its timeline does (agent/segments.py).
CREATE OR REPLACE FUNCTION lifeline.archived(wal text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH present AS (
    SELECT name, substr(name, 9, 16) AS number FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'
  ), done AS (
    SELECT substr(name, 1, 24) AS name, substr(name, 9, 16) AS number
    FROM pg_ls_archive_statusdir() WHERE name ~ '^[0-9A-F]{24}\.done$'
    UNION ALL
    SELECT last_archived_wal, substr(last_archived_wal, 9, 16)
    FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{24}$'
  )
  SELECT EXISTS (SELECT FROM done WHERE number >= substr(wal, 9, 16))
    AND NOT EXISTS (SELECT FROM present WHERE number <= substr(wal, 9, 16) AND name NOT IN (SELECT name FROM done))
$$;

REVOKE ALL ON SCHEMA lifeline FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA lifeline FROM PUBLIC;
SELECT format('GRANT USAGE ON SCHEMA lifeline TO %I', :'role') \gexec
SELECT format('GRANT SELECT ON ALL TABLES IN SCHEMA lifeline TO %I', :'role') \gexec
SELECT format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA lifeline TO %I', :'role') \gexec

COMMIT;
