-- public.tasks: defaults, what is refused, to whom a task may belong, and what happens when what it names goes.
-- completed_at and the schedule have files of their own.

begin;
select plan(55);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s first'),
('a1000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'Ada''s second'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.milestones (id, goal_id, week_number, title) values
('a2000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 1, 'Ada''s, in the first'),
('a2000000-0000-4000-8000-000000000002', 'a1000000-0000-4000-8000-000000000002', 1, 'Ada''s, in the second'),
('a2000000-0000-4000-8000-000000000003', 'a1000000-0000-4000-8000-000000000003', 1, 'Grace''s');
insert into public.tasks (id, user_id, title)
values ('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'A task');

select is(
  (
    select to_jsonb(tasks) - 'created_at' - 'updated_at'
    from public.tasks where id = 'a3000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a3000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001", "goal_id": null,
    "milestone_id": null, "title": "A task", "description": null, "status": "pending", "priority": "standard",
    "scheduled_at": null, "scheduled_end_at": null, "duration_minutes": null, "trigger_type": "time",
    "location_trigger": null, "is_recurring": false, "recurrence_rule": null, "calendar_event_id": null,
    "escalation_policy": "standard", "class_tags": null, "conversation_id": null, "canonical_scheduled_at": null,
    "series_id": null, "occurrence_at": null,
    "shared_with_goal_ids": null, "reminder_sent_at": null, "whatsapp_sent_at": null, "call_sent_at": null,
    "completed_at": null
  }',
  'a user and a title are enough; everything else has its default'
);

select throws_ok($$insert into public.tasks (title) values ('x')$$, '23502', null, 'a user is required');
select throws_ok(
  $$insert into public.tasks (user_id) values ('a0000000-0000-4000-8000-000000000001')$$,
  '23502', null, 'a title is required'
);
select throws_ok(
  $$insert into public.tasks (user_id, title) values ('a0000000-0000-4000-8000-00000000dead', 'x')$$,
  '23503', 'insert or update on table "tasks" violates foreign key constraint "tasks_user_id_fkey"',
  'the user must exist'
);

select
  lives_ok(
    format(
      'update public.tasks set %I = %L where id = %L', good.field, good.value, 'a3000000-0000-4000-8000-000000000001'
    ),
    format('%s may be %s', good.field, left(good.value, 20))
  )
from (
  values
  ('title', repeat('é', 500)),
  ('status', 'done'),
  ('status', 'missed'),
  ('status', 'rescheduled'),
  ('status', 'cancelled'),
  ('status', 'pending'),
  ('priority', 'important'),
  ('priority', 'must-not-miss'),
  ('trigger_type', 'location'),
  ('duration_minutes', '1'),
  ('calendar_event_id', repeat('a', 255)),
  ('shared_with_goal_ids', '{}'),
  ('shared_with_goal_ids', '{a1000000-0000-4000-8000-000000000001,a1000000-0000-4000-8000-00000000dead}')
) as good (field, value);

select
  throws_like(
    format(
      'update public.tasks set %I = %L where id = %L', bad.field, bad.value, 'a3000000-0000-4000-8000-000000000001'
    ),
    format('%%violates check constraint "%s"', bad.rule),
    format('%s may not be %s', bad.field, left(bad.value, 20))
  )
from (
  values
  ('title', '', 'title_length'),
  ('title', repeat('a', 501), 'title_length'),
  ('status', 'scheduled', 'task_status_word'),
  ('status', 'Done', 'task_status_word'),
  ('status', '', 'task_status_word'),
  ('priority', 'low', 'task_priority_word'),
  ('trigger_type', 'on_leaving_home', 'trigger_type_word'),
  ('duration_minutes', '0', 'positive_integer_range'),
  ('calendar_event_id', '', 'label_length'),
  ('calendar_event_id', repeat('a', 256), 'label_length'),
  ('shared_with_goal_ids', '{null}', 'uuid_list_is_flat'),
  ('shared_with_goal_ids', '{{a1000000-0000-4000-8000-000000000001}}', 'uuid_list_is_flat'),
  ('scheduled_at', 'infinity', 'instant_within_four_digit_years'),
  ('reminder_sent_at', 'infinity', 'instant_within_four_digit_years'),
  ('whatsapp_sent_at', 'infinity', 'instant_within_four_digit_years'),
  ('call_sent_at', 'infinity', 'instant_within_four_digit_years')
) as bad (field, value, rule);

select
  throws_ok(
    format('update public.tasks set %I = null where id = %L', required.field, 'a3000000-0000-4000-8000-000000000001'),
    '23502', null, format('%s is not null', required.field)
  )
from unnest(array['user_id', 'title', 'status', 'priority', 'trigger_type', 'is_recurring']) as required (field);

select throws_ok(
  $$update public.tasks set shared_with_goal_ids = '{x}' where id = 'a3000000-0000-4000-8000-000000000001'$$,
  '22P02', null, 'a goal is named by a uuid'
);

-- The goal is one of the user's, the milestone one of the goal's.

select
  throws_ok(
    format(
      'insert into public.tasks (user_id, goal_id, milestone_id, title) values (%L, %L, %L, %L)',
      'a0000000-0000-4000-8000-000000000001', bad.goal_id, bad.milestone_id, 'x'
    ),
    bad.code, null, bad.description
  )
from (
  values
  ('a1000000-0000-4000-8000-00000000dead', null, '23503', 'the goal must exist'),
  ('a1000000-0000-4000-8000-000000000003', null, '23503', 'the goal is not one of another user'),
  (
    'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-00000000dead', '23503', 'the milestone must exist'
  ),
  (
    'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000002', '23503',
    'the milestone is not one of another goal'
  ),
  (
    'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000003', '23503',
    'the milestone is not one of another user'
  ),
  (null, 'a2000000-0000-4000-8000-000000000001', '23514', 'a milestone needs its goal'),
  (null, 'a2000000-0000-4000-8000-00000000dead', '23514', 'also one that does not exist')
) as bad (goal_id, milestone_id, code, description);

insert into public.tasks (id, user_id, goal_id, milestone_id, title) values (
  'a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'In the first'
);

select throws_ok(
  $$
    update public.tasks set goal_id = 'a1000000-0000-4000-8000-000000000002'
    where id = 'a3000000-0000-4000-8000-000000000002'
  $$,
  '23503', null, 'a task doesn''t leave its goal and stay in its milestone'
);
select throws_ok(
  $$update public.tasks set goal_id = null where id = 'a3000000-0000-4000-8000-000000000002'$$,
  '23514', 'new row for relation "tasks" violates check constraint "milestone_needs_its_goal"',
  'nor does it lose it'
);
select throws_ok(
  $$
    update public.tasks set user_id = 'a0000000-0000-4000-8000-000000000002'
    where id = 'a3000000-0000-4000-8000-000000000002'
  $$,
  '23503', null, 'a task in a goal can''t change hands'
);
select lives_ok(
  $$
    update public.tasks
    set goal_id = 'a1000000-0000-4000-8000-000000000002', milestone_id = 'a2000000-0000-4000-8000-000000000002'
    where id = 'a3000000-0000-4000-8000-000000000002'
  $$,
  'goal and milestone can be changed together'
);
select lives_ok(
  $$
    update public.tasks set goal_id = null, milestone_id = null
    where id = 'a3000000-0000-4000-8000-000000000002'
  $$,
  'and be cleared together'
);

-- updated_at

select ok(
  (select updated_at > created_at from public.tasks where id = 'a3000000-0000-4000-8000-000000000002'),
  'a change sets updated_at'
);

-- Deleting a task.

insert into public.notification_log (id, task_id, channel) values
('a6000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001', 'push'),
('a6000000-0000-4000-8000-000000000002', 'a3000000-0000-4000-8000-000000000002', 'push');
insert into public.conversations (id, user_id, langgraph_thread_id, context_type, linked_task_id) values (
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'tasks.sql', 'voice',
  'a3000000-0000-4000-8000-000000000001'
);
delete from public.tasks where id = 'a3000000-0000-4000-8000-000000000001';

select results_eq(
  $$
    select id from public.notification_log
    where task_id in ('a3000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000002')
  $$,
  array['a6000000-0000-4000-8000-000000000002'::uuid],
  'its notifications go with it, and no others'
);
select is(
  (
    select array[user_id, linked_task_id]
    from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  ),
  array['a0000000-0000-4000-8000-000000000001', null]::uuid[],
  'a conversation that led to it stays, without the link'
);

select * from finish();
rollback;
