-- create_goal_with_structure: a goal with milestones and tasks, all or nothing; and goals_full, which reads it back.

begin;
select plan(80);

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

-- Fields and defaults

create temporary table kinds as
select
  kind.relation, kind.place, kind.fixed, array(
    select attribute.attname::text from pg_catalog.pg_attribute as attribute
    where
      attribute.attrelid = kind.relation::regclass and attribute.attnum > 0
      and has_column_privilege('service_role', attribute.attrelid, attribute.attnum, 'insert')
      -- The duration decides the end.
      and attribute.attname not in ('id', 'scheduled_end_at')
  ) as columns
from (
  values
  ('public.goals', 'goal', '{}'::text[]), ('public.milestones', 'milestones,0', array['goal_id']),
  ('public.tasks', 'milestones,0,tasks,0', array['user_id', 'goal_id', 'milestone_id']),
  ('v1_0.goals', 'goal', '{}'), ('v1_0.milestones', 'milestones,0', array['goal_id']),
  ('v1_0.tasks', 'milestones,0,tasks,0', array['user_id', 'goal_id', 'milestone_id'])
) as kind (relation, place, fixed);

-- A structure of which one row has one more field.
create function pg_temp.with_field(relation text, place text, field text)
returns text
language sql
as $$
  select pg_temp.failure(format(
    'select %s.create_goal_with_structure(%L, %L)', split_part(with_field.relation, '.', 1), made.whole -> 'goal',
    made.whole -> 'milestones'
  ))
  from (
    select
      jsonb_set(
        '{
          "goal": {"user_id": "a0000000-0000-4000-8000-000000000001", "title": "x"},
          "milestones": [{"week_number": 1, "title": "x", "tasks": [{"title": "x"}]}]
        }',
        string_to_array(with_field.place, ',') || with_field.field, '{"neither": "text nor number"}'
      ) as whole
  ) as made;
$$;
create function pg_temp.written(place text)
returns text
language sql
as $$
  select replace(replace(written.place, ',tasks', '.tasks'), ',0', '[0]');
$$;

select
  is(
    array(
      select field.name from unnest(kinds.columns) as field (name)
      where
        pg_temp.with_field(kinds.relation, kinds.place, field.name)
        = format('PT422 at %s.%s', pg_temp.written(kinds.place), field.name)
      order by field.name
    ),
    array(select fixed.name from unnest(kinds.fixed) as fixed (name) order by fixed.name),
    format('all fields of %s can be given but those that its place decides', kinds.relation)
  )
from kinds;
select
  is(
    pg_temp.with_field(kinds.relation, kinds.place, sly.field),
    format('PT422 at %s.%s', pg_temp.written(kinds.place), sly.field),
    format('%s of %s is refused', sly.field, kinds.relation)
  )
from kinds, unnest(array['id', 'created_at', 'nonsense']) as sly (field);

create temporary table complete as
select
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Complete", "description": "d", "class_tags": ["a"],
    "status": "pipeline", "parent_goal_id": "a1000000-0000-4000-8000-000000000001", "pipeline_order": 3,
    "activated_at": "2030-01-01T00:00:00+00:00", "completed_at": "2030-01-02T00:00:00+00:00", "target_weeks": 7,
    "plan_json": {"a": 1}, "category": "c", "timeline": "t"
  }'::jsonb as goal,
  '{"week_number": 5, "title": "m", "status": "s"}'::jsonb as milestone,
  '{
    "title": "t", "description": "d", "status": "done", "priority": "important", "scheduled_at": "2030-01-01T00:00:00+00:00",
    "duration_minutes": 5, "trigger_type": "location", "location_trigger": "home", "is_recurring": true,
    "recurrence_rule": "FREQ=DAILY", "calendar_event_id": "e", "shared_with_goal_ids": ["a1000000-0000-4000-8000-000000000001"],
    "reminder_sent_at": "2030-01-03T00:00:00+00:00", "whatsapp_sent_at": "2030-01-04T00:00:00+00:00",
    "call_sent_at": "2030-01-05T00:00:00+00:00", "completed_at": "2030-01-06T00:00:00+00:00", "escalation_policy": "silent",
    "class_tags": ["b"], "conversation_id": "a4000000-0000-4000-8000-000000000001",
    "canonical_scheduled_at": "2030-01-07T00:00:00+00:00", "series_id": "a5000000-0000-4000-8000-000000000001",
    "occurrence_at": "2030-01-08T00:00:00+00:00"
  }'::jsonb as task;
insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values
('a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'a', 'general');

select
  is(
    array(select field.name from jsonb_object_keys(given.fields) as field (name) order by field.name),
    array(
      select field.name from unnest(kinds.columns) as field (name)
      where field.name <> all(kinds.fixed)
      order by field.name
    ),
    format('the example has each field of %s', kinds.relation)
  )
from complete,
  lateral (
    values ('public.goals', complete.goal), ('public.milestones', complete.milestone), ('public.tasks', complete.task)
  ) as given (relation, fields)
inner join kinds on given.relation = kinds.relation;
select
  ok(
    written.goal @> complete.goal and written.goal -> 'milestones' -> 0 @> complete.milestone
    and written.goal -> 'tasks' -> 0 @> complete.task,
    'and each is written'
  )
from complete,
  lateral (
    select
      to_jsonb(public.create_goal_with_structure(
        complete.goal, jsonb_build_array(complete.milestone || jsonb_build_object('tasks', jsonb_build_array(complete.task)))
      )) as goal
  ) as written;

insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-000000000001', 'Plain');
insert into public.milestones (goal_id, week_number, title)
select goals.id as goal_id, 1 as week_number, 'Plain' as title from public.goals where goals.title = 'Plain';
insert into public.tasks (user_id, title) values ('a0000000-0000-4000-8000-000000000001', 'Plain');
create temporary table plain as
select
  to_jsonb(public.create_goal_with_structure(
    '{"user_id": "a0000000-0000-4000-8000-000000000001", "title": "Plain"}',
    '[{"week_number": 1, "title": "Plain", "tasks": [{"title": "Plain"}]}]'
  )) as goal;
select
  is(pg_temp.lasting(pair.written), pg_temp.lasting(pair.usual), format('the defaults of %s are the usual ones', pair.relation))
from (
  select 'goals' as relation, plain.goal as written, to_jsonb(goals) as usual from plain, public.goals
  where goals.title = 'Plain' and goals.id <> (plain.goal ->> 'id')::uuid
  union all
  select 'milestones' as relation, plain.goal -> 'milestones' -> 0 as written, to_jsonb(milestones) as usual
  from plain, public.milestones
  where milestones.title = 'Plain' and milestones.goal_id <> (plain.goal ->> 'id')::uuid
  union all
  select 'tasks' as relation, plain.goal -> 'tasks' -> 0 as written, to_jsonb(tasks) as usual from plain, public.tasks
  where tasks.title = 'Plain' and tasks.goal_id is null
) as pair;

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
  ('{}', '["x"]', 'PT422 at milestones[0]', 'a milestone that is no object'),
  ('{}', '[{"week_number": 1, "title": "x", "tasks": ["x"]}]', 'PT422 at milestones[0].tasks[0]', 'a task that is none'),
  ('{}', '[{"week_number": 1, "title": "x", "tasks": {}}]', 'PT422 at milestones[0].tasks', 'tasks that are no list'),
  (
    '{}', '[{"week_number": 1, "title": "x"}, {"week_number": 2, "title": "x", "tasks": null}]',
    'PT422 at milestones[1].tasks', 'null for tasks'
  ),
  (
    '{}',
    '[
      {"week_number": 1, "title": "x", "tasks": [{"title": "x"}]},
      {"week_number": 2, "title": "x", "tasks": [{"title": "x"}, {"title": "x", "a\" b": 1}]}
    ]',
    'PT422 at milestones[1].tasks[1].a" b', 'an unknown field of the last of several tasks'
  )
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
  (select count(*) from public.goals where title = 'Broken'), 0::bigint,
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
    'PT422 at milestones[0].tasks[0].scheduled_at', '1.0: a field of 1.2'
  )
) as bad (milestones, failure, description);

select * from finish();
rollback;
