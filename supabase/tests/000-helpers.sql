-- What the other files share. Named as in basejump's test helpers for Supabase, and kept in the database: this file runs first.

create schema if not exists tests;

create or replace function tests.create_user(name text)
returns uuid
language sql
volatile
set search_path = ''
as $$
  insert into public.users (id, email)
  select ('a0000000-0000-4000-8000-00000000000' || array_position(array['ada', 'grace', 'linus'], name))::uuid, name || '@example.com'
  returning users.id;
$$;
comment on function tests.create_user(text) is
'Creates Ada, Grace or Linus, whose ids end with 1, 2 and 3, and returns the id.';

create or replace function tests.authenticate_as(user_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  select
    set_config('request.jwt.claims', json_build_object('sub', user_id, 'role', 'authenticated')::text, true),
    set_config('role', 'authenticated', true);
$$;
comment on function tests.authenticate_as(uuid) is 'Makes the rest of the transaction the user''s, until `reset role`.';

begin;
select plan(2);

select is(tests.create_user('grace'), 'a0000000-0000-4000-8000-000000000002', 'a user has an id that the files can name');
select tests.authenticate_as('a0000000-0000-4000-8000-000000000002');
select set_config('tests.seen', concat_ws(' ', current_user, auth.uid()), true);
reset role;
select is(
  current_setting('tests.seen'), 'authenticated a0000000-0000-4000-8000-000000000002',
  'what follows is done by the user, who is no superuser'
);

select * from finish();
rollback;
