-- A task that becomes done gets completed_at unless the caller gave one; one that leaves done loses it.

begin;
select plan(24);

select tests.create_user('ada');

create function pg_temp.insert_task(status text, completed_at timestamptz)
returns timestamptz
language sql
as $$
  insert into public.tasks (user_id, title, status, completed_at)
  values ('a0000000-0000-4000-8000-000000000001', 'x', insert_task.status, insert_task.completed_at)
  returning completed_at;
$$;

-- Inserts a task as it was, changes it, answers its completed_at.
create function pg_temp.change_task(was text, was_completed_at timestamptz, change text)
returns timestamptz
language plpgsql
as $$
declare
  task_id constant uuid := gen_random_uuid();
  result timestamptz;
begin
  insert into public.tasks (id, user_id, title, status, completed_at)
  values (task_id, 'a0000000-0000-4000-8000-000000000001', 'x', was, was_completed_at);
  execute format('update public.tasks set %s where id = %L returning completed_at', change, task_id) into result;
  return result;
end;
$$;

select ok(
  pg_temp.insert_task('done', null) between now() and clock_timestamp(), 'a task that is born done was done now'
);
select is(pg_temp.insert_task('done', '2020-01-01Z'), '2020-01-01Z', 'unless the caller says when');
select is(pg_temp.insert_task('pending', null), null, 'a new task is not done');
select
  throws_ok(
    format('select pg_temp.insert_task(%L, now())', other.status), '23514',
    'new row for relation "tasks" violates check constraint "completed_at_only_when_done"',
    format('a task that is %s has no time of completion', other.status)
  )
from unnest(array['pending', 'missed', 'rescheduled', 'cancelled']) as other (status);

select
  ok(
    pg_temp.change_task(other.status, null, 'status = ''done''') between now() and clock_timestamp(),
    format('%s to done: now', other.status)
  )
from unnest(array['pending', 'missed', 'rescheduled', 'cancelled']) as other (status);
select is(
  pg_temp.change_task('pending', null, 'status = ''done'', completed_at = ''2020-01-01Z'''), '2020-01-01Z',
  'pending to done with a time: that time'
);
select ok(
  pg_temp.change_task('pending', null, 'status = ''done'', completed_at = null') between now() and clock_timestamp(),
  'pending to done with null: now'
);

select is(
  pg_temp.change_task('done', '2020-01-01Z', 'title = ''y'''), '2020-01-01Z', 'done, another field: stays'
);
select is(
  pg_temp.change_task('done', '2020-01-01Z', 'status = ''done'''), '2020-01-01Z', 'done to done: stays'
);
select is(
  pg_temp.change_task('done', '2020-01-01Z', 'completed_at = ''2021-01-01Z'''), '2021-01-01Z',
  'done, another time: that time'
);
select is(
  pg_temp.change_task('done', '2020-01-01Z', 'completed_at = null'), null, 'done, an explicit null: cleared'
);

insert into public.tasks (id, user_id, title, status)
values ('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'x', 'done');
update public.tasks set completed_at = null where id = 'a3000000-0000-4000-8000-000000000001';
update public.tasks set title = 'y', status = 'done' where id = 'a3000000-0000-4000-8000-000000000001';

select is(
  (select completed_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000001')::timestamptz, null,
  'and it stays cleared as long as the task stays done'
);

select
  is(
    pg_temp.change_task('done', '2020-01-01Z', format('status = %L', other.status)), null,
    format('done to %s: cleared', other.status)
  )
from unnest(array['pending', 'missed', 'rescheduled', 'cancelled']) as other (status);
select throws_ok(
  $$select pg_temp.change_task('done', '2020-01-01Z', 'status = ''missed'', completed_at = ''2021-01-01Z''')$$,
  '23514', 'new row for relation "tasks" violates check constraint "completed_at_only_when_done"',
  'done to missed with a time is a contradiction'
);
select throws_ok(
  $$select pg_temp.change_task('pending', null, 'completed_at = ''2021-01-01Z''')$$,
  '23514', 'new row for relation "tasks" violates check constraint "completed_at_only_when_done"',
  'a time for a task that is not done is a contradiction'
);

select * from finish();
rollback;
