-- Roles of one database cluster, and the application's database. Runs again whenever the application's password has
-- changed. The password comes from its file, so that no argument list, no environment and no log holds it.
SET client_min_messages = warning;
-- Nor may the server's log hold it, whatever fails or takes long.
SET log_min_error_statement = panic;
SET log_statement = none;
SET log_duration = off;
SET log_min_duration_statement = -1;
SET log_min_duration_sample = -1;
SET log_transaction_sample_rate = 0;

\getenv database POSTGRES_DB
\getenv role POSTGRES_USER
\getenv generation GENERATION
\getenv password_file POSTGRES_PASSWORD_FILE
\set password `cat "$POSTGRES_PASSWORD_FILE"`
-- A restored generation brings those of the one before along, and admits its own only.
\set replicator 'replicator_' :generation
\set rewinder 'rewinder_' :generation

SELECT format('CREATE ROLE %I', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

SELECT format(
  'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L',
  :'role', :'password'
) \gexec

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database') \gexec

-- Roles without a password: they sign in by certificate, the exporter by the socket.
SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['exporter', :'replicator', :'rewinder']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

GRANT pg_monitor TO exporter;
ALTER ROLE :"replicator" REPLICATION;
-- What pg_rewind reads of a server.
GRANT EXECUTE ON FUNCTION
  pg_catalog.pg_ls_dir(text, boolean, boolean),
  pg_catalog.pg_stat_file(text, boolean),
  pg_catalog.pg_read_binary_file(text),
  pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)
TO :"rewinder";
