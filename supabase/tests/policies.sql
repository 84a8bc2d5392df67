-- Row-level security, as data. tests/database/test_policies.py lists the policies of the exposed schemas with what each allows: a
-- test fails there for one that is missing in the list, dropped or widened.

begin;
select plan(7);

select set_eq(
  $$select tablename::text, cmd, policyname::text from pg_policies where schemaname = 'private'$$,
  $$
    values
    ('row_counts', 'SELECT', 'The service reads the counts'),
    ('whole_views', 'SELECT', 'The service reads which views are whole')
  $$,
  'these are the policies of what is not exposed'
);
select is_empty(
  $$
    select policyname from pg_policies
    where schemaname in ('public', 'v1_0') and (roles <> '{authenticated}' or permissive <> 'PERMISSIVE')
  $$,
  'each is for users who signed in, and widens nothing for anyone else'
);
select is_empty(
  $$
    select policyname from pg_policies
    where
      schemaname in ('public', 'v1_0')
      and coalesce(qual, '') || coalesce(with_check, '') not like '%( SELECT private.signed_in_user() AS signed_in_user)%'
  $$,
  'each asks one function who calls, once per statement and not once per row'
);
select is_empty(
  $$
    select policyname from pg_policies
    where schemaname in ('public', 'v1_0') and cmd = 'UPDATE' and qual is distinct from with_check
  $$,
  'a row that a user may change stays one that the user may change'
);
select is_empty(
  $$select rolname from pg_roles where rolname in ('anon', 'authenticated', 'authenticator') and rolbypassrls$$,
  'no role that a caller without the service key can have passes them by'
);
select is(
  (select rolbypassrls from pg_roles where rolname = 'service_role'), true, 'the service does'
);
select is_empty(
  $$
    select pg_class.oid::regclass
    from pg_class
    inner join pg_namespace on relnamespace = pg_namespace.oid
    where nspname in ('public', 'v1_0') and relkind = 'r' and relowner in (
      select oid from pg_roles where rolname in ('anon', 'authenticated', 'authenticator', 'service_role')
    )
  $$,
  'no role of a caller owns a table, which would pass them by'
);

select * from finish();
rollback;
