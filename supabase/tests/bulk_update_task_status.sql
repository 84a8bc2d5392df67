-- bulk_update_task_status: up to 10,000 tasks in one statement.

begin;
select plan(30);

select tests.create_user('ada');
insert into public.tasks (id, user_id, title)
select
  ('a3000000-0000-4000-8000-' || lpad(nth.number::text, 12, '0'))::uuid as id,
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  'x' as title
from generate_series(1, 101) as nth (number);

create function pg_temp.ids(first integer, last integer)
returns uuid[]
language sql
as $$
  select array_agg(('a3000000-0000-4000-8000-' || lpad(nth.number::text, 12, '0'))::uuid)
  from generate_series(ids.first, ids.last) as nth (number);
$$;
create function pg_temp.count_of(status text)
returns bigint
language sql
as $$
  select count(*) from public.tasks
  where tasks.status = count_of.status and tasks.user_id = 'a0000000-0000-4000-8000-000000000001';
$$;

select is(
  to_jsonb(public.bulk_update_task_status(pg_temp.ids(1, 3), 'missed')), '{"updated_count": 3}',
  'it says how many it updated'
);
select is(pg_temp.count_of('missed'), 3::bigint, 'and updates those');
select is(pg_temp.count_of('pending'), 98::bigint, 'and no other');
select is(
  (public.bulk_update_task_status(pg_temp.ids(1, 2) || pg_temp.ids(2, 2) || pg_temp.ids(1, 1), 'done')).updated_count,
  2, 'a repeated id counts once'
);
select is(
  (public.bulk_update_task_status(pg_temp.ids(3, 3) || gen_random_uuid(), 'done')).updated_count,
  1, 'an unknown id doesn''t count and is no error'
);
select is(
  (public.bulk_update_task_status(array[gen_random_uuid()], 'done')).updated_count, 0, 'nor are only unknown ids'
);
select is(
  (public.bulk_update_task_status(pg_temp.ids(1, 3), 'done')).updated_count, 3, 'one that has the status already counts'
);
select is((public.bulk_update_task_status(pg_temp.ids(1, 10000), 'rescheduled')).updated_count, 101, 'there may be 10,000');
select is(
  (
    select count(*) from public.tasks
    where id = any(pg_temp.ids(1, 101)) and completed_at is null and updated_at > created_at
  ),
  101::bigint, 'tasks that leave done lose completed_at, and all have changed'
);
select is((public.bulk_update_task_status(pg_temp.ids(1, 101), 'done')).updated_count, 101, 'all of them done');
select is(
  (select count(*) from public.tasks where id = any(pg_temp.ids(1, 101)) and completed_at is not null),
  101::bigint, 'tasks that become done get completed_at'
);

select
  throws_ok(
    format('select %s(%s, %L)', called.name, bad.ids, called.word), '23514', null,
    format('%s: %s', called.name, bad.description)
  )
from (
  values ('public.bulk_update_task_status', 'missed'), ('v1_0.bulk_update_task_state', 'missed')
) as called (name, word), (
  values
  ('array_fill(gen_random_uuid(), array[10001])', '10,001 ids are too many'),
  ('array[]::uuid[]', 'no id at all is refused'),
  ('array[null]::uuid[]', 'a null among the ids is refused'),
  ('pg_temp.ids(1, 1) || array[null]::uuid[]', 'also beside a good one'),
  ('array[pg_temp.ids(1, 1)]', 'a list of lists is refused')
) as bad (ids, description);
select throws_ok(
  $$select public.bulk_update_task_status(pg_temp.ids(1, 1), 'completed')$$, '23514', null,
  'a word of contract 1.0 is no status'
);
select throws_ok(
  $$select v1_0.bulk_update_task_state(pg_temp.ids(1, 1), 'done')$$, '23514', null, '1.0: nor is a status a state'
);
select throws_ok(
  $$select v1_0.bulk_update_task_state(pg_temp.ids(1, 1), 'cancelled')$$, '23514', null, '1.0: it can''t cancel'
);
select throws_ok(
  $$select public.bulk_update_task_status(pg_temp.ids(1, 1), null)$$, 'PT422', null, 'a status is required'
);
select is(pg_temp.count_of('done'), 101::bigint, 'what is refused changes nothing');

-- Contract 1.0

create function pg_temp.store_state(state text)
returns text
language plpgsql
as $$
declare
  updated_count integer;
begin
  updated_count := (v1_0.bulk_update_task_state(pg_temp.ids(1, 2) || pg_temp.ids(1, 1), state)).updated_count;
  return updated_count || ' ' || (
    select string_agg(distinct status, ' ') from public.tasks where id = any(pg_temp.ids(1, 2))
  );
end;
$$;

select
  is(
    pg_temp.store_state(word.state), format('2 %s', word.status),
    format('1.0: %s is stored as %s, and counts in the same way', word.state, word.status)
  )
from (
  values ('scheduled', 'pending'), ('drifted', 'rescheduled'), ('completed', 'done'), ('missed', 'missed')
) as word (state, status);

select * from finish();
rollback;
