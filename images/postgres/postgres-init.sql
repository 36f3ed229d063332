-- Roles and database of one application. Run again at every start of the pod: a changed password takes effect then.
-- The values come from the environment, so that no argument list and no log holds the password.
SET client_min_messages = warning;

\getenv database POSTGRES_DB
\getenv role POSTGRES_USER
\getenv password APPLICATION_PASSWORD

SELECT format('CREATE ROLE %I', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

SELECT format(
  'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L',
  :'role', :'password'
) \gexec

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'database') \gexec

SELECT 'CREATE ROLE exporter LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'exporter') \gexec

GRANT pg_monitor TO exporter;
