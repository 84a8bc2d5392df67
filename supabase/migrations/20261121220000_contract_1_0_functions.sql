-- Contract 1.0's functions: those of contract 1.2, in 1.0's words.

set lock_timeout = '3s';

create function v1_0.get_tasks_by_timerange(user_id uuid, start_time public.instant, end_time public.instant)
returns v1_0.tasks[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  found_tasks v1_0.tasks [];
  most integer;
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id, 'start_time', start_time, 'end_time', end_time));
  perform private.require_ordered_range(start_time, end_time);
  foreach most in array array[1000, 20000] loop
    found_tasks := array(
      select tasks
      from v1_0.tasks
      where
        tasks.user_id = get_tasks_by_timerange.user_id
        and tasks.start_time between get_tasks_by_timerange.start_time and get_tasks_by_timerange.end_time
      order by tasks.start_time, tasks.id
      limit most
    );
    exit when cardinality(found_tasks) < most;
    perform private.require_answerable_range(user_id, start_time, end_time, 'end_time');
  end loop;
  return found_tasks;
end;
$$;
comment on function v1_0.get_tasks_by_timerange(uuid, public.instant, public.instant) is
'Get a user''s tasks in a time range. Returns the tasks with start_time in [start_time, end_time], earliest first, as one '
'array: all of them, up to 20,000.';

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
'How many there are of each state, zeros included; empty if there are no tasks. @tally=task_state,empty';
comment on column v1_0.task_statistics.completion_rate is 'Share of them that is completed, 0 to 1, to 4 decimals.';

create function private.tally_states(by_status public.tally)
returns public.tally
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when by_status = '{}' then '{}'::jsonb
    else jsonb_build_object(
      'scheduled', by_status -> 'pending',
      'drifted', by_status -> 'rescheduled',
      'completed', by_status -> 'done',
      'missed', (by_status -> 'missed')::bigint + (by_status -> 'cancelled')::bigint
    )
  end;
$$;
comment on function private.tally_states(public.tally) is 'A tally of statuses as a tally of contract 1.0''s states.';

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
    private.tally_states(statistics.by_status),
    statistics.completion_rate
  from public.get_task_statistics(
    get_task_statistics.user_id, get_task_statistics.start_date, get_task_statistics.end_date
  ) as statistics;
$$;
comment on function v1_0.get_task_statistics(uuid, public.instant, public.instant) is
'Get statistics of a user''s tasks. Counts the tasks with created_at in [start_date, end_date] by state, and computes the '
'share that is completed. Archived tasks are not counted. @small';

create type v1_0.bulk_update as (updated_count integer);
comment on type v1_0.bulk_update is 'What a bulk update did.';
comment on column v1_0.bulk_update.updated_count is 'How many rows it found and updated.';

create function v1_0.bulk_update_task_state(task_ids public.uuid_batch, new_state v1_0.task_state)
returns v1_0.bulk_update
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  updated public.bulk_update;
begin
  perform private.require_arguments(jsonb_build_object('new_state', new_state));
  updated := public.bulk_update_task_status(task_ids, private.status_of_state(new_state));
  return row(updated.updated_count)::v1_0.bulk_update;
end;
$$;
comment on function v1_0.bulk_update_task_state(public.uuid_batch, v1_0.task_state) is
'Set the state of up to 10,000 tasks. It is one transaction. Ids of no task do not count, and a repeated id counts once.';

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
) is
'Link a task to an event in the user''s calendar. null removes the link.';

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
'Create or replace a user''s demo flags. A field that is not sent takes its default.';

create function v1_0.create_goal_with_structure(goal public.row_fields, milestones public.row_list default '[]')
returns v1_0.goals_full
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  created uuid;
  result v1_0.goals_full;
begin
  perform private.require_arguments(jsonb_build_object('goal', jsonb_typeof(goal)));
  created := private.create_goal_with_structure(
    'v1_0', goal, coalesce(milestones, '[]'), 'private.insert_tasks_of_1_0'
  );
  select goals_full.* into result from v1_0.goals_full where goals_full.id = created;
  return result;
end;
$$;
comment on function v1_0.create_goal_with_structure(public.row_fields, public.row_list) is
'Create a goal with its milestones and tasks. It is one transaction: all or nothing. @structure=goals,milestones,tasks';

grant execute on function private.tally_states(public.tally) to authenticated, service_role;
grant execute on function v1_0.get_tasks_by_timerange(uuid, public.instant, public.instant) to authenticated, service_role;
grant execute on function v1_0.get_task_statistics(uuid, public.instant, public.instant) to authenticated, service_role;
grant execute on function v1_0.bulk_update_task_state(public.uuid_batch, v1_0.task_state) to authenticated, service_role;
grant execute on function v1_0.set_calendar_event(uuid, public.label) to authenticated, service_role;
grant execute on function v1_0.put_demo_flags(uuid, public.instant, public.nonnegative_number) to authenticated, service_role;
grant execute on function v1_0.create_goal_with_structure(public.row_fields, public.row_list) to authenticated, service_role;
