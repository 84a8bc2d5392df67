-- get_task_statistics: how a user's tasks turned out, by their creation.

begin;
select plan(20);

select tests.create_user('ada');
select tests.create_user('grace');

select is(
  to_jsonb(public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z')),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "total_tasks": 0, "by_status": {}, "completion_rate": 0.0
  }',
  'where there are no tasks there are no statuses either'
);
select is(
  to_jsonb(v1_0.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z')),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "total_tasks": 0, "by_state": {}, "completion_rate": 0.0
  }',
  '1.0: nor states'
);

insert into public.tasks (user_id, title, status, created_at)
select
  example.user_id::uuid as user_id,
  'x' as title,
  example.status,
  example.created_at::timestamptz as created_at
from (
  values
  ('a0000000-0000-4000-8000-000000000001', 'done', '2030-01-01T00:00:00Z'),
  ('a0000000-0000-4000-8000-000000000001', 'pending', '2030-01-02T01:00:00+01:00'),
  ('a0000000-0000-4000-8000-000000000001', 'missed', '2030-01-01T12:00:00Z'),
  ('a0000000-0000-4000-8000-000000000001', 'done', '2029-12-31T23:59:59.999999Z'),
  ('a0000000-0000-4000-8000-000000000001', 'done', '2030-01-02T00:00:00.000001Z'),
  ('a0000000-0000-4000-8000-000000000002', 'done', '2030-01-01T12:00:00Z')
) as example (user_id, status, created_at);

select is(
  to_jsonb(public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z')),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "total_tasks": 3, "completion_rate": 0.3333,
    "by_status": {"pending": 1, "done": 1, "missed": 1, "rescheduled": 0, "cancelled": 0}
  }',
  'both ends belong to the range, zeros are listed, the rate has four decimals, another''s tasks do not count'
);
select is(
  to_jsonb(v1_0.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z')),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "total_tasks": 3, "completion_rate": 0.3333,
    "by_state": {"scheduled": 1, "completed": 1, "missed": 1, "drifted": 0}
  }',
  '1.0: the same in its words'
);

insert into public.tasks (user_id, title, status, created_at)
select
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  'x' as title,
  example.status,
  '2031-01-01Z'::timestamptz as created_at
from (
  values ('pending', 1), ('done', 2), ('missed', 3), ('rescheduled', 4), ('cancelled', 5)
) as example (status, number), generate_series(1, example.number);

select is(
  to_jsonb(public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2031-01-01Z', '2031-01-01Z')),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "total_tasks": 15, "completion_rate": 0.1333,
    "by_status": {"pending": 1, "done": 2, "missed": 3, "rescheduled": 4, "cancelled": 5}
  }',
  'each status is counted for itself'
);
select is(
  to_jsonb(v1_0.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2031-01-01Z', '2031-01-01Z')),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "total_tasks": 15, "completion_rate": 0.1333,
    "by_state": {"scheduled": 1, "completed": 2, "missed": 8, "drifted": 4}
  }',
  '1.0: cancelled counts as missed'
);

-- Every word and no other, also one that a later migration adds

select set_eq(
  $$
    select jsonb_object_keys(
      (public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2031-01-01Z', '2031-01-01Z')).by_status
    )
  $$,
  $$
    select (regexp_matches(pg_get_constraintdef(oid), '''([^'']+)''::text', 'g'))[1]
    from pg_constraint where contypid = 'public.task_status'::regtype
  $$,
  'by_status lists the words of public.task_status'
);
select set_eq(
  $$
    select jsonb_object_keys(
      (v1_0.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2031-01-01Z', '2031-01-01Z')).by_state
    )
  $$,
  $$
    select (regexp_matches(pg_get_constraintdef(oid), '''([^'']+)''::text', 'g'))[1]
    from pg_constraint where contypid = 'v1_0.task_state'::regtype
  $$,
  '1.0: by_state lists the words of v1_0.task_state'
);

-- Rounding

create function pg_temp.rate(done integer, total integer)
returns text
language plpgsql
as $$
declare
  new_user_id constant uuid := gen_random_uuid();
begin
  insert into public.users (id, email) values (new_user_id, new_user_id::text || '@example.com');
  insert into public.tasks (user_id, title, status)
  select
    new_user_id,
    'x',
    case when nth <= done then 'done' else 'pending' end
  from generate_series(1, total) as nth;
  return (public.get_task_statistics(new_user_id, now(), now() + interval '1 hour')).completion_rate;
end;
$$;

select is(pg_temp.rate(example.done, example.total), example.expected, format('%s of %s', example.done, example.total))
from (
  values (0, 1, '0.0000'), (1, 1, '1.0000'), (2, 3, '0.6667'), (1, 16, '0.0625'), (1, 32, '0.0313'), (29, 30, '0.9667')
) as example (done, total, expected);

-- Ranges

select throws_ok(
  $$select public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2030-01-02Z', '2030-01-01Z')$$,
  'PT400', 'The range ends before it starts.', 'a range that ends before it starts is refused'
);
select throws_ok(
  $$select v1_0.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2030-01-02Z', '2030-01-01Z')$$,
  'PT400', 'The range ends before it starts.', '1.0: a range that ends before it starts is refused'
);
select throws_ok(
  $$select public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '-infinity', 'infinity')$$,
  '23514', null, 'a range has ends'
);
select is(
  to_jsonb(public.get_task_statistics('a0000000-0000-4000-8000-00000000dead', '2030-01-01Z', '2030-01-02Z')),
  '{"user_id": "a0000000-0000-4000-8000-00000000dead", "total_tasks": 0, "by_status": {}, "completion_rate": 0.0}',
  'a user who does not exist has no tasks'
);
select volatility_is('public', 'get_task_statistics', 'stable', 'it only reads');
select volatility_is('v1_0', 'get_task_statistics', 'stable', '1.0: it only reads');

select * from finish();
rollback;
