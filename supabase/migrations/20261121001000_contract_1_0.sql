-- Contract 1.0: the same rows in older words. Views and functions over public, under the same row-level security. What a view
-- can say as a plain column, Postgres writes through by itself; tasks and conversations need a trigger.
--
--   state        scheduled  drifted      completed  missed             trigger_type  time  on_leaving_home
--   status       pending    rescheduled  done       missed, cancelled  trigger_type  time  location
--   start_time = scheduled_at, end_time = scheduled_end_at

create schema v1_0;

comment on schema v1_0 is 'Contract 1.0 of the Flux data service.';

alter default privileges in schema v1_0 revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema v1_0 revoke all on functions from anon, authenticated, service_role;

grant usage on schema v1_0 to anon, authenticated, service_role;

create domain v1_0.task_state as text
constraint task_state_word check (value in ('scheduled', 'drifted', 'completed', 'missed'));
comment on domain v1_0.task_state is 'Where a task stands.';

create domain v1_0.trigger_type as text
constraint trigger_type_word check (value in ('time', 'on_leaving_home'));
comment on domain v1_0.trigger_type is 'What makes a task due.';

create view v1_0.users with (security_invoker = true) as
select id, name, email, preferences, demo_mode, created_at, updated_at
from public.users;

comment on view v1_0.users is 'People whom Flux coaches.';
comment on column v1_0.users.name is 'Required. Display name.';
comment on column v1_0.users.preferences is 'Free-form preferences, such as the time zone.';

create view v1_0.demo_flags with (security_invoker = true) as
select user_id, virtual_now, escalation_speed, created_at, updated_at
from public.demo_flags;

comment on view v1_0.demo_flags is 'Simulation settings, at most one row a user.';

create view v1_0.goals with (security_invoker = true) as
select id, user_id, title, category, timeline, status, created_at, updated_at
from public.goals;

comment on view v1_0.goals is 'What users want to reach.';
comment on column v1_0.goals.category is 'What the goal is about, such as health.';
comment on column v1_0.goals.timeline is 'Time frame, such as "8 weeks".';

create view v1_0.milestones with (security_invoker = true) as
select id, goal_id, week_number, title, status, created_at, updated_at
from public.milestones;

-- Rows that come together take their defaults from the view: see private.insert_rows.
alter view v1_0.milestones alter column status set default 'pending';

comment on view v1_0.milestones is 'Weekly steps of a goal.';

create view v1_0.tasks with (security_invoker = true) as
select
  id,
  user_id,
  goal_id,
  milestone_id,
  title,
  (
    case status
      when 'pending' then 'scheduled'
      when 'rescheduled' then 'drifted'
      when 'done' then 'completed'
      else 'missed'
    end
  )::v1_0.task_state as state,
  priority,
  scheduled_at as start_time,
  scheduled_end_at as end_time,
  (case trigger_type when 'location' then 'on_leaving_home' else 'time' end)::v1_0.trigger_type as trigger_type,
  is_recurring,
  calendar_event_id,
  created_at,
  updated_at
from public.tasks;

alter view v1_0.tasks alter column state set default 'scheduled';
alter view v1_0.tasks alter column priority set default 'standard';
alter view v1_0.tasks alter column trigger_type set default 'time';
alter view v1_0.tasks alter column is_recurring set default false;

comment on view v1_0.tasks is 'What users do towards their goals, and when.';
comment on column v1_0.tasks.goal_id is 'Required. The goal, of the same user, that it serves.';
comment on column v1_0.tasks.state is 'Where the task stands.';
comment on column v1_0.tasks.start_time is 'When it starts.';
comment on column v1_0.tasks.end_time is 'When it ends; not before its start.';
comment on column v1_0.tasks.trigger_type is 'What makes it due: a time, or leaving home.';

create view v1_0.conversations with (security_invoker = true) as
select id, user_id, goal_id, messages, status, created_at, updated_at
from public.conversations;

alter view v1_0.conversations alter column messages set default '[]';
alter view v1_0.conversations alter column status set default 'open';

comment on view v1_0.conversations is 'Threads between a user and the agents.';
comment on column v1_0.conversations.goal_id is 'Required. The goal, of the same user, that the conversation is about.';
comment on column v1_0.conversations.messages is 'What was said, a list of any shape.';
comment on column v1_0.conversations.status is 'Where the conversation stands.';

create view v1_0.goals_full with (security_invoker = true) as
select
  goals.*,
  array(
    select milestones from v1_0.milestones
    where milestones.goal_id = goals.id
    order by milestones.week_number, milestones.created_at, milestones.id
  ) as milestones,
  array(
    select tasks from v1_0.tasks
    where tasks.goal_id = goals.id
    order by tasks.created_at, tasks.id
  ) as tasks
from v1_0.goals;

comment on view v1_0.goals_full is 'Goals with their milestones and tasks.';
comment on column v1_0.goals_full.milestones is 'The goal''s milestones, by week.';
comment on column v1_0.goals_full.tasks is 'The goal''s tasks, in the order of their creation.';

-- Words -------------------------------------------------------------------------------------------------------------------------

create function private.status_of_state(state text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case state
    when 'scheduled' then 'pending'
    when 'drifted' then 'rescheduled'
    when 'completed' then 'done'
    else state
  end;
$$;
comment on function private.status_of_state(text) is 'The status that stores a state of contract 1.0.';

create function private.stored_trigger_type(trigger_type text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case trigger_type when 'on_leaving_home' then 'location' else trigger_type end;
$$;
comment on function private.stored_trigger_type(text) is 'The trigger type that stores one of contract 1.0.';

create function private.changed_fields(before jsonb, after jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(field.key, field.value), '{}')
  from jsonb_each(after) as field
  where field.value is distinct from before -> field.key;
$$;
comment on function private.changed_fields(jsonb, jsonb) is 'The fields of a row that differ after an update.';

-- Writing -----------------------------------------------------------------------------------------------------------------------

create function private.create_task_of_1_0()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if new.goal_id is null then
    raise not_null_violation using message = 'goal_id is required in contract 1.0', column = 'goal_id';
  end if;
  new.id := coalesce(new.id, gen_random_uuid());
  -- Not by a SET clause of the function: only a superuser may give one a parameter that Postgres doesn't know, and hosted
  -- Supabase has none.
  perform set_config('flux.end_decides', 'on', true);
  insert into public.tasks (
    id, user_id, goal_id, milestone_id, title, status, priority, scheduled_at, scheduled_end_at, trigger_type, is_recurring,
    calendar_event_id
  )
  values (
    new.id, new.user_id, new.goal_id, new.milestone_id, new.title, private.status_of_state(new.state), new.priority,
    new.start_time, new.end_time, private.stored_trigger_type(new.trigger_type), new.is_recurring, new.calendar_event_id
  );
  perform set_config('flux.end_decides', 'off', true);
  select tasks.* into new from v1_0.tasks where tasks.id = new.id;
  return new;
end;
$$;
comment on function private.create_task_of_1_0() is 'Trigger: writes a new task of contract 1.0.';

create function private.change_task_of_1_0()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
declare
  changes constant jsonb := private.changed_fields(to_jsonb(old), to_jsonb(new));
  task v1_0.tasks;
begin
  -- What the caller did not change stays as it is now, also where another writer changed it since this statement began.
  select tasks.* into task from v1_0.tasks where tasks.id = old.id for no key update;
  if not found then
    return null;
  end if;
  task := jsonb_populate_record(task, changes);
  -- An end that was sent, or that stays, decides the duration; else the duration decides the end.
  perform set_config(
    'flux.end_decides', case when changes ? 'end_time' or task.end_time is not null then 'on' else 'off' end, true
  );
  update public.tasks
  set
    goal_id = task.goal_id,
    milestone_id = task.milestone_id,
    title = task.title,
    status = case when changes ? 'state' then private.status_of_state(task.state) else tasks.status end,
    priority = task.priority,
    scheduled_at = task.start_time,
    scheduled_end_at = task.end_time,
    trigger_type = case
      when changes ? 'trigger_type' then private.stored_trigger_type(task.trigger_type) else tasks.trigger_type
    end,
    is_recurring = task.is_recurring,
    calendar_event_id = task.calendar_event_id
  where tasks.id = task.id;
  perform set_config('flux.end_decides', 'off', true);
  select tasks.* into new from v1_0.tasks where tasks.id = task.id;
  return new;
end;
$$;
comment on function private.change_task_of_1_0() is 'Trigger: writes a change to a task of contract 1.0.';

create function private.create_conversation_of_1_0()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if new.goal_id is null then
    raise not_null_violation using message = 'goal_id is required in contract 1.0', column = 'goal_id';
  end if;
  new.id := coalesce(new.id, gen_random_uuid());
  insert into public.conversations (id, user_id, goal_id, messages, status, langgraph_thread_id, context_type)
  values (new.id, new.user_id, new.goal_id, new.messages, new.status, 'legacy-' || new.id::text, 'goal');
  select conversations.* into new from v1_0.conversations where conversations.id = new.id;
  return new;
end;
$$;
comment on function private.create_conversation_of_1_0() is 'Trigger: writes a new conversation of contract 1.0.';

create trigger tasks_create instead of insert on v1_0.tasks
for each row execute function private.create_task_of_1_0();

create trigger tasks_change instead of update on v1_0.tasks
for each row execute function private.change_task_of_1_0();

create trigger conversations_create instead of insert on v1_0.conversations
for each row execute function private.create_conversation_of_1_0();

-- Functions ---------------------------------------------------------------------------------------------------------------------

create function v1_0.get_tasks_by_timerange(user_id uuid, start_time public.instant, end_time public.instant)
returns v1_0.tasks[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.require_ordered_range(start_time, end_time);
  return array(
    select tasks
    from v1_0.tasks
    where
      tasks.user_id = get_tasks_by_timerange.user_id
      and tasks.start_time between get_tasks_by_timerange.start_time and get_tasks_by_timerange.end_time
    order by tasks.start_time, tasks.id
  );
end;
$$;
comment on function v1_0.get_tasks_by_timerange(uuid, public.instant, public.instant) is
'The user''s tasks with start_time in [start_time, end_time], by start_time. One array, so that no row limit cuts it.';

create type v1_0.task_statistics as (
  user_id uuid,
  total_tasks bigint,
  by_state public.tally,
  completion_rate numeric
);
comment on type v1_0.task_statistics is 'How a user''s tasks turned out.';
comment on column v1_0.task_statistics.user_id is 'Whose tasks were counted.';
comment on column v1_0.task_statistics.total_tasks is 'How many there are.';
comment on column v1_0.task_statistics.by_state is
'How many there are of each state, zeros included; empty where there are none at all.';
comment on column v1_0.task_statistics.completion_rate is 'Share of them that is completed, 0 to 1, to 4 decimals.';

create function v1_0.get_task_statistics(user_id uuid, start_date public.instant, end_date public.instant)
returns v1_0.task_statistics
language sql
stable
security invoker
set search_path = ''
as $$
  select
    statistics.user_id,
    statistics.total_tasks,
    case
      when statistics.total_tasks = 0 then '{}'::jsonb
      else jsonb_build_object(
        'scheduled', statistics.by_status -> 'pending',
        'drifted', statistics.by_status -> 'rescheduled',
        'completed', statistics.by_status -> 'done',
        'missed', (statistics.by_status -> 'missed')::bigint + (statistics.by_status -> 'cancelled')::bigint
      )
    end,
    statistics.completion_rate
  from public.get_task_statistics(
    get_task_statistics.user_id, get_task_statistics.start_date, get_task_statistics.end_date
  ) as statistics;
$$;
comment on function v1_0.get_task_statistics(uuid, public.instant, public.instant) is
'Counts the user''s tasks with created_at in [start_date, end_date], by state, and the share that is completed.';

create type v1_0.bulk_update as (updated_count integer);
comment on type v1_0.bulk_update is 'What a bulk update did.';
comment on column v1_0.bulk_update.updated_count is 'How many rows it found and updated.';

create function v1_0.bulk_update_task_state(task_ids public.uuid_batch, new_state v1_0.task_state)
returns v1_0.bulk_update
language sql
volatile
security invoker
set search_path = ''
as $$
  select bulk_update.* from public.bulk_update_task_status(task_ids, private.status_of_state(new_state)) as bulk_update;
$$;
comment on function v1_0.bulk_update_task_state(public.uuid_batch, v1_0.task_state) is
'Sets the state of up to 100 tasks in one transaction. Ids that name no task do not count; a repeated one counts once.';

create function v1_0.set_calendar_event(task_id uuid, calendar_event_id public.label)
returns v1_0.tasks
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  task v1_0.tasks;
begin
  perform public.set_calendar_event(task_id, calendar_event_id);
  select tasks.* into task from v1_0.tasks where tasks.id = task_id;
  return task;
end;
$$;
comment on function v1_0.set_calendar_event(
  uuid, public.label
) is 'Links a task to the event in the user''s calendar; null unlinks it.';

create function v1_0.put_demo_flags(
  user_id uuid, virtual_now public.instant default null, escalation_speed public.nonnegative_number default 1.0
)
returns v1_0.demo_flags
language sql
volatile
security invoker
set search_path = ''
as $$
  select flags.user_id, flags.virtual_now, flags.escalation_speed, flags.created_at, flags.updated_at
  from public.put_demo_flags(
    put_demo_flags.user_id, put_demo_flags.virtual_now, put_demo_flags.escalation_speed
  ) as flags;
$$;
comment on function v1_0.put_demo_flags(uuid, public.instant, public.nonnegative_number) is
'Creates or replaces a user''s demo flags. What is not given goes back to its default.';

create function v1_0.create_goal_with_structure(goal public.json_object, milestones public.json_list default '[]')
returns v1_0.goals_full
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  created constant uuid := private.create_goal_with_structure('v1_0', goal, milestones);
  result v1_0.goals_full;
begin
  select goals_full.* into result from v1_0.goals_full where goals_full.id = created;
  return result;
end;
$$;
comment on function v1_0.create_goal_with_structure(public.json_object, public.json_list) is
'Creates a goal with milestones, each with its tasks, in one transaction: all or nothing.';

grant select, delete on
v1_0.users, v1_0.demo_flags, v1_0.goals, v1_0.milestones, v1_0.tasks, v1_0.conversations
to authenticated, service_role;
grant select on v1_0.goals_full to authenticated, service_role;
grant insert (id, name, email, preferences, demo_mode), update (name, preferences, demo_mode)
on v1_0.users to authenticated, service_role;
grant update (email) on v1_0.users to service_role;
grant insert (user_id, virtual_now, escalation_speed), update (virtual_now, escalation_speed)
on v1_0.demo_flags to authenticated, service_role;
grant insert (id, user_id, title, category, timeline, status), update (title, category, timeline, status)
on v1_0.goals to authenticated, service_role;
grant insert (id, goal_id, week_number, title, status), update (goal_id, week_number, title, status)
on v1_0.milestones to authenticated, service_role;
grant insert (
  id, user_id, goal_id, milestone_id, title, state, priority, start_time, end_time, trigger_type, is_recurring, calendar_event_id
),
update (goal_id, milestone_id, title, state, priority, start_time, end_time, trigger_type, is_recurring, calendar_event_id)
on v1_0.tasks to authenticated, service_role;
grant insert (id, user_id, goal_id, messages, status), update (goal_id, messages, status)
on v1_0.conversations to authenticated, service_role;

grant execute on function private.status_of_state(text) to authenticated, service_role;
grant execute on function private.stored_trigger_type(text) to authenticated, service_role;
grant execute on function private.changed_fields(jsonb, jsonb) to authenticated, service_role;
grant execute on function v1_0.get_tasks_by_timerange(uuid, public.instant, public.instant) to authenticated, service_role;
grant execute on function v1_0.get_task_statistics(uuid, public.instant, public.instant) to authenticated, service_role;
grant execute on function v1_0.bulk_update_task_state(public.uuid_batch, v1_0.task_state) to authenticated, service_role;
grant execute on function v1_0.set_calendar_event(uuid, public.label) to authenticated, service_role;
grant execute on function v1_0.put_demo_flags(uuid, public.instant, public.nonnegative_number) to authenticated, service_role;
grant execute on function v1_0.create_goal_with_structure(public.json_object, public.json_list) to authenticated, service_role;
