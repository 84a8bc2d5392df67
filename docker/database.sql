-- Runs once, as superuser, when the database is made: after the image's own migrations, from /docker-entrypoint-initdb.d/migrations.

-- The image gives PostgREST's role no password. It also makes another owner of the database than hosted Supabase, where `postgres` is
-- the owner and may therefore create schemas.
\set authenticator_password `cat /run/flux/authenticator-password`
alter role authenticator with password :'authenticator_password';
alter database postgres owner to postgres;
