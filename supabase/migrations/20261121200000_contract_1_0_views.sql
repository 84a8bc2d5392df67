-- Contract 1.0: the same rows in older words. Views and functions over public, under the same row-level security. What a view
-- can say as a plain column, Postgres writes through by itself; tasks and conversations need a trigger.
--
--   state        scheduled  drifted      completed  missed             trigger_type  time  on_leaving_home
--   status       pending    rescheduled  done       missed, cancelled  trigger_type  time  location
--   start_time = scheduled_at, end_time = scheduled_end_at

set lock_timeout = '3s';

create schema v1_0;

comment on schema v1_0 is 'Contract 1.0 of the Flux data service.
@contract=1.0';

alter default privileges in schema v1_0 revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema v1_0 revoke all on functions from anon, authenticated, service_role;

grant usage on schema v1_0 to anon, authenticated, service_role;

create domain v1_0.task_state as text default 'scheduled'
constraint task_state_word check (value in ('scheduled', 'drifted', 'completed', 'missed'));
comment on domain v1_0.task_state is 'Where a task stands.';

create domain v1_0.trigger_type as text default 'time'
constraint trigger_type_word check (value in ('time', 'on_leaving_home'));
comment on domain v1_0.trigger_type is 'What makes a task due.';

create view v1_0.users with (security_invoker = true) as
select id, name, email, preferences, demo_mode, created_at, updated_at
from public.users;

comment on view v1_0.users is 'People whom Flux coaches.';
comment on column v1_0.users.name is 'Display name. @required';
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
comment on column v1_0.tasks.goal_id is 'The goal, of the same user, that it serves. @required';
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
comment on column v1_0.conversations.goal_id is 'The goal, of the same user, that the conversation is about. @required';
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

-- A view's column that the table has too is described as there: PostgREST's own OpenAPI document reads nothing else.
do $$
declare
  alike record;
begin
  for alike in
    select shown.attrelid::regclass as shown_by, shown.attname, col_description(stored.attrelid, stored.attnum) as described
    from pg_catalog.pg_class as view
    inner join pg_catalog.pg_attribute as shown on view.oid = shown.attrelid
    inner join pg_catalog.pg_attribute as stored
      on stored.attrelid = to_regclass('public.' || replace(view.relname, '_full', '')) and shown.attname = stored.attname
    where
      view.relnamespace in ('public'::regnamespace, 'v1_0'::regnamespace) and view.relkind = 'v'
      and col_description(shown.attrelid, shown.attnum) is null
  loop
    execute format('comment on column %s.%I is %L', alike.shown_by, alike.attname, alike.described);
  end loop;
end
$$;

insert into private.whole_views (whole_view, counted)
select
  format('v1_0.%s', whole.name)::regclass as whole_view,
  format('public.%s', whole.name)::regclass as counted
from unnest(array['users', 'goals', 'milestones', 'tasks', 'conversations']) as whole (name);

grant select, delete on
v1_0.users, v1_0.demo_flags, v1_0.goals, v1_0.milestones, v1_0.tasks, v1_0.conversations
to authenticated, service_role;
grant select on v1_0.goals_full to authenticated, service_role;
grant update (name, preferences, demo_mode) on v1_0.users to authenticated, service_role;
grant insert (id, name, email, preferences, demo_mode), update (email) on v1_0.users to service_role;
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
