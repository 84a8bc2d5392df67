-- Start, end and duration stay in step: through contract 1.2 the duration decides, through contract 1.0 the end.

begin;
select plan(41);

select tests.create_user('ada');
insert into public.goals (id, user_id, title)
values ('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'A goal');

-- A task that starts at 12:00 for 30 minutes, changed by a statement with %s for its id; answers start, end, duration.
create function pg_temp.schedule_after(changes text[])
returns text
language plpgsql
as $$
declare
  task_id constant uuid := gen_random_uuid();
  change text;
begin
  insert into public.tasks (id, user_id, goal_id, title, scheduled_at, duration_minutes) values (
    task_id, 'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'x',
    '2030-01-01T12:00:00Z', 30
  );
  foreach change in array changes loop
    execute format('update %s where id = %L', change, task_id);
  end loop;
  return (
    select
      concat_ws(
        ' ',
        coalesce(to_char(scheduled_at at time zone 'utc', 'HH24:MI:SS.US'), '-'),
        coalesce(to_char(scheduled_end_at at time zone 'utc', 'HH24:MI:SS.US'), '-'),
        coalesce(duration_minutes::text, '-')
      )
    from public.tasks where id = task_id
  );
end;
$$;

select is(pg_temp.schedule_after(change), expected, description)
from (
  values
  (array[]::text[], '12:00:00.000000 12:30:00.000000 30', 'start and duration make the end'),
  -- Contract 1.2
  (
    array['public.tasks set duration_minutes = 45'], '12:00:00.000000 12:45:00.000000 45',
    '1.2: another duration moves the end'
  ),
  (
    array['public.tasks set duration_minutes = null'], '12:00:00.000000 - -', '1.2: without a duration there is no end'
  ),
  (
    array['public.tasks set scheduled_at = ''2030-01-01T13:00:00.000001Z'''],
    '13:00:00.000001 13:30:00.000001 30', '1.2: another start takes the end along'
  ),
  (array['public.tasks set scheduled_at = null'], '- - 30', '1.2: without a start there is no end, the duration stays'),
  (
    array['public.tasks set scheduled_at = null', 'public.tasks set scheduled_at = ''2030-01-01T13:00:00Z'''],
    '13:00:00.000000 13:30:00.000000 30', '1.2: a start that comes back brings the end back'
  ),
  (
    array['public.tasks set scheduled_end_at = ''2030-01-01T15:00:00Z'''], '12:00:00.000000 12:30:00.000000 30',
    '1.2: the end is not for writing'
  ),
  -- Contract 1.0
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00Z'''], '12:00:00.000000 13:00:00.000000 60',
    '1.0: an end sets the duration'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.000001Z'''], '12:00:00.000000 13:00:00.000001 61',
    '1.0: the end is kept to the microsecond, the duration rounded up'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T12:59:59.999999Z'''], '12:00:00.000000 12:59:59.999999 60',
    '1.0: a microsecond less is still the same minute'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T12:00:00Z'''], '12:00:00.000000 12:00:00.000000 1',
    '1.0: a task may end where it starts, and then takes a minute'
  ),
  (array['v1_0.tasks set end_time = null'], '12:00:00.000000 - -', '1.0: without an end there is no duration'),
  (
    array['v1_0.tasks set start_time = ''2030-01-01T12:10:00Z'''], '12:10:00.000000 12:30:00.000000 20',
    '1.0: another start leaves the end where it is'
  ),
  (
    array['v1_0.tasks set start_time = ''2030-01-01T13:00:00Z'', end_time = ''2030-01-01T13:00:30Z'''],
    '13:00:00.000000 13:00:30.000000 1', '1.0: both together'
  ),
  (
    array['v1_0.tasks set start_time = null, end_time = null'], '- - -', '1.0: both cleared'
  ),
  (
    array['public.tasks set scheduled_at = null', 'v1_0.tasks set start_time = ''2030-01-01T13:00:00Z'''],
    '13:00:00.000000 13:30:00.000000 30', '1.0: a start where there was only a duration takes that duration'
  ),
  -- In turns
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''', 'public.tasks set duration_minutes = 5'],
    '12:00:00.000000 12:05:00.000000 5', 'a duration set through 1.2 replaces an end set through 1.0'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''', 'public.tasks set title = ''y'''],
    '12:00:00.000000 13:00:00.500000 61', 'another field set through 1.2 leaves the end as 1.0 wrote it'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''', 'v1_0.tasks set title = ''y'''],
    '12:00:00.000000 13:00:00.500000 61', 'as does another field set through 1.0'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''', 'public.tasks set status = ''done'''],
    '12:00:00.000000 13:00:00.500000 61', 'and a change of status'
  ),
  (
    array[
      'v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''',
      'public.tasks set scheduled_at = ''2030-01-01T12:00:00Z'', duration_minutes = 61'
    ],
    '12:00:00.000000 13:00:00.500000 61', 'as do a start and a duration set to what they are'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''', 'public.tasks set scheduled_at = ''2030-01-01T14:00:01Z'''],
    '14:00:01.000000 15:00:01.500000 61', 'another start set through 1.2 takes an end as 1.0 wrote it along'
  ),
  (
    array[
      'v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''',
      'public.tasks set scheduled_at = ''2030-01-01T14:00:00Z'', duration_minutes = 5'
    ],
    '14:00:00.000000 14:05:00.000000 5', 'unless another duration comes with it'
  ),
  (
    array[
      'v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''',
      'public.tasks set scheduled_end_at = ''2030-01-01T15:00:00Z'''
    ],
    '12:00:00.000000 13:00:00.500000 61', 'an end written through 1.2 leaves that of 1.0'
  ),
  (
    array['v1_0.tasks set end_time = ''2030-01-01T13:00:00.5Z''', 'public.tasks set scheduled_at = null'], '- - 61',
    'without a start there is no end as 1.0 wrote it'
  ),
  (
    array['v1_0.tasks set end_time = null', 'public.tasks set duration_minutes = 10', 'v1_0.tasks set title = ''y'''],
    '12:00:00.000000 12:10:00.000000 10', 'a transaction may use both, one after the other'
  )
) as example (change, expected, description);

-- Where a day may have 23 hours

set local time zone 'Europe/Stockholm';

select is(
  pg_temp.schedule_after(array[
    'v1_0.tasks set end_time = ''2030-01-03T12:00:00.5Z''', 'public.tasks set scheduled_at = ''2030-03-30T12:00:00Z'''
  ]),
  '12:00:00.000000 12:00:00.500000 2881', 'an end that moves with its start keeps its distance across a change of clocks'
);

set local time zone 'UTC';

-- New tasks

insert into public.tasks (id, user_id, title, scheduled_at, scheduled_end_at, duration_minutes) values
('a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'x', null, null, 20),
(
  'a3000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', 'x', '2030-01-01T12:00Z',
  '2030-01-01T13:00Z', null
);

select is(
  (select scheduled_end_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000002')::timestamptz, null,
  'a duration without a start has no end'
);
select is(
  (select scheduled_end_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000003')::timestamptz, null,
  'a new task of 1.2 can''t bring an end'
);

insert into v1_0.tasks (id, user_id, goal_id, title, start_time, end_time) values (
  'a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'x', '2030-01-01T12:00:00.000001Z', '2030-01-01T12:30:00.000002Z'
);

select is(
  (select duration_minutes from public.tasks where id = 'a3000000-0000-4000-8000-000000000001')::integer, 31,
  'a new task of 1.0 brings its end'
);
select is(
  (select end_time from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000001')::timestamptz,
  '2030-01-01T12:30:00.000002Z'::timestamptz, 'kept to the microsecond'
);

select
  throws_ok(
    bad.change, '23514', format('new row for relation "tasks" violates check constraint "%s"', bad.rule),
    bad.description
  )
from (
  values
  (
    $$select pg_temp.schedule_after(array['v1_0.tasks set end_time = ''2030-01-01T11:59:59.999999Z'''])$$,
    'end_not_before_start', 'an end before the start is refused'
  ),
  (
    $$select pg_temp.schedule_after(array['v1_0.tasks set start_time = ''2030-01-01T12:30:00.000001Z'''])$$,
    'end_not_before_start', 'a start moved past the end as well'
  ),
  (
    $$select pg_temp.schedule_after(array['v1_0.tasks set start_time = null'])$$,
    'end_needs_start', 'an end needs a start'
  ),
  (
    $$
      insert into v1_0.tasks (user_id, goal_id, title, end_time) values (
        'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'x', now()
      )
    $$,
    'end_needs_start', 'also in a new task'
  )
) as bad (change, rule, description);

select is(
  pg_temp.schedule_after(array['public.tasks set duration_minutes = 5']), '12:00:00.000000 12:05:00.000000 5',
  'what 1.0 was refused leaves no trace: through 1.2 the duration still decides'
);
select throws_ok(
  $$select pg_temp.schedule_after(array['public.tasks set scheduled_at = ''9999-12-31T23:45:00Z'''])$$,
  'PT422', null, 'a task doesn''t end after the year 9999'
);
select throws_ok(
  $$
    insert into v1_0.tasks (user_id, goal_id, title, start_time, end_time) values (
      'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'x',
      '0001-01-01Z', '9999-12-31Z'
    )
  $$,
  'PT422', null, 'a duration that no integer holds is refused'
);

-- How the minutes are counted

select is(
  private.minutes_between('2030-03-31T00:00+01', '2030-03-31T04:00+02'), 180, 'real minutes, across time zones'
);
select is(private.minutes_between('2030-01-01Z', null), null, 'without an end there is no duration');
select is(private.minutes_between('2030-01-01Z', '2029-01-01Z'), 1, 'never less than one');

select * from finish();
rollback;
