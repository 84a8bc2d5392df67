-- v1_0.tasks: contract 1.0's words for tasks, both ways. The schedule has a file of its own.

begin;
select plan(55);

select columns_are(
  'v1_0', 'tasks',
  array[
    'id', 'user_id', 'goal_id', 'milestone_id', 'title', 'state', 'priority', 'start_time', 'end_time', 'trigger_type',
    'is_recurring', 'calendar_event_id', 'created_at', 'updated_at'
  ],
  'tasks have 1.0''s fields and no other'
);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a1000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'Ada''s other'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.milestones (id, goal_id, week_number, title) values
('a2000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 1, 'x'),
('a2000000-0000-4000-8000-000000000002', 'a1000000-0000-4000-8000-000000000002', 1, 'x');

create function pg_temp.lasting(entry jsonb)
returns jsonb
language sql
as $$
  select entry - array['created_at', 'updated_at'];
$$;

-- A new task

insert into v1_0.tasks (id, user_id, goal_id, title) values (
  'a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'Bare'
);

select is(
  (
    select pg_temp.lasting(to_jsonb(tasks)) from public.tasks where id = 'a3000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a3000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "goal_id": "a1000000-0000-4000-8000-000000000001", "milestone_id": null, "title": "Bare", "description": null,
    "status": "pending", "priority": "standard", "scheduled_at": null, "scheduled_end_at": null,
    "duration_minutes": null, "trigger_type": "time", "location_trigger": null, "is_recurring": false,
    "escalation_policy": "standard", "class_tags": null, "conversation_id": null, "canonical_scheduled_at": null,
    "series_id": null, "occurrence_at": null,
    "recurrence_rule": null, "calendar_event_id": null, "shared_with_goal_ids": null, "reminder_sent_at": null,
    "whatsapp_sent_at": null, "call_sent_at": null, "completed_at": null
  }',
  'a task of 1.0 is one of 1.2, with its defaults'
);
select is(
  (
    select pg_temp.lasting(to_jsonb(tasks)) from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a3000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "goal_id": "a1000000-0000-4000-8000-000000000001", "milestone_id": null, "title": "Bare", "state": "scheduled",
    "priority": "standard", "start_time": null, "end_time": null, "trigger_type": "time", "is_recurring": false,
    "calendar_event_id": null
  }',
  'and reads as one of 1.0'
);

insert into v1_0.tasks (
  id, user_id, goal_id, milestone_id, title, state, priority, start_time, end_time, trigger_type, is_recurring,
  calendar_event_id
) values (
  'a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'Full', 'completed', 'must-not-miss',
  '2030-01-01T12:00:00.000001Z', '2030-01-01T12:30:00.000001Z', 'on_leaving_home', true, 'cal-1'
);

select is(
  (
    select pg_temp.lasting(to_jsonb(tasks)) - 'completed_at'
    from public.tasks where id = 'a3000000-0000-4000-8000-000000000002'
  ),
  '{
    "id": "a3000000-0000-4000-8000-000000000002", "user_id": "a0000000-0000-4000-8000-000000000001",
    "goal_id": "a1000000-0000-4000-8000-000000000001", "milestone_id": "a2000000-0000-4000-8000-000000000001",
    "title": "Full", "description": null, "status": "done", "priority": "must-not-miss",
    "scheduled_at": "2030-01-01T12:00:00.000001+00:00", "scheduled_end_at": "2030-01-01T12:30:00.000001+00:00",
    "duration_minutes": 30, "trigger_type": "location", "location_trigger": null, "is_recurring": true,
    "escalation_policy": "standard", "class_tags": null, "conversation_id": null, "canonical_scheduled_at": null,
    "series_id": null, "occurrence_at": null,
    "recurrence_rule": null, "calendar_event_id": "cal-1", "shared_with_goal_ids": null, "reminder_sent_at": null,
    "whatsapp_sent_at": null, "call_sent_at": null
  }',
  'every field of 1.0 is stored'
);
select is(
  (
    select pg_temp.lasting(to_jsonb(tasks)) from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000002'
  ),
  '{
    "id": "a3000000-0000-4000-8000-000000000002", "user_id": "a0000000-0000-4000-8000-000000000001",
    "goal_id": "a1000000-0000-4000-8000-000000000001", "milestone_id": "a2000000-0000-4000-8000-000000000001",
    "title": "Full", "state": "completed", "priority": "must-not-miss",
    "start_time": "2030-01-01T12:00:00.000001+00:00", "end_time": "2030-01-01T12:30:00.000001+00:00",
    "trigger_type": "on_leaving_home", "is_recurring": true, "calendar_event_id": "cal-1"
  }',
  'and comes back as it was written'
);
select isnt(
  (select completed_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000002')::timestamptz, null,
  'a task of 1.0 that is born completed was done now'
);

-- Words

create function pg_temp.write_1_0(field text, word text)
returns text
language plpgsql
as $$
declare
  stored text;
begin
  execute format('update v1_0.tasks set %I = %L where title = %L', field, word, 'Bare');
  execute format('select %I from public.tasks where title = %L', case field when 'state' then 'status' else field end, 'Bare')
  into stored;
  return stored;
end;
$$;
create function pg_temp.write_1_2(field text, word text)
returns text
language plpgsql
as $$
declare
  seen text;
begin
  execute format('update public.tasks set %I = %L where title = %L', field, word, 'Bare');
  execute format('select %I from v1_0.tasks where title = %L', case field when 'status' then 'state' else field end, 'Bare')
  into seen;
  return seen;
end;
$$;

select
  is(
    pg_temp.write_1_0(word.field, word.old), word.new, format('%s %s is stored as %s', word.field, word.old, word.new)
  )
from (
  values
  ('state', 'drifted', 'rescheduled'), ('state', 'completed', 'done'), ('state', 'missed', 'missed'),
  ('state', 'scheduled', 'pending'), ('trigger_type', 'on_leaving_home', 'location'), ('trigger_type', 'time', 'time')
) as word (field, old, new);
select
  is(
    pg_temp.write_1_2(word.field, word.new), word.old, format('%s %s reads as %s', word.field, word.new, word.old)
  )
from (
  values
  ('status', 'rescheduled', 'drifted'), ('status', 'done', 'completed'), ('status', 'missed', 'missed'),
  ('status', 'cancelled', 'missed'), ('status', 'pending', 'scheduled'),
  ('trigger_type', 'location', 'on_leaving_home'), ('trigger_type', 'time', 'time')
) as word (field, new, old);
select set_eq(
  $$
    select pg_temp.write_1_2('status', (regexp_matches(pg_get_constraintdef(oid), '''([^'']+)''::text', 'g'))[1])
    from pg_constraint where contypid = 'public.task_status'::regtype
  $$,
  array['scheduled', 'drifted', 'completed', 'missed'], 'every status reads as a state'
);
select
  throws_ok(
    format('update v1_0.tasks set %I = %L where title = %L', bad.field, bad.word, 'Bare'), '23514', null,
    format('1.0 has no %s %s', bad.field, bad.word)
  )
from (
  values
  ('state', 'pending'), ('state', 'rescheduled'), ('state', 'done'), ('state', 'cancelled'), ('state', ''),
  ('trigger_type', 'location'), ('priority', 'low')
) as bad (field, word);
select
  throws_ok(
    format('update v1_0.tasks set %I = null where title = %L', required.field, 'Bare'), '23502', null,
    format('%s is not null', required.field)
  )
from unnest(array['title', 'state', 'priority', 'trigger_type', 'is_recurring']) as required (field);

-- A change of one field leaves every other as it was.

create function pg_temp.changed_by(change text)
returns jsonb
language plpgsql
as $$
declare
  task_id constant uuid := gen_random_uuid();
  before jsonb;
  after jsonb;
begin
  insert into public.tasks (
    id, user_id, goal_id, milestone_id, title, description, status, priority, scheduled_at, duration_minutes,
    trigger_type, location_trigger, is_recurring, recurrence_rule, calendar_event_id, shared_with_goal_ids,
    reminder_sent_at, whatsapp_sent_at, call_sent_at
  ) values (
    task_id, 'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001',
    'a2000000-0000-4000-8000-000000000001', 'x', 'y', 'cancelled', 'important', '2030-01-01T12:00:00Z', 30, 'location',
    'gym', true, 'FREQ=DAILY', 'cal-2', '{a1000000-0000-4000-8000-000000000002}', '2030-01-01Z', '2030-01-02Z',
    '2030-01-03Z'
  );
  select to_jsonb(tasks) into before from public.tasks where tasks.id = task_id;
  execute format('update v1_0.tasks set %s where id = %L', change, task_id);
  select to_jsonb(tasks) into after from public.tasks where tasks.id = task_id;
  return private.changed_fields(before, after) - 'updated_at';
end;
$$;

select is(pg_temp.changed_by(example.change), example.changed::jsonb, format('setting %s', example.change))
from (
  values
  ('title = ''z''', '{"title": "z"}'),
  ('priority = ''standard''', '{"priority": "standard"}'),
  ('is_recurring = false', '{"is_recurring": false}'),
  ('calendar_event_id = null', '{"calendar_event_id": null}'),
  ('milestone_id = null', '{"milestone_id": null}'),
  ('trigger_type = ''time''', '{"trigger_type": "time"}'),
  ('state = ''scheduled''', '{"status": "pending"}'),
  (
    'goal_id = ''a1000000-0000-4000-8000-000000000002'', milestone_id = ''a2000000-0000-4000-8000-000000000002''',
    '{
      "goal_id": "a1000000-0000-4000-8000-000000000002", "milestone_id": "a2000000-0000-4000-8000-000000000002"
    }'
  ),
  (
    'end_time = ''2030-01-01T13:00:00Z''', '{"scheduled_end_at": "2030-01-01T13:00:00+00:00", "duration_minutes": 60}'
  ),
  ('title = title', '{}'),
  ('title = ''z'', state = ''missed''', '{"title": "z"}')
) as example (change, changed);

select is_empty(
  $$
    select from v1_0.tasks inner join public.tasks as stored using (id)
    where state = 'missed' and status <> 'cancelled' and stored.user_id = 'a0000000-0000-4000-8000-000000000001'
  $$,
  'a cancelled task reads as missed and stays cancelled, also when it is written back so'
);

-- completed_at

update v1_0.tasks set state = 'scheduled' where id = 'a3000000-0000-4000-8000-000000000002';

select is(
  (select completed_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000002')::timestamptz, null,
  'a task that leaves completed loses completed_at'
);

update v1_0.tasks set state = 'completed' where id = 'a3000000-0000-4000-8000-000000000002';
create temporary table completed as
select completed_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000002';
update v1_0.tasks set title = 'Still done' where id = 'a3000000-0000-4000-8000-000000000002';

select is(
  (select completed_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000002')::timestamptz,
  (select completed_at from completed)::timestamptz, 'one that becomes completed gets it, and keeps it'
);

-- What a write answers

create function pg_temp.answer(statement text)
returns jsonb
language plpgsql
as $$
declare
  answer jsonb;
begin
  execute statement || ' returning to_jsonb(tasks)' into answer;
  return answer;
end;
$$;
create temporary table answers as
select
  pg_temp.answer(
    $$update v1_0.tasks set state = 'drifted', end_time = null where id = 'a3000000-0000-4000-8000-000000000002'$$
  ) as updated,
  pg_temp.answer(
    $$
      insert into v1_0.tasks (user_id, goal_id, title, state) values (
        'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'Answered', 'drifted'
      )
    $$
  ) as inserted;

select is(
  (select updated from answers),
  (select to_jsonb(tasks) from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000002'),
  'an update answers the row as it is stored'
);
select is(
  (select inserted from answers),
  (select to_jsonb(tasks) from v1_0.tasks where title = 'Answered'),
  'as does an insert, with the id that was made up'
);
select is(
  pg_temp.answer($$update v1_0.tasks set title = 'x' where id = 'a3000000-0000-4000-8000-00000000dead'$$), null,
  'a task that does not exist is not updated'
);

-- To whom a task may belong

select
  throws_ok(
    format(
      'insert into v1_0.tasks (user_id, goal_id, milestone_id, title) values (%L, %L, %L, %L)',
      bad.user_id, bad.goal_id, bad.milestone_id, 'x'
    ),
    bad.code, null, bad.description
  )
from (
  values
  ('a0000000-0000-4000-8000-000000000001', null, null, '23502', 'a goal is required'),
  (null, 'a1000000-0000-4000-8000-000000000001', null, '23502', 'a user is required'),
  (
    'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000003', null, '23503',
    'the goal is not one of another user'
  ),
  (
    'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001',
    'a2000000-0000-4000-8000-000000000002', '23503', 'the milestone is not one of another goal'
  )
) as bad (user_id, goal_id, milestone_id, code, description);

insert into public.tasks (id, user_id, title)
values ('a3000000-0000-4000-8000-000000000006', 'a0000000-0000-4000-8000-000000000001', 'Loose');
update v1_0.tasks set title = 'Still loose' where id = 'a3000000-0000-4000-8000-000000000006';

select is(
  (select title from public.tasks where id = 'a3000000-0000-4000-8000-000000000006')::text, 'Still loose',
  'a task of 1.2 without a goal can be changed through 1.0'
);

delete from v1_0.tasks where id = 'a3000000-0000-4000-8000-000000000006';

select is_empty(
  $$select from public.tasks where id = 'a3000000-0000-4000-8000-000000000006'$$, 'and be deleted'
);

select * from finish();
rollback;
