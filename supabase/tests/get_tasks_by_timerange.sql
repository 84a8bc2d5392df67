-- get_tasks_by_timerange: a user's tasks in a window, both ends included, in the order of their start.

begin;
select plan(20);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'x');
insert into public.tasks (id, user_id, goal_id, title, scheduled_at, status, trigger_type)
select
  example.id::uuid as id,
  example.user_id::uuid as user_id,
  example.goal_id::uuid as goal_id,
  example.title,
  example.scheduled_at::timestamptz as scheduled_at,
  example.status,
  'time' as trigger_type
from (
  values
  (
    'a3000000-0000-4000-8000-000000000009', 'a0000000-0000-4000-8000-000000000001', null, 'at the end',
    '2030-01-02T00:00:00Z', 'pending'
  ),
  (
    'a3000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', null, 'twin 2',
    '2030-01-01T12:00:00Z', 'cancelled'
  ),
  (
    'a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001',
    'a1000000-0000-4000-8000-000000000001', 'twin 1', '2030-01-01T13:00:00+01:00', 'done'
  ),
  (
    'a3000000-0000-4000-8000-000000000008', 'a0000000-0000-4000-8000-000000000001', null, 'at the start',
    '2030-01-01T00:00:00Z', 'pending'
  ),
  (
    'a3000000-0000-4000-8000-000000000004', 'a0000000-0000-4000-8000-000000000001', null, 'a moment before',
    '2029-12-31T23:59:59.999999Z', 'pending'
  ),
  (
    'a3000000-0000-4000-8000-000000000005', 'a0000000-0000-4000-8000-000000000001', null, 'a moment after',
    '2030-01-02T00:00:00.000001Z', 'pending'
  ),
  (
    'a3000000-0000-4000-8000-000000000006', 'a0000000-0000-4000-8000-000000000001', null, 'unscheduled', null, 'pending'
  ),
  (
    'a3000000-0000-4000-8000-000000000007', 'a0000000-0000-4000-8000-000000000002', null, 'another''s',
    '2030-01-01T12:00:00Z', 'pending'
  )
) as example (id, user_id, goal_id, title, scheduled_at, status);

create function pg_temp.titles(user_id uuid, range_start timestamptz, range_end timestamptz)
returns text[]
language sql
as $$
  select array_agg(listed.task ->> 'title' order by listed.place)
  from jsonb_array_elements(
    to_jsonb(public.get_tasks_by_timerange(titles.user_id, range_start, range_end))
  ) with ordinality as listed (task, place);
$$;

select is(
  pg_temp.titles('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z'),
  array['at the start', 'twin 1', 'twin 2', 'at the end'],
  'by start, then by id; both ends belong to the window; any status; nobody else''s and nothing unscheduled'
);
select is(
  pg_temp.titles('a0000000-0000-4000-8000-000000000001', '2030-01-01T01:00+01', '2030-01-02T01:00+01'),
  array['at the start', 'twin 1', 'twin 2', 'at the end'], 'the same window in another time zone'
);
select is(
  pg_temp.titles('a0000000-0000-4000-8000-000000000001', '2030-01-01T12:00Z', '2030-01-01T12:00Z'),
  array['twin 1', 'twin 2'], 'a window may be a moment'
);
select is(
  pg_temp.titles('a0000000-0000-4000-8000-000000000001', '2029-12-31T23:59:59.999999Z', '2030-01-02T00:00:00.000001Z'),
  array['a moment before', 'at the start', 'twin 1', 'twin 2', 'at the end', 'a moment after'],
  'microseconds count'
);
select is(
  public.get_tasks_by_timerange('a0000000-0000-4000-8000-000000000001', '2040-01-01Z', '2041-01-01Z'),
  '{}'::public.tasks[], 'nothing in the window is an empty list'
);
select is(
  public.get_tasks_by_timerange('a0000000-0000-4000-8000-00000000dead', '2030-01-01Z', '2030-01-02Z'),
  '{}'::public.tasks[], 'a user who does not exist has nothing'
);
select is(
  (
    select to_jsonb(listed.task)
    from (
      select unnest(public.get_tasks_by_timerange(
        'a0000000-0000-4000-8000-000000000002', '2030-01-01Z', '2030-01-02Z'
      )) as task
    ) as listed
  ),
  (select to_jsonb(tasks) from public.tasks where id = 'a3000000-0000-4000-8000-000000000007'),
  'tasks come with all their fields'
);
select throws_ok(
  $$
    select public.get_tasks_by_timerange(
      'a0000000-0000-4000-8000-000000000001', '2030-01-02Z', '2030-01-01T23:59:59.999999Z'
    )
  $$,
  'PT400', 'The range ends before it starts.', 'a range that ends before it starts is refused'
);
select
  throws_ok(
    format(
      'select %s(%L, %L, %L)', called.name, 'a0000000-0000-4000-8000-000000000001', bad.range_start, bad.range_end
    ),
    '23514', null, format('%s: a range from %s to %s is refused', called.name, bad.range_start, bad.range_end)
  )
from unnest(array['public.get_tasks_by_timerange', 'v1_0.get_tasks_by_timerange']) as called (name)
cross join (values ('-infinity', '2030-01-01Z'), ('2030-01-01Z', 'infinity')) as bad (range_start, range_end);

-- More than the Data API's row limit

insert into public.tasks (user_id, goal_id, title, scheduled_at)
select
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  'a1000000-0000-4000-8000-000000000001'::uuid as goal_id,
  'x' as title,
  '2050-01-01Z'::timestamptz + nth.number * interval '1 minute' as scheduled_at
from generate_series(2500, 1, -1) as nth (number);

select is(
  cardinality(public.get_tasks_by_timerange('a0000000-0000-4000-8000-000000000001', '2050-01-01Z', '2051-01-01Z')),
  2500, 'all of them, also more than the Data API''s row limit'
);

-- Contract 1.0

select is(
  (
    select array_agg(listed.title::text || ': ' || listed.state order by listed.start_time, listed.id)
    from
      unnest(v1_0.get_tasks_by_timerange('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z'))
        as listed
  ),
  array['at the start: scheduled', 'twin 1: completed', 'twin 2: missed', 'at the end: scheduled'],
  '1.0: the same tasks in its words'
);
select is(
  (
    select array_agg(listed.id)
    from
      unnest(v1_0.get_tasks_by_timerange('a0000000-0000-4000-8000-000000000001', '2030-01-01Z', '2030-01-02Z'))
        as listed
  ),
  array[
    'a3000000-0000-4000-8000-000000000008', 'a3000000-0000-4000-8000-000000000002',
    'a3000000-0000-4000-8000-000000000003', 'a3000000-0000-4000-8000-000000000009'
  ]::uuid[],
  '1.0: in the same order'
);
select is(
  (
    select to_jsonb(listed.task)
    from (
      select unnest(v1_0.get_tasks_by_timerange(
        'a0000000-0000-4000-8000-000000000002', '2030-01-01Z', '2030-01-02Z'
      )) as task
    ) as listed
  ),
  (select to_jsonb(tasks) from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000007'),
  '1.0: with its fields'
);
select is(
  v1_0.get_tasks_by_timerange('a0000000-0000-4000-8000-000000000001', '2040-01-01Z', '2041-01-01Z'),
  '{}'::v1_0.tasks[], '1.0: nothing in the window is an empty list'
);
select throws_ok(
  $$select v1_0.get_tasks_by_timerange('a0000000-0000-4000-8000-000000000001', '2030-01-02Z', '2030-01-01Z')$$,
  'PT400', 'The range ends before it starts.', '1.0: a range that ends before it starts is refused'
);

-- A caller may use GET

select volatility_is('public', 'get_tasks_by_timerange', 'stable', 'it only reads');
select volatility_is('v1_0', 'get_tasks_by_timerange', 'stable', '1.0: it only reads');

select * from finish();
rollback;
