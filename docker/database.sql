-- What Supabase's Postgres image leaves to others, as superuser, once, when the database is made. Runs after the image's own
-- migrations, from /docker-entrypoint-initdb.d/migrations.

-- PostgREST's role has no password until somebody gives it one. The image makes the database's owner `postgres` itself; hosted
-- Supabase has the same owner, and the right to make schemas hangs on it.
\set authenticator_password `cat /run/flux/authenticator-password`
alter role authenticator with password :'authenticator_password';
alter database postgres owner to postgres;

-- The image's auth functions read the settings of PostgREST 8. Supabase Auth, which isn't part of this stack, replaces them by
-- ones that read what PostgREST sends today; without them no policy would know its user.
create or replace function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
  )::uuid
$$;

create or replace function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
  )::text
$$;

create or replace function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
  )::text
$$;

create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

alter function auth.jwt() owner to supabase_auth_admin;
