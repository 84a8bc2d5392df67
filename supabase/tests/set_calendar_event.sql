-- set_calendar_event: links a task to an event in the calendar.

begin;
select plan(14);

select tests.create_user('ada');
insert into public.goals (id, user_id, title)
values ('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'x');
insert into public.tasks (id, user_id, goal_id, title, status, scheduled_at, duration_minutes) values
(
  'a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'x', 'done', '2030-01-01Z', 30
),
(
  'a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', null, 'other', 'pending', null, null
);
create temporary table as_it_was as
select to_jsonb(tasks) as row from public.tasks
where id = 'a3000000-0000-4000-8000-000000000001';

select is(
  to_jsonb(public.set_calendar_event('a3000000-0000-4000-8000-000000000001', 'cal-1')) - 'updated_at',
  (select row || '{"calendar_event_id": "cal-1"}' from as_it_was) - 'updated_at',
  'it answers the task, of which it changed the event and nothing else'
);
select is(
  (select to_jsonb(tasks) from public.tasks where id = 'a3000000-0000-4000-8000-000000000001') - 'updated_at',
  (select row || '{"calendar_event_id": "cal-1"}' from as_it_was) - 'updated_at',
  'and stores it so'
);
select ok(
  (select updated_at > created_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000001'),
  'which is a change'
);
select is(
  (select calendar_event_id from public.tasks where id = 'a3000000-0000-4000-8000-000000000002')::text, null,
  'other tasks stay as they are'
);
select is(
  (public.set_calendar_event('a3000000-0000-4000-8000-000000000001', null)).calendar_event_id::text, null,
  'null unlinks it'
);
select is(
  to_jsonb(v1_0.set_calendar_event('a3000000-0000-4000-8000-000000000001', 'cal-2')) ->> 'calendar_event_id', 'cal-2',
  '1.0: it links, too'
);
select is(
  to_jsonb(v1_0.set_calendar_event('a3000000-0000-4000-8000-000000000001', 'cal-2')) - 'updated_at',
  (select to_jsonb(tasks) from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000001') - 'updated_at',
  '1.0: and answers the task in its words'
);
select is(
  (select calendar_event_id from public.tasks where id = 'a3000000-0000-4000-8000-000000000001')::text, 'cal-2',
  '1.0: it is the same event'
);

select
  throws_ok(
    format('select %s.set_calendar_event(%L, %L)', contract.name, 'a3000000-0000-4000-8000-00000000dead', 'cal-1'),
    'PT404', 'There is no task with this id.', format('%s: a task that does not exist is not found', contract.name)
  )
from unnest(array['public', 'v1_0']) as contract (name);
select
  throws_ok(
    format('select %s.set_calendar_event(%L, %L)', contract.name, 'a3000000-0000-4000-8000-000000000001', bad.event),
    '23514', null, format('%s: an event of %s characters is refused', contract.name, length(bad.event))
  )
from unnest(array['public', 'v1_0']) as contract (name), unnest(array['', repeat('a', 256)]) as bad (event);

select * from finish();
rollback;
