-- create_goal_with_structure: a goal with milestones and tasks, all or nothing; and goals_full, which reads it back.

begin;
select plan(55);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');

-- What a call says when it fails: SQLSTATE, DETAIL.
create function pg_temp.failure(call text)
returns text
language plpgsql
as $$
declare
  place text;
begin
  execute call;
  return 'none';
exception
  when others then
    get stacked diagnostics place = pg_exception_detail;
    return concat_ws(' ', sqlstate, nullif(place, ''));
end;
$$;
-- A row without what differs from call to call.
create function pg_temp.lasting(entry jsonb)
returns jsonb
language sql
as $$
  select entry - array['id', 'goal_id', 'milestone_id', 'created_at', 'updated_at', 'completed_at', 'milestones', 'tasks'];
$$;

create temporary table created as
select
  to_jsonb(public.create_goal_with_structure(
    '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "Whole", "target_weeks": 8, "class_tags": ["a"]}',
    '[
      {"week_number": 2, "title": "Second", "tasks": [{"title": "2.1"}]},
      {
        "week_number": 1, "title": "First", "status": "under way",
        "tasks": [
          {"title": "1.1", "scheduled_at": "2030-01-01T12:00:00Z", "duration_minutes": 30, "status": "done"},
          {"title": "1.2", "trigger_type": "location"}
        ]
      },
      {"week_number": 3, "title": "Without tasks"},
      {"week_number": 4, "title": "With none", "tasks": []}
    ]'
  )) as goal;

select is(
  (select pg_temp.lasting(goal) from created),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Whole", "description": null, "class_tags": ["a"],
    "status": "active", "parent_goal_id": null, "pipeline_order": null, "activated_at": null, "target_weeks": 8,
    "plan_json": null, "category": null, "timeline": null
  }',
  'it answers the goal, with its defaults'
);
select is(
  (
    select jsonb_agg(pg_temp.lasting(milestone.entry) order by milestone.place)
    from created, jsonb_array_elements(created.goal -> 'milestones') with ordinality as milestone (entry, place)
  ),
  '[
    {"week_number": 1, "title": "First", "status": "under way"},
    {"week_number": 2, "title": "Second", "status": "pending"},
    {"week_number": 3, "title": "Without tasks", "status": "pending"},
    {"week_number": 4, "title": "With none", "status": "pending"}
  ]',
  'with its milestones, by week'
);
select is(
  (
    select jsonb_agg(task.entry ->> 'title' order by task.place)
    from created, jsonb_array_elements(created.goal -> 'tasks') with ordinality as task (entry, place)
  ),
  '["2.1", "1.1", "1.2"]', 'and its tasks, in the order in which they were sent'
);
select is(
  (
    select jsonb_object_agg(task.entry ->> 'title', milestone.entry ->> 'title')
    from created
    inner join jsonb_array_elements(created.goal -> 'tasks') as task (entry) on true
    inner join jsonb_array_elements(created.goal -> 'milestones') as milestone (entry)
      on task.entry ->> 'milestone_id' = milestone.entry ->> 'id'
  ),
  '{"1.1": "First", "1.2": "First", "2.1": "Second"}', 'each task stands in its milestone'
);
select is(
  (
    select pg_temp.lasting(task.entry)
    from created, jsonb_array_elements(created.goal -> 'tasks') as task (entry)
    where task.entry ->> 'title' = '1.1'
  ),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "title": "1.1", "description": null, "status": "done",
    "priority": "standard", "scheduled_at": "2030-01-01T12:00:00+00:00",
    "scheduled_end_at": "2030-01-01T12:30:00+00:00", "duration_minutes": 30, "trigger_type": "time",
    "location_trigger": null, "is_recurring": false, "recurrence_rule": null, "calendar_event_id": null,
    "escalation_policy": "standard", "class_tags": null, "conversation_id": null, "canonical_scheduled_at": null,
    "series_id": null, "occurrence_at": null,
    "shared_with_goal_ids": null, "reminder_sent_at": null, "whatsapp_sent_at": null, "call_sent_at": null
  }',
  'a task has its user, its end and its defaults'
);
select isnt(
  (
    select task.entry ->> 'completed_at'
    from created, jsonb_array_elements(created.goal -> 'tasks') as task (entry)
    where task.entry ->> 'title' = '1.1'
  ),
  null, 'one that is born done was done'
);
select is(
  (select goal from created),
  (select to_jsonb(goals_full) from public.goals_full where title = 'Whole'), 'it is what goals_full shows'
);
select is(
  (
    select
      goal - array['milestones', 'tasks']
      = (select to_jsonb(goals) from public.goals where goals.id = (created.goal ->> 'id')::uuid)
      and (
        select jsonb_agg(to_jsonb(tasks) order by tasks.created_at) from public.tasks
        where tasks.goal_id = (created.goal ->> 'id')::uuid
      ) = goal -> 'tasks'
      and (
        select jsonb_agg(to_jsonb(milestones) order by milestones.week_number) from public.milestones
        where milestones.goal_id = (created.goal ->> 'id')::uuid
      ) = goal -> 'milestones'
    from created
  ),
  true, 'which is what the tables hold'
);

-- As little as possible

select
  is(
    to_jsonb(public.create_goal_with_structure(
      '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "Bare"}'
    )) -> example.list,
    '[]', format('a goal alone has no %s', example.list)
  )
from unnest(array['milestones', 'tasks']) as example (list);
select is(
  (select to_jsonb(tasks) from public.goals_full where id = 'a1000000-0000-4000-8000-000000000001'), '[]',
  'nor has one that was created alone'
);

-- What a caller can't decide

create temporary table sly as
select
  to_jsonb(public.create_goal_with_structure(
    '{
      "id": "a1000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Sly"
    }',
    '[
      {
        "week_number": 1, "title": "x", "goal_id": "a1000000-0000-4000-8000-000000000003",
        "id": "a2000000-0000-4000-8000-00000000dead",
        "tasks": [
          {
            "title": "x", "user_id": "a0000000-0000-4000-8000-000000000002",
            "goal_id": "a1000000-0000-4000-8000-000000000003",
            "milestone_id": "a2000000-0000-4000-8000-00000000dead"
          }
        ]
      }
    ]'
  )) as goal;

select isnt((select goal ->> 'id' from sly), 'a1000000-0000-4000-8000-000000000001', 'the goal''s id is made up');
select isnt(
  (select goal -> 'milestones' -> 0 ->> 'id' from sly), 'a2000000-0000-4000-8000-00000000dead', 'as is a milestone''s'
);
select is(
  (select goal -> 'tasks' -> 0 ->> 'user_id' from sly), 'a0000000-0000-4000-8000-000000000001',
  'a task is its goal''s user''s'
);
select is(
  (select array[goal -> 'milestones' -> 0 -> 'goal_id', goal -> 'tasks' -> 0 -> 'goal_id'] from sly),
  (select array[goal -> 'id', goal -> 'id'] from sly),
  'milestones and tasks belong to the goal in which they stand'
);
select is(
  (select goal -> 'tasks' -> 0 -> 'milestone_id' from sly), (select goal -> 'milestones' -> 0 -> 'id' from sly),
  'and tasks to the milestone in which they stand'
);

-- All or nothing, and where it broke

create function pg_temp.create_goal(goal jsonb, milestones jsonb)
returns text
language sql
as $$
  select format(
    'select public.create_goal_with_structure(%L, %L)',
    '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "Broken"}' || goal, milestones
  );
$$;

select is(pg_temp.failure(pg_temp.create_goal(bad.goal::jsonb, bad.milestones::jsonb)), bad.failure, bad.description)
from (
  values
  ('{"title": ""}', '[]', '23514 at goal.title', 'a goal without a title'),
  ('{"title": null}', '[]', '23502 at goal', 'a goal with no title'),
  ('{"user_id": null}', '[]', '23502 at goal', 'a goal of nobody'),
  ('{"user_id": "x"}', '[]', '22P02 at goal.user_id', 'a goal of a user with no uuid'),
  (
    '{"user_id": "a0000000-0000-4000-8000-00000000dead"}', '[]', '23503 at goal', 'a goal of a user who does not exist'
  ),
  ('{"target_weeks": 1e10}', '[]', '22003 at goal.target_weeks', 'a goal for too many weeks'),
  ('{"status": "paused"}', '[]', '23514 at goal.status', 'a goal in an unknown status'),
  (
    '{"parent_goal_id": "a1000000-0000-4000-8000-000000000003"}', '[]', '23503 at goal', 'a goal under another''s goal'
  ),
  ('{"class_tags": "a"}', '[]', '22P02 at goal.class_tags', 'a goal with tags that are no list'),
  ('{}', '[{"title": "x"}]', '23502 at milestones[0]', 'a milestone without a week'),
  (
    '{}', '[{"week_number": 1, "title": "x"}, {"week_number": 2}]', '23502 at milestones[1]',
    'a milestone without a title'
  ),
  (
    '{}', '[{"week_number": 1, "title": "x"}, {"week_number": 0, "title": "x"}, {"week_number": 0, "title": "x"}]',
    '23514 at milestones[1].week_number', 'the first of two bad milestones is named'
  ),
  ('{}', '[{"week_number": "soon", "title": "x"}]', '22P02 at milestones[0].week_number', 'a milestone in no week'),
  (
    '{}',
    '[
      {"week_number": 1, "title": "x"}, {"week_number": 2, "title": "x", "tasks": [{"title": "x"}]},
      {"week_number": 3, "title": "x", "tasks": [{"title": ""}]}
    ]',
    '23514 at milestones[2].tasks[0].title', 'a bad task in the third milestone'
  ),
  (
    '{}', '[{"week_number": 1, "title": "x", "tasks": [{"title": "x"}, {"title": "x"}, {}]}]',
    '23502 at milestones[0].tasks[2]', 'the third task of the first'
  ),
  (
    '{}', '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "status": "scheduled"}]}]',
    '23514 at milestones[0].tasks[0].status', 'a task in a word of contract 1.0'
  ),
  (
    '{}', '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "scheduled_at": "soon"}]}]',
    '22007 at milestones[0].tasks[0].scheduled_at', 'a task at no time'
  ),
  (
    '{}',
    '[{"week_number": 1, "title": "x", "tasks": [
      {"title": "x"}, {"title": "x", "scheduled_at": "9999-12-31T23:00Z", "duration_minutes": 60}
    ]}]',
    'PT422 at milestones[0].tasks[1].duration_minutes', 'a task that would end too late'
  ),
  (
    '{}', '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "completed_at": "2030-01-01Z"}]}]',
    '23514 at milestones[0].tasks[0]', 'a task that was completed and is not done'
  ),
  ('{}', '["x"]', '22023 at milestones[0]', 'a milestone that is no object'),
  ('{}', '[{"week_number": 1, "title": "x", "tasks": ["x"]}]', '22023 at milestones[0].tasks[0]', 'a task that is none'),
  ('{}', '[{"week_number": 1, "title": "x", "tasks": {}}]', '22023', 'tasks that are no list'),
  ('{"nonsense": 1}', '[]', '42703', 'a field that goals lack'),
  ('{}', '[{"week_number": 1, "title": "x", "nonsense": 1}]', '42703', 'a field that milestones lack'),
  ('{}', '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "a\" b": 1}]}]', '42703', 'one that tasks lack')
) as bad (goal, milestones, failure, description);
select throws_ok(
  pg_temp.create_goal('{}', '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "duration_minutes": 0}]}]'),
  '23514', 'value for domain public.positive_integer violates check constraint "positive_integer_range"',
  'the message is that of the row''s own error'
);
select throws_ok(
  $$select public.create_goal_with_structure('[]')$$, '23514', null, 'a goal is an object'
);
select throws_ok(
  $$
    select public.create_goal_with_structure(
      '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "Broken"}', '{}'
    )
  $$,
  '23514', null, 'milestones are a list'
);
select is(
  (select count(*) from public.goals where user_id = 'a0000000-0000-4000-8000-000000000001'), 5::bigint,
  'nothing of what failed is there'
);
select is(
  (
    select count(*) from public.milestones inner join public.goals on milestones.goal_id = goals.id
    where goals.title = 'Broken'
  ), 0::bigint, 'no milestone either'
);

-- A year

select is(
  (
    select array[jsonb_array_length(goal -> 'milestones'), jsonb_array_length(goal -> 'tasks')]
    from (
      select
        to_jsonb(public.create_goal_with_structure(
          '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "A year"}',
          (
            select
              jsonb_agg(jsonb_build_object(
                'week_number', week, 'title', 'x',
                'tasks', (select jsonb_agg(jsonb_build_object('title', nth::text)) from generate_series(1, 20) as nth)
              ))
            from generate_series(1, 52) as week
          )
        )) as goal
    ) as year
  ),
  array[52, 1040], '52 weeks of 20 tasks in one call'
);

-- Contract 1.0

create temporary table created_1_0 as
select
  to_jsonb(v1_0.create_goal_with_structure(
    '{
      "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Old", "category": "health", "timeline": "8 weeks"
    }',
    '[
      {
        "week_number": 1, "title": "x",
        "tasks": [
          {
            "title": "x", "state": "drifted", "trigger_type": "on_leaving_home", "priority": "must-not-miss",
            "start_time": "2030-01-01T12:00:00Z", "end_time": "2030-01-01T12:00:00.000001Z"
          },
          {"title": "y"}
        ]
      }
    ]'
  )) as goal;

select is(
  (select pg_temp.lasting(goal) from created_1_0),
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Old", "category": "health", "timeline": "8 weeks",
    "status": "active"
  }',
  '1.0: the goal with 1.0''s fields'
);
select is(
  (
    select jsonb_agg(pg_temp.lasting(task.entry) order by task.place)
    from created_1_0, jsonb_array_elements(created_1_0.goal -> 'tasks') with ordinality as task (entry, place)
  ),
  '[
    {
      "user_id": "a0000000-0000-4000-8000-000000000001", "title": "x", "state": "drifted", "is_recurring": false,
      "trigger_type": "on_leaving_home", "priority": "must-not-miss", "calendar_event_id": null,
      "start_time": "2030-01-01T12:00:00+00:00", "end_time": "2030-01-01T12:00:00.000001+00:00"
    },
    {
      "user_id": "a0000000-0000-4000-8000-000000000001", "title": "y", "state": "scheduled", "is_recurring": false,
      "trigger_type": "time", "priority": "standard", "calendar_event_id": null, "start_time": null, "end_time": null
    }
  ]',
  '1.0: tasks with 1.0''s fields and defaults'
);
select is(
  (select goal from created_1_0),
  (select to_jsonb(goals_full) from v1_0.goals_full where title = 'Old'), '1.0: it is what goals_full shows'
);
select is(
  (select array_agg(status::text order by created_at) from public.tasks where title in ('x', 'y') and goal_id = (
    select (created_1_0.goal ->> 'id')::uuid from created_1_0
  )),
  array['rescheduled', 'pending'], '1.0: stored in 1.2''s words'
);
select
  is(
    pg_temp.failure(format(
      'select v1_0.create_goal_with_structure(%L, %L)',
      '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "Broken"}', bad.milestones
    )),
    bad.failure, bad.description
  )
from (
  values
  (
    '[{"week_number": 1, "title": "x", "tasks": [{"title": "x"}, {"title": "x", "state": "done"}]}]',
    '23514 at milestones[0].tasks[1].state', '1.0: a task in a word of 1.2'
  ),
  (
    '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "end_time": "2030-01-01Z"}]}]',
    '23514 at milestones[0].tasks[0]', '1.0: a task with an end and no start'
  ),
  (
    '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "start_time": "0001-01-01Z", "end_time": "9999-01-01Z"}]}]',
    'PT422 at milestones[0].tasks[0].end_time', '1.0: a task that takes too long'
  ),
  (
    '[{"week_number": 1, "title": "x", "tasks": [{"title": "x", "scheduled_at": "2030-01-01Z"}]}]',
    '42703', '1.0: a field of 1.2'
  )
) as bad (milestones, failure, description);

select * from finish();
rollback;
