-- public.goals: defaults, what is refused, and what happens to the rest when a goal goes.

begin;
select plan(43);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a1000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');

select is(
  (
    select to_jsonb(goals) - 'created_at' - 'updated_at'
    from public.goals where id = 'a1000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a1000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Ada''s",
    "description": null, "class_tags": null, "status": "active", "parent_goal_id": null, "pipeline_order": null,
    "activated_at": null, "completed_at": null, "target_weeks": 6, "plan_json": null, "category": null, "timeline": null
  }',
  'a user and a title are enough; everything else has its default'
);

select throws_ok($$insert into public.goals (title) values ('x')$$, '23502', null, 'a user is required');
select throws_ok(
  $$insert into public.goals (user_id) values ('a0000000-0000-4000-8000-000000000001')$$,
  '23502', null, 'a title is required'
);
select throws_ok(
  $$insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-00000000dead', 'x')$$,
  '23503', 'insert or update on table "goals" violates foreign key constraint "goals_user_id_fkey"',
  'the user must exist'
);

select
  lives_ok(
    format(
      'update public.goals set %I = %L where id = %L', good.field, good.value, 'a1000000-0000-4000-8000-000000000001'
    ),
    format('%s may be %s', good.field, coalesce(left(good.value, 20), 'null'))
  )
from (
  values
  ('title', repeat('é', 500)),
  ('status', 'completed'),
  ('status', 'abandoned'),
  ('status', 'pipeline'),
  ('status', 'active'),
  ('class_tags', '{}'),
  ('class_tags', '{health,"two words"}'),
  ('target_weeks', '1'),
  ('pipeline_order', '-1'),
  ('plan_json', '{"a": [1, null]}'),
  ('description', ''),
  ('parent_goal_id', null)
) as good (field, value);

select
  throws_like(
    format(
      'update public.goals set %I = %L where id = %L', bad.field, bad.value, 'a1000000-0000-4000-8000-000000000001'
    ),
    format('%%violates check constraint "%s"', bad.rule),
    format('%s may not be %s', bad.field, left(bad.value, 20))
  )
from (
  values
  ('title', '', 'title_length'),
  ('title', repeat('a', 501), 'title_length'),
  ('status', 'done', 'goal_status_word'),
  ('status', 'Active', 'goal_status_word'),
  ('status', '', 'goal_status_word'),
  ('class_tags', '{health,null}', 'text_list_is_flat'),
  ('class_tags', '{{health},{sleep}}', 'text_list_is_flat'),
  ('target_weeks', '0', 'positive_integer_range'),
  ('plan_json', '[]', 'plan_document_is_object'),
  ('activated_at', '-infinity', 'instant_within_four_digit_years'),
  ('completed_at', '10000-01-01Z', 'instant_within_four_digit_years'),
  ('parent_goal_id', 'a1000000-0000-4000-8000-000000000001', 'goal_is_not_its_own_parent')
) as bad (field, value, rule);

select
  throws_ok(
    format('update public.goals set %I = null where id = %L', required.field, 'a1000000-0000-4000-8000-000000000001'),
    '23502', null, format('%s is not null', required.field)
  )
from unnest(array['user_id', 'title', 'status', 'target_weeks']) as required (field);

-- A parent is a goal of the same user.

select throws_ok(
  $$
    insert into public.goals (user_id, title, parent_goal_id)
    values ('a0000000-0000-4000-8000-000000000001', 'x', 'a1000000-0000-4000-8000-000000000002')
  $$,
  '23503', 'insert or update on table "goals" violates foreign key constraint "goals_parent_goal_id_fkey"',
  'a parent is not a goal of another user'
);
select throws_ok(
  $$
    update public.goals set parent_goal_id = 'a1000000-0000-4000-8000-00000000dead'
    where id = 'a1000000-0000-4000-8000-000000000001'
  $$,
  '23503', null, 'a parent must exist'
);
select throws_ok(
  $$
    insert into public.goals (id, user_id, title, parent_goal_id)
    values (
      'a1000000-0000-4000-8000-000000000009', 'a0000000-0000-4000-8000-000000000001', 'x',
      'a1000000-0000-4000-8000-000000000009'
    )
  $$,
  '23514', 'new row for relation "goals" violates check constraint "goal_is_not_its_own_parent"',
  'a goal is not born as its own parent'
);

insert into public.goals (id, user_id, title, parent_goal_id) values (
  'a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', 'Child',
  'a1000000-0000-4000-8000-000000000001'
);

select throws_ok(
  $$
    update public.goals set user_id = 'a0000000-0000-4000-8000-000000000002'
    where id = 'a1000000-0000-4000-8000-000000000001'
  $$,
  '23503', null, 'a goal with children can''t change hands'
);

-- updated_at

update public.goals set title = 'Renamed' where id = 'a1000000-0000-4000-8000-000000000001';

select ok(
  (select updated_at > created_at from public.goals where id = 'a1000000-0000-4000-8000-000000000001'),
  'a change sets updated_at'
);
select is(
  (select updated_at from public.goals where id = 'a1000000-0000-4000-8000-000000000003')::timestamptz,
  (select created_at from public.goals where id = 'a1000000-0000-4000-8000-000000000003')::timestamptz,
  'a change leaves the updated_at of other rows alone'
);

-- Deleting a goal.

insert into public.milestones (id, goal_id, week_number, title)
values ('a2000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 1, 'Week 1');
insert into public.tasks (id, user_id, goal_id, milestone_id, title, shared_with_goal_ids) values
(
  'a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'In it', null
),
(
  'a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000003', null, 'In the child', '{a1000000-0000-4000-8000-000000000001}'
);
insert into public.notification_log (id, task_id, channel)
values ('a6000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001', 'push');
insert into public.conversations (
  id, user_id, langgraph_thread_id, context_type, goal_id, linked_goal_id, linked_task_id
) values
(
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'goals.sql 1', 'goal',
  'a1000000-0000-4000-8000-000000000001', null, null
),
(
  'a4000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'goals.sql 2', 'voice',
  null, 'a1000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001'
);

delete from public.goals where id = 'a1000000-0000-4000-8000-000000000001';

select is_empty(
  $$
    select id from public.milestones where id = 'a2000000-0000-4000-8000-000000000001'
    union all select id from public.tasks where id = 'a3000000-0000-4000-8000-000000000001'
    union all select id from public.notification_log where id = 'a6000000-0000-4000-8000-000000000001'
    union all select id from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  $$,
  'its milestones, its tasks, their notifications and the conversations under it go with it'
);
select is(
  (select parent_goal_id from public.goals where id = 'a1000000-0000-4000-8000-000000000003'), null,
  'its child stays, without a parent'
);
select is(
  (select user_id from public.goals where id = 'a1000000-0000-4000-8000-000000000003'),
  'a0000000-0000-4000-8000-000000000001', 'and with its user'
);
select is(
  (
    select array[user_id, linked_goal_id, linked_task_id]
    from public.conversations where id = 'a4000000-0000-4000-8000-000000000002'
  ),
  array['a0000000-0000-4000-8000-000000000001', null, null]::uuid[],
  'a conversation that led to it stays, without the links'
);
select is(
  (select count(*) from public.tasks where id = 'a3000000-0000-4000-8000-000000000002'), 1::bigint,
  'a task of another goal stays'
);

select * from finish();
rollback;
