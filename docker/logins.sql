-- The job `logins` of docker-compose.scale.yml, as the database's owner, at each start: what the adapters behind the pooler and the
-- standby log in as. docs/hosted-supabase.md says why the role and its limits are the login's own settings.
\set adapter_password `cat /run/flux/adapter-password`
\set standby_password `cat /run/flux/standby-password`

set client_min_messages = warning;
begin;
select 'create role flux_adapter login noinherit' where to_regrole('flux_adapter') is null
union all
select 'create role flux_standby login replication' where to_regrole('flux_standby') is null
\gexec
alter role flux_adapter password :'adapter_password';
grant service_role to flux_adapter;
alter role flux_adapter set role to 'service_role';
alter role flux_adapter set statement_timeout = '8s';
alter role flux_adapter set lock_timeout = '4s';
alter role flux_standby password :'standby_password';
commit;

-- The primary keeps WAL until the standby has it, up to max_slot_wal_keep_size (1 GB in the image's settings).
select pg_create_physical_replication_slot('standby') where not exists (select from pg_replication_slots where slot_name = 'standby')
\g /dev/null
