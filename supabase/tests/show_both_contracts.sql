-- private.show_both_contracts: the rows of an answer in the words of both contracts.

begin;
select plan(14);

select tests.create_user('ada');
insert into public.goals (id, user_id, title)
values ('b0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Run');
insert into public.tasks (id, user_id, goal_id, title, status, trigger_type, scheduled_at, duration_minutes, description)
values
(
  'c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001',
  'Jog', 'cancelled', 'location', '2026-03-01T09:00Z', 30, 'Slowly'
),
(
  'c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001',
  'Stretch', 'pending', 'time', null, null, null
);

create function pg_temp.words(task jsonb) returns jsonb
language sql
return (
  select jsonb_object_agg(key, value)
  from jsonb_each(task)
  where key in ('title', 'status', 'state', 'trigger_type')
);

select
  is(
    private.show_both_contracts(to_jsonb(tasks), 'tasks', 'public') @> to_jsonb(tasks), true,
    'a call of contract 1.2 gets its own row'
  )
from public.tasks
where title = 'Jog';
select
  is(
    private.show_both_contracts(to_jsonb(tasks), 'tasks', 'public') - array(select jsonb_object_keys(to_jsonb(tasks))),
    '{"state": "missed", "start_time": "2026-03-01T09:00:00+00:00", "end_time": "2026-03-01T09:30:00+00:00"}',
    'with the words of contract 1.0 beside it'
  )
from public.tasks
where title = 'Jog';
select
  is(
    private.show_both_contracts(to_jsonb(tasks), 'tasks', 'v1_0') @> to_jsonb(tasks), true,
    'a call of contract 1.0 gets its own row'
  )
from v1_0.tasks
where title = 'Jog';
select
  is(
    pg_temp.words(private.show_both_contracts(to_jsonb(tasks), 'tasks', 'v1_0')),
    '{"title": "Jog", "status": "cancelled", "state": "missed", "trigger_type": "on_leaving_home"}',
    'with the words of contract 1.2 beside it; a field of both is in the words of the call'
  )
from v1_0.tasks
where title = 'Jog';
select
  is(
    (select array_agg(task.value ->> 'state') from jsonb_array_elements(shown.tasks) as task),
    array['scheduled', 'missed'], 'a list keeps its order'
  )
from (
  select private.show_both_contracts(jsonb_agg(to_jsonb(tasks) order by title desc), 'tasks', 'public') as tasks
  from public.tasks
  where user_id = 'a0000000-0000-4000-8000-000000000001'
) as shown;
select is(private.show_both_contracts('[]', 'tasks', 'public'), '[]', 'an empty list stays one');
select
  is(
    (shown.page - 'items') || jsonb_build_object('states', jsonb_path_query_array(shown.page, '$.items[*].state')),
    '{"total": 2, "page": 1, "page_size": 100, "has_next": false, "has_prev": false, "states": ["scheduled", "missed"]}',
    'so does a page, with all else that it has'
  )
from (
  select
    private.show_both_contracts(
      public.list_page('public.tasks', '{"user_id": "a0000000-0000-4000-8000-000000000001"}')::jsonb, 'tasks', 'public'
    ) as page
) as shown;
select
  is(
    jsonb_build_array(shown.goal -> 'target_weeks', jsonb_path_query_array(shown.goal, '$.tasks[*].description')),
    '[6, ["Slowly", null]]', 'a goal with its tasks has the words of contract 1.2 at both levels'
  )
from v1_0.goals_full, private.show_both_contracts(to_jsonb(goals_full), 'goals_full', 'v1_0') as shown (goal)
where goals_full.user_id = 'a0000000-0000-4000-8000-000000000001';
select
  is(
    jsonb_path_query_array(shown.goal, '$.tasks[*].state'),
    '["missed", "scheduled"]', 'and in a call of contract 1.2 those of contract 1.0'
  )
from public.goals_full, private.show_both_contracts(to_jsonb(goals_full), 'goals_full', 'public') as shown (goal)
where goals_full.user_id = 'a0000000-0000-4000-8000-000000000001';

-- Rows that the calling statement writes.

prepare create_task as
with written as (
  insert into public.tasks (user_id, title)
  values ('a0000000-0000-4000-8000-000000000001', 'New')
  returning to_jsonb(tasks) as row
)

select pg_temp.words(private.show_both_contracts(written.row, 'tasks', 'public')) from written;
select results_eq(
  'create_task',
  $$values ('{"title": "New", "status": "pending", "state": "scheduled", "trigger_type": "time"}'::jsonb)$$,
  'it sees the row that the calling statement creates'
);
prepare change_task as
with written as (
  update v1_0.tasks set state = 'drifted'
  where title = 'New'
  returning to_jsonb(tasks) as row
)

select pg_temp.words(private.show_both_contracts(written.row, 'tasks', 'v1_0')) from written;
select results_eq(
  'change_task',
  $$values ('{"title": "New", "status": "rescheduled", "state": "drifted", "trigger_type": "time"}'::jsonb)$$,
  'and the row as the calling statement leaves it, also through a view of contract 1.0'
);

-- Conversations and statistics.

with written as (
  insert into v1_0.conversations (user_id, goal_id)
  values ('a0000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-000000000001')
  returning to_jsonb(conversations) as row
)

select
  is(
    private.show_both_contracts(written.row, 'conversations', 'v1_0') ->> 'langgraph_thread_id',
    'legacy-' || (written.row ->> 'id'), 'a conversation that contract 1.0 created has its thread'
  )
from written;
select
  is(
    private.show_both_contracts(to_jsonb(statistics), 'task_statistics', 'public'),
    to_jsonb(statistics) || '{"by_state": {"scheduled": 1, "drifted": 1, "completed": 0, "missed": 1}}',
    'statistics count states and statuses'
  )
from public.get_task_statistics('a0000000-0000-4000-8000-000000000001', '2000-01-01Z', '2100-01-01Z') as statistics;
select
  is(
    private.show_both_contracts(to_jsonb(statistics), 'task_statistics', 'public') -> 'by_state', '{}',
    'with no task there is no state'
  )
from public.get_task_statistics('a0000000-0000-4000-8000-00000000dead', '2000-01-01Z', '2100-01-01Z') as statistics;

select * from finish();
rollback;
