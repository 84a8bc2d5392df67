-- select_each, insert_each and update_each: what the adapter asks for several callers at once.

begin;
select plan(30);

select tests.create_user('ada');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Run');
insert into public.tasks (id, user_id, goal_id, title, scheduled_at, duration_minutes)
select
  ('a2000000-0000-4000-8000-00000000000' || nth.number)::uuid as id,
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  'a1000000-0000-4000-8000-000000000001'::uuid as goal_id,
  E'Task, \n ' || nth.number as title,
  '2030-01-01T12:00:00Z'::timestamptz as scheduled_at,
  30 as duration_minutes
from generate_series(1, 5) as nth (number);

create function pg_temp.task_id(nth integer)
returns uuid
language sql
immutable
as $$
  select ('a2000000-0000-4000-8000-00000000000' || nth)::uuid;
$$;
-- How the adapter takes an answer apart.
create function pg_temp.parts(entries bytea)
returns setof text
language sql
as $$
  select unnest(string_to_array(convert_from(entries, 'utf8'), E'\n'));
$$;
create function pg_temp.titles(entries bytea)
returns text
language sql
as $$
  select string_agg(part::json ->> 'title', ' ' order by part::json ->> 'title') from pg_temp.parts(entries) as part;
$$;

-- select_each

select is(
  (
    select array_agg(part::jsonb order by part)
    from
      pg_temp.parts(public.select_each('public.tasks', array[pg_temp.task_id(1), pg_temp.task_id(2), pg_temp.task_id(3)])) as part
  ),
  (
    select array_agg(to_jsonb(tasks) order by tasks.id) from public.tasks
    where tasks.id in (pg_temp.task_id(1), pg_temp.task_id(2), pg_temp.task_id(3))
  ),
  'the rows are whole, a row a line, whatever is in them'
);
select is(
  (
    select array_agg(part::jsonb order by part)
    from pg_temp.parts(public.select_each('v1_0.tasks', array[pg_temp.task_id(1), pg_temp.task_id(2)])) as part
  ),
  (
    select array_agg(to_jsonb(tasks) order by tasks.id) from v1_0.tasks
    where tasks.id in (pg_temp.task_id(1), pg_temp.task_id(2))
  ),
  'those of the other contract are in its words'
);
select is(
  (
    select count(*)
    from pg_temp.parts(public.select_each('public.tasks', array[pg_temp.task_id(1), pg_temp.task_id(2)])) as part
    where part like '{"id":"a2000000-0000-4000-8000-00000000000_",%'
  ),
  2::bigint, 'a row begins with its id'
);
select is(
  (
    select count(part)
    from pg_temp.parts(public.select_each('public.tasks', array[pg_temp.task_id(1), gen_random_uuid(), pg_temp.task_id(1)])) as part
  ),
  1::bigint, 'an id that names no row is left out, and one that is repeated counts once'
);
select is(
  public.select_each('public.tasks', array[gen_random_uuid()])::bytea, ''::bytea, 'no row is found: the answer is empty'
);
select throws_ok(
  $$select public.select_each('public.nonsense', array[gen_random_uuid()])$$, '42P01', null,
  'a resource that does not exist is refused'
);
select throws_ok(
  $$select public.select_each('tasks', array[gen_random_uuid()])$$, '42P01', null, 'as is one without its schema'
);
select
  throws_ok(format(call.statement, 'private.row_counts'), '42P01', 'The resource is of no contract.', 'and one of no contract')
from (
  values
  ('select public.select_each(%L, array[gen_random_uuid()])'),
  ($$select public.insert_each(%L, '[{"id": 1}]')$$),
  ($$select public.update_each(%L, '[{"id": 1}]')$$)
) as call (statement);

-- insert_each

create temporary table inserted as
select part.line::jsonb as entry, part.place
from pg_temp.parts(public.insert_each('public.tasks', (
  select json_agg(jsonb_strip_nulls(jsonb_build_object(
    'user_id', 'a0000000-0000-4000-8000-000000000001', 'title', 'New ' || nth,
    'priority', case when nth % 3 = 0 then 'important' end
  )) order by nth) from generate_series(1, 9) as nth
))) with ordinality as part (line, place);
select is(
  (select string_agg(inserted.entry ->> 'title', ', ' order by inserted.place) from inserted),
  (select string_agg('New ' || nth, ', ' order by nth) from generate_series(1, 9) as nth),
  'rows are inserted and answered in the order of the entries, also if these have different fields'
);
select is(
  (select string_agg(inserted.entry ->> 'priority', ' ' order by inserted.place) from inserted where inserted.place <= 3),
  'standard standard important', 'what is not given takes its default; a field of one is not a field of the other'
);
select bag_eq(
  'select inserted.entry from inserted', $$select to_jsonb(tasks) from public.tasks where tasks.title like 'New _'$$,
  'the answers are the rows'
);
create temporary table inserted_of_1_0 as
select part::jsonb as entry
from pg_temp.parts(public.insert_each('v1_0.tasks', json_build_array(json_build_object(
  'user_id', 'a0000000-0000-4000-8000-000000000001', 'goal_id', 'a1000000-0000-4000-8000-000000000001', 'title', 'E',
  'state', 'drifted'
)))) as part;
select is(
  (select array_agg(inserted_of_1_0.entry) from inserted_of_1_0),
  (select array_agg(to_jsonb(tasks)) from v1_0.tasks where tasks.title = 'E'),
  'the other contract inserts in its words'
);
select throws_ok(
  $$
    select public.insert_each('public.tasks', json_build_array(
      json_build_object('user_id', 'a0000000-0000-4000-8000-000000000001', 'title', 'Good'),
      json_build_object('user_id', gen_random_uuid(), 'title', 'Bad')
    ))
  $$,
  '23503', null, 'a row that is refused is refused'
);
select is_empty($$select from public.tasks where tasks.title = 'Good'$$, 'and with it all others');
select throws_ok(
  $$select public.insert_each('public.tasks', '[{"nonsense": 1}]')$$, '42703', null,
  'a field that does not exist is refused'
);
select throws_ok(
  $$select public.insert_each('public.tasks', '[{"title) select --": 1}]')$$,
  '42703', null,
  'a field is a name and nothing more'
);

-- update_each

select is(
  pg_temp.titles(public.update_each('public.tasks', json_build_array(
    json_build_object('id', pg_temp.task_id(1), 'title', 'One'),
    json_build_object('id', pg_temp.task_id(2), 'title', 'Two', 'status', 'done'),
    json_build_object('id', gen_random_uuid(), 'title', 'None')
  ))),
  'One Two', 'rows are changed and answered, without those that do not exist'
);
select is(
  (
    select string_agg(tasks.title || ' ' || tasks.status, ', ' order by tasks.id) from public.tasks
    where tasks.id in (pg_temp.task_id(1), pg_temp.task_id(2))
  ),
  'One pending, Two done', 'each in its own fields and no other'
);
select isnt(
  (select tasks.completed_at from public.tasks where tasks.id = pg_temp.task_id(2)), null, 'the rules of a change hold'
);
select is(
  public.update_each('public.tasks', json_build_array(json_build_object('id', gen_random_uuid(), 'title', 'None')))::bytea,
  ''::bytea,
  'no row found: no line'
);
create temporary table changed as
select part::jsonb as entry
from pg_temp.parts(public.update_each('v1_0.tasks', json_build_array(json_build_object(
  'id', pg_temp.task_id(3), 'state', 'completed', 'end_time', '2030-01-01T12:45:00.000001+00:00'
)))) as part;
select is(
  (select array_agg(changed.entry) from changed),
  (select array_agg(to_jsonb(tasks)) from v1_0.tasks where tasks.id = pg_temp.task_id(3)),
  'the other contract changes in its words'
);
select is(
  (
    select tasks.status || ' ' || tasks.scheduled_end_at || ' ' || tasks.duration_minutes from public.tasks
    where tasks.id = pg_temp.task_id(3)
  ),
  'done 2030-01-01 12:45:00.000001+00 46', 'and by its rules'
);
select throws_ok(
  $$
    select public.update_each('public.tasks', json_build_array(
      json_build_object('id', pg_temp.task_id(4), 'title', 'Good'),
      json_build_object('id', pg_temp.task_id(5), 'goal_id', gen_random_uuid())
    ))
  $$,
  '23503', null, 'a change that is refused is refused'
);
select is_empty($$select from public.tasks where tasks.title = 'Good'$$, 'and with it all others');
-- Rights

create temporary view shared_calls as
select
  procedures.oid,
  namespaces.nspname,
  procedures.proname,
  procedures.proconfig
from pg_proc as procedures
inner join pg_namespace as namespaces on procedures.pronamespace = namespaces.oid
where procedures.proname ~ '^(select|insert|update)_each$';

select is_empty(
  $$
    select nspname, proname from shared_calls
    where has_function_privilege('authenticated', oid, 'execute') or has_function_privilege('anon', oid, 'execute')
  $$,
  'users do not call them'
);
select set_eq(
  $$select proname from shared_calls where nspname = 'public' and 'lock_timeout=20ms' = any (proconfig)$$,
  array['insert_each', 'update_each'], 'those that write do not wait for other writers for long'
);

-- What became of each call as the service.
create function pg_temp.outcome(statement text)
returns text
language plpgsql
as $$
begin
  set local role service_role;
  execute statement;
  reset role;
  return 'done';
exception
  when others then
    reset role;
    return sqlstate;
end;
$$;

select is(
  pg_temp.outcome($$
    select public.update_each('public.tasks', json_build_array(json_build_object(
      'id', gen_random_uuid(), 'user_id', 'a0000000-0000-4000-8000-000000000001'
    )))
  $$),
  '42501', 'the service writes no column that it may not write'
);
select is(
  pg_temp.outcome($$
    select public.insert_each('public.tasks', json_build_array(json_build_object(
      'user_id', 'a0000000-0000-4000-8000-000000000001', 'title', 'F'
    )))
  $$),
  'done', 'but may write others'
);

select finish();
rollback;
