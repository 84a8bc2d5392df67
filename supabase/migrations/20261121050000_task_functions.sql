-- What is asked of tasks and done to them beyond plain rows: a time range, statistics, many at once, the calendar.

set lock_timeout = '3s';

create function private.require_answerable_range(
  user_id uuid, range_start timestamptz, range_end timestamptz, end_name text
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  most constant integer := 20000;
  rows_in_range integer;
  octets_in_range bigint;
begin
  -- The lengths are known without reading the texts.
  select count(*), sum(octet_length(found.description))
  into rows_in_range, octets_in_range
  from (
    select tasks.description
    from public.tasks
    where tasks.user_id = require_answerable_range.user_id and tasks.scheduled_at between range_start and range_end
    limit most + 1
  ) as found;
  if rows_in_range > most or octets_in_range > 64 * 1024 * 1024 then
    raise sqlstate 'PT422'
    using
      message = 'The range has more than 20,000 tasks, or 64 MiB of their texts. Ask for a narrower range.',
      detail = 'at ' || end_name;
  end if;
end;
$$;
comment on function private.require_answerable_range(uuid, timestamptz, timestamptz, text) is
'Raises PT422, at this name of the end, if a user has more tasks in a range than one answer holds.';

create function public.get_tasks_by_timerange(user_id uuid, start_at public.instant, end_at public.instant)
returns public.tasks[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  found_tasks public.tasks [];
  most integer;
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id, 'start_at', start_at, 'end_at', end_at));
  perform private.require_ordered_range(start_at, end_at);
  foreach most in array array[1000, 20000] loop
    found_tasks := array(
      select tasks
      from public.tasks
      where tasks.user_id = get_tasks_by_timerange.user_id and tasks.scheduled_at between start_at and end_at
      order by tasks.scheduled_at, tasks.id
      limit most
    );
    exit when cardinality(found_tasks) < most;
    -- Most ranges are short and need no second look.
    perform private.require_answerable_range(user_id, start_at, end_at, 'end_at');
  end loop;
  return found_tasks;
end;
$$;
comment on function public.get_tasks_by_timerange(uuid, public.instant, public.instant) is
'Get a user''s tasks in a time range. Returns the tasks with scheduled_at in [start_at, end_at], earliest first, as one '
'array: all of them, up to 20,000.';

create type public.task_statistics as (
  user_id uuid,
  total_tasks bigint,
  by_status public.tally,
  completion_rate numeric
);
comment on type public.task_statistics is 'How a user''s tasks turned out.';
comment on column public.task_statistics.user_id is 'Whose tasks were counted.';
comment on column public.task_statistics.total_tasks is 'How many there are.';
comment on column public.task_statistics.by_status is
'How many there are of each status, zeros included; empty if there are no tasks. @tally=task_status,empty';
comment on column public.task_statistics.completion_rate is 'Share of them that is done, 0 to 1, to 4 decimals.';

create function public.get_task_statistics(user_id uuid, start_date public.instant, end_date public.instant)
returns public.task_statistics
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  statistics public.task_statistics;
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id, 'start_date', start_date, 'end_date', end_date));
  perform private.require_ordered_range(start_date, end_date);
  select
    get_task_statistics.user_id,
    count(*),
    case
      when count(*) = 0 then '{}'::jsonb
      else jsonb_build_object(
        'pending', count(*) filter (where tasks.status = 'pending'),
        'done', count(*) filter (where tasks.status = 'done'),
        'missed', count(*) filter (where tasks.status = 'missed'),
        'rescheduled', count(*) filter (where tasks.status = 'rescheduled'),
        'cancelled', count(*) filter (where tasks.status = 'cancelled')
      )
    end,
    round(coalesce(count(*) filter (where tasks.status = 'done') / nullif(count(*), 0)::numeric, 0), 4)
  into statistics
  from public.tasks
  where tasks.user_id = get_task_statistics.user_id and tasks.created_at between start_date and end_date;
  return statistics;
end;
$$;
comment on function public.get_task_statistics(uuid, public.instant, public.instant) is
'Get statistics of a user''s tasks. Counts the tasks with created_at in [start_date, end_date] by status, and computes the '
'share that is done. Archived tasks are not counted. @small';

create type public.bulk_update as (updated_count integer);
comment on type public.bulk_update is 'What a bulk update did.';
comment on column public.bulk_update.updated_count is 'How many rows it found and updated.';

create function public.bulk_update_task_status(task_ids public.uuid_batch, new_status public.task_status)
returns public.bulk_update
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  update_of_tasks public.bulk_update;
begin
  perform private.require_arguments(jsonb_build_object('task_ids', cardinality(task_ids), 'new_status', new_status));
  with locked as materialized (
    -- In id order, so that overlapping calls wait for each other and never in a circle.
    select tasks.id from public.tasks where tasks.id = any (task_ids) order by tasks.id for no key update
  ),
  updated as (
    update public.tasks set status = new_status from locked where tasks.id = locked.id returning tasks.id
  )
  select count(*)::integer into update_of_tasks.updated_count from updated;
  return update_of_tasks;
end;
$$;
comment on function public.bulk_update_task_status(public.uuid_batch, public.task_status) is
'Set the status of up to 10,000 tasks. It is one transaction. Ids of no task do not count, and a repeated id counts once.';

create function public.set_calendar_event(task_id uuid, calendar_event_id public.label)
returns public.tasks
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  task public.tasks;
begin
  perform private.require_arguments(jsonb_build_object('task_id', task_id));
  update public.tasks set calendar_event_id = set_calendar_event.calendar_event_id
  where tasks.id = task_id
  returning tasks.* into task;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no task with this id.';
  end if;
  return task;
end;
$$;
comment on function public.set_calendar_event(
  uuid, public.label
) is
'Link a task to an event in the user''s calendar. null removes the link.';

grant execute on function private.require_answerable_range(uuid, timestamptz, timestamptz, text) to authenticated, service_role;
grant execute on function public.get_tasks_by_timerange(uuid, public.instant, public.instant) to authenticated, service_role;
grant execute on function public.get_task_statistics(uuid, public.instant, public.instant) to authenticated, service_role;
grant execute on function public.bulk_update_task_status(public.uuid_batch, public.task_status) to authenticated, service_role;
grant execute on function public.set_calendar_event(uuid, public.label) to authenticated, service_role;
