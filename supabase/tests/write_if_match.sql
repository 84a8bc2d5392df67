-- write_if_match: a change of one row that happens only to a version that the caller names.

begin;
select plan(19);

select tests.create_user('ada');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Run');
insert into public.tasks (id, user_id, goal_id, title) values (
  'a2000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'Run'
);
insert into public.demo_flags (user_id) values ('a0000000-0000-4000-8000-000000000001');
insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values
('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'thread', 'goal');
insert into public.messages (id, conversation_id, role, content) values
('a4000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001', 'user', 'Hello');

create function pg_temp.write(operation text, arguments json, version timestamptz, resource text default 'public.tasks')
returns jsonb
language sql
as $$
  select public.write_if_match(
    resource, 'a2000000-0000-4000-8000-000000000001', array['2001-01-01Z', version], operation, arguments
  )::jsonb;
$$;
create function pg_temp.version()
returns timestamptz
language sql
as $$
  select updated_at from public.tasks where id = 'a2000000-0000-4000-8000-000000000001';
$$;

-- The version that is there

select is(
  pg_temp.write('update public.tasks', '{"title": "Swim", "duration_minutes": 5}', pg_temp.version()) ->> 'title', 'Swim',
  'one of the versions is the row''s: its fields are changed, and the row is returned'
);
select is(
  pg_temp.write('update v1_0.tasks', '{"state": "completed"}', pg_temp.version(), 'v1_0.tasks') ->> 'state', 'completed',
  'through a view of contract 1.0 too'
);
select is(
  (select status::text from public.tasks where id = 'a2000000-0000-4000-8000-000000000001'), 'done',
  'which changes the row itself'
);
select is(
  pg_temp.write('update public.tasks', '{}', pg_temp.version()) ->> 'title', 'Swim',
  'without changes the row is returned'
);
select is(
  pg_temp.write(
    'call public.set_calendar_event',
    '{"task_id": "a2000000-0000-4000-8000-000000000001", "calendar_event_id": "event-1"}', pg_temp.version()
  ) ->> 'calendar_event_id',
  'event-1', 'a function of the row is called'
);

-- Another version, or none

select throws_ok(
  $$select pg_temp.write('update public.tasks', '{"title": "Rest"}', '2030-01-01Z')$$, 'PT412', null,
  'another version changes nothing'
);
select throws_ok(
  $$select pg_temp.write('update v1_0.tasks', '{"title": "Rest"}', '2030-01-01Z', 'v1_0.tasks')$$, 'PT412', null,
  'nor through a view'
);
select throws_ok(
  $$select pg_temp.write(
    'call public.set_calendar_event',
    '{"task_id": "a2000000-0000-4000-8000-000000000001", "calendar_event_id": "event-2"}', '2030-01-01Z'
  )$$,
  'PT412', null, 'nor by a function'
);
select throws_ok(
  $$select public.write_if_match('public.tasks', 'a2000000-0000-4000-8000-000000000001', '{}', 'delete public.tasks')$$,
  'PT412', null, 'no version is any'
);
select throws_ok(
  $$select public.write_if_match('public.tasks', gen_random_uuid(), null, 'update public.tasks', '{"title": "x"}')$$,
  'PT404', 'There is no row with this id.', 'an unknown id is not found, whatever the version'
);
select throws_ok(
  $$select public.write_if_match('public.tasks', 'a2000000-0000-4000-8000-000000000001', null, 'update private.row_counts')$$,
  '42P01', null, 'only relations of a contract are written'
);
select throws_ok(
  $$select public.write_if_match('public.tasks', 'a2000000-0000-4000-8000-000000000001', null, 'call pg_catalog.now')$$,
  '42883', null, 'and only functions of a contract called'
);
select is(
  (select title::text from public.tasks where id = 'a2000000-0000-4000-8000-000000000001'), 'Swim',
  'the row is as it was'
);

-- Any version, other rows

select is(
  public.write_if_match(
    'public.demo_flags', 'a0000000-0000-4000-8000-000000000001', null, 'call public.put_demo_flags',
    '{"user_id": "a0000000-0000-4000-8000-000000000001", "escalation_speed": 2}'
  ) ->> 'escalation_speed',
  '2', 'null is any version; demo flags have their user''s id'
);
select throws_ok(
  $$select public.write_if_match('public.messages', 'a4000000-0000-4000-8000-000000000001', '{}', 'delete public.messages')$$,
  'PT412', null, 'the version of a row that does not change is its creation'
);
select is(
  public.write_if_match(
    'public.messages', 'a4000000-0000-4000-8000-000000000001',
    (select array[created_at] from public.messages where id = 'a4000000-0000-4000-8000-000000000001'), 'delete public.messages'
  ) #>> '{}',
  'a4000000-0000-4000-8000-000000000001', 'a deletion returns the id'
);
select is_empty('select * from public.messages where id = ''a4000000-0000-4000-8000-000000000001''', 'and the row is gone');

-- Versions grow

alter table public.goals disable trigger goals_touch_updated_at;
update public.goals set updated_at = '2100-01-01T00:00:00Z' where id = 'a1000000-0000-4000-8000-000000000001';
alter table public.goals enable trigger goals_touch_updated_at;
update public.goals set title = 'Swim' where id = 'a1000000-0000-4000-8000-000000000001';
select is(
  (select updated_at::timestamptz from public.goals where id = 'a1000000-0000-4000-8000-000000000001'),
  '2100-01-01T00:00:00.000001Z', 'a change makes the version later, even if the clock was set back'
);
select is_empty(
  $$
    select attribute.attrelid::regclass, attribute.attname
    from pg_attribute as attribute
    inner join pg_type as type on type.oid = attribute.atttypid
    inner join pg_class on pg_class.oid = attribute.attrelid
    where
      pg_class.relnamespace in ('public'::regnamespace, 'v1_0'::regnamespace) and pg_class.relkind in ('r', 'v')
      and 'json'::regtype in (type.oid, type.typbasetype)
  $$,
  'no column of a contract is json: the adapter finds a version in a row by what jsonb never writes, a colon without a space'
);

select * from finish();
rollback;
