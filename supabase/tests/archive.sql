-- private.archive_tasks(): finished tasks leave the tables that are read every day.

begin;
select plan(11);

-- Remove the example data first.
do $$ begin perform private.archive_tasks('2100-01-01Z', 10000); end $$;
select tests.create_user('ada');
insert into public.tasks (id, user_id, title, status)
select
  ('a2000000-0000-4000-8000-00000000000' || nth.number)::uuid as id,
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  'Task' as title,
  nth.status
from (
  values (1, 'done'), (2, 'missed'), (3, 'cancelled'), (4, 'pending'), (5, 'rescheduled'), (6, 'done'), (7, 'done')
) as nth (number, status);
insert into public.notification_log (task_id, channel)
select
  tasks.id,
  'push' as channel
from public.tasks where tasks.user_id = 'a0000000-0000-4000-8000-000000000001';
insert into public.dispatches (user_id, task_id, channel, dedupe_key, due_at, outcome, finished_at)
select
  tasks.user_id,
  tasks.id,
  'push' as channel,
  'x' as dedupe_key,
  now() as due_at,
  case when right(tasks.id::text, 1) <> '6' then 'sent' end as outcome,
  now() as finished_at
from public.tasks where tasks.user_id = 'a0000000-0000-4000-8000-000000000001';
insert into public.conversations (user_id, langgraph_thread_id, linked_task_id)
values ('a0000000-0000-4000-8000-000000000001', 'archive', 'a2000000-0000-4000-8000-000000000007');

create function pg_temp.numbers(tasks regclass)
returns text
language plpgsql
as $$
declare
  numbers text;
begin
  execute format(
    'select string_agg(right(id::text, 1), '' '' order by id) from %s where user_id = %L', tasks,
    'a0000000-0000-4000-8000-000000000001'
  ) into numbers;
  return numbers;
end;
$$;

select is(private.archive_tasks('2020-01-01Z', 100), 0, 'tasks that were changed since stay');
create temporary table before as
select to_jsonb(tasks) as task from public.tasks where tasks.id = 'a2000000-0000-4000-8000-000000000001';
create temporary table total as select private.known_total('public.tasks') as tasks;
select is(private.archive_tasks('2100-01-01Z', 2), 2, 'a batch is bounded');
select is(private.archive_tasks('2100-01-01Z', 100), 1, 'the next one takes the rest');
select is(
  pg_temp.numbers('archive.tasks'), '1 2 3', 'tasks that are done, missed or cancelled are moved'
);
select is(
  pg_temp.numbers('public.tasks'), '4 5 6 7', 'others stay, as do those with an open delivery or that a conversation names'
);
select is(
  (select array_agg(to_jsonb(tasks)) from archive.tasks where tasks.id = 'a2000000-0000-4000-8000-000000000001'),
  (select array_agg(before.task) from before), 'a row is moved as it is'
);
select is(
  (select count(*) from archive.notification_log where notification_log.task_id::text like 'a2000000%')
  || ' ' || (select count(*) from archive.dispatches where dispatches.task_id::text like 'a2000000%'),
  '3 3',
  'with what was delivered about it'
);
select is(private.known_total('public.tasks'), (select total.tasks - 3 from total), 'the total is exact');
select is_empty(
  $$
    select live.attname, live.atttypid, live.attnum from pg_attribute as live
    where live.attrelid in ('public.tasks'::regclass, 'public.dispatches'::regclass, 'public.notification_log'::regclass)
      and live.attnum > 0 and not exists (
        select from pg_attribute as kept
        where kept.attrelid = ('archive.' || split_part(live.attrelid::regclass::text, '.', -1))::regclass
          and kept.attname = live.attname and kept.atttypid = live.atttypid and kept.attnum = live.attnum
      )
  $$,
  'a table of the archive has the columns of its table, in their order'
);
select is_empty(
  $$
    select role.name from unnest(array['anon', 'authenticated', 'service_role']) as role (name)
    where has_schema_privilege(role.name, 'archive', 'usage')
  $$,
  'no role of the API reaches the archive'
);
delete from public.users where users.id = 'a0000000-0000-4000-8000-000000000001';
select is(pg_temp.numbers('archive.tasks'), null, 'archived rows are deleted with their user');

select finish();
rollback;
