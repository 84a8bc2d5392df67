-- perform_once: a write under an Idempotency-Key, and the answers that are kept.

begin;
select plan(13);

insert into public.users (id, email) values ('a0000000-0000-4000-8000-000000000001', 'ada@example.com');
insert into public.tasks (id, user_id, title) values
('a2000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Run');

create function pg_temp.add(
  caller text, key text, digest text default 'd', user_id text default 'a0000000-0000-4000-8000-000000000001'
)
returns text
language sql
as $$
  select public.perform_once(
    caller, key, digest, 'insert public.goals', json_build_object('user_id', user_id, 'title', 'Swim')
  )::text;
$$;

create temporary table answers as
select pg_temp.add('c', 'k') as answer;
select matches((select answer from answers), '^\{"id":', 'the first call writes and answers the row');
select is(pg_temp.add('c', 'k'), ' ' || (select answer from answers), 'the next ones answer the same, behind a space');
select is((select count(*) from public.goals where title = 'Swim'), 1::bigint, 'and write nothing');
select throws_ok('select pg_temp.add(''c'', ''k'', ''e'')', 'PT422', null, 'another request under the same key is refused');
select isnt(left(pg_temp.add('other', 'k'), 1), ' ', 'another caller has keys of its own');
select throws_ok(
  'select pg_temp.add(''c'', ''bad'', ''d'', gen_random_uuid()::text)', '23503', null, 'a write that is refused raises its error'
);
select is_empty('select from private.kept_answers where key = ''bad''', 'and keeps nothing');
select throws_ok(
  $$select public.perform_once('c', 'k2', 'd', 'delete public.goals', '{}')$$, '0A000', null,
  'only operations of the list are performed'
);
select throws_ok(
  $$
    select public.perform_once(
      'c', 'k3', 'd', 'call public.finish_task', '{"task_id": "a2000000-0000-4000-8000-000000000001", "new_status": "done"}',
      'public.tasks', 'a2000000-0000-4000-8000-000000000001', array['2001-01-01Z'::timestamptz]
    )
  $$,
  'PT412', null, 'the row can be asked to have a version too'
);

-- How long answers are kept

update private.kept_answers set kept_at = kept_at - interval '25 hours' where caller = 'other';
select is(private.purge_answers(1), 1, 'answers are purged after a day');
select is(private.purge_answers(1), 0, 'and not before');
delete from public.users where id = 'a0000000-0000-4000-8000-000000000001';
select is_empty('select from private.kept_answers', 'they go with the user whose data they hold');

-- Who sees them

select is_empty(
  $$
    select role.name from unnest(array['authenticated', 'service_role']) as role (name)
    where has_table_privilege(role.name, 'private.kept_answers', 'select, insert, update, delete, truncate')
  $$,
  'no role of the API has a right to them'
);

select * from finish();
rollback;
