-- Row-level security, as data. What the policies do is tried in tests/database: a test fails there for each policy that is dropped
-- or widened.

begin;
select plan(8);

create temporary table expected_policies (relation text, command text, policy text);
insert into expected_policies
values
('users', 'SELECT', 'Users read themselves'),
('users', 'UPDATE', 'Users change themselves'),
('users', 'DELETE', 'Users delete themselves'),
('demo_flags', 'SELECT', 'Owners read their demo flags'),
('demo_flags', 'INSERT', 'Owners create their demo flags'),
('demo_flags', 'UPDATE', 'Owners change their demo flags'),
('demo_flags', 'DELETE', 'Owners delete their demo flags'),
('goals', 'SELECT', 'Owners read their goals'),
('goals', 'INSERT', 'Owners create their goals'),
('goals', 'UPDATE', 'Owners change their goals'),
('goals', 'DELETE', 'Owners delete their goals'),
('milestones', 'SELECT', 'Owners read their goals'' milestones'),
('milestones', 'INSERT', 'Owners create their goals'' milestones'),
('milestones', 'UPDATE', 'Owners change their goals'' milestones'),
('milestones', 'DELETE', 'Owners delete their goals'' milestones'),
('tasks', 'SELECT', 'Owners read their tasks'),
('tasks', 'INSERT', 'Owners create their tasks'),
('tasks', 'UPDATE', 'Owners change their tasks'),
('tasks', 'DELETE', 'Owners delete their tasks'),
('conversations', 'SELECT', 'Owners read their conversations'),
('conversations', 'INSERT', 'Owners create their conversations'),
('conversations', 'UPDATE', 'Owners change their conversations'),
('conversations', 'DELETE', 'Owners delete their conversations'),
('messages', 'SELECT', 'Owners read their conversations'' messages'),
('messages', 'INSERT', 'Owners create their conversations'' messages'),
('messages', 'DELETE', 'Owners delete their conversations'' messages'),
('patterns', 'SELECT', 'Owners read their patterns'),
('patterns', 'INSERT', 'Owners create their patterns'),
('patterns', 'UPDATE', 'Owners change their patterns'),
('patterns', 'DELETE', 'Owners delete their patterns'),
('notification_log', 'SELECT', 'Owners read their tasks'' notifications'),
('dispatches', 'SELECT', 'Owners read their dispatches');

select set_eq(
  $$select tablename::text, cmd, policyname::text from pg_policies where schemaname in ('public', 'v1_0')$$,
  'select * from expected_policies', 'these are the policies'
);
select set_eq(
  $$select tablename::text, cmd, policyname::text from pg_policies where schemaname = 'private'$$,
  $$
    values
    ('row_counts', 'SELECT', 'The service reads the counts'),
    ('whole_views', 'SELECT', 'The service reads which views are whole')
  $$,
  'and these are those of what is not exposed'
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
