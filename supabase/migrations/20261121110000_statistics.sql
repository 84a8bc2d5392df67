-- Statistics by scheduled_at, in the user's own days and weeks. All are live: they read the user's tasks in the range by index,
-- and nothing is stored for them.
--
-- The range is cut into days or weeks once, as instants, and a binary search puts each task into its period: converting every
-- task's time to the user's zone would cost more than reading it.

set lock_timeout = '3s';

create domain public.week_count as integer
constraint week_count_range check (value between 1 and 104);
comment on domain public.week_count is 'A number of weeks, from 1 to 104.';

create domain public.day_count as integer
constraint day_count_range check (value between 1 and 400);
comment on domain public.day_count is 'A number of days, from 1 to 400.';

create function private.choose_zone(user_id uuid, time_zone text)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id));
  if time_zone is null then
    return coalesce((select users.timezone from public.users where users.id = choose_zone.user_id), 'UTC');
  end if;
  if not private.is_time_zone(time_zone) then
    raise sqlstate 'PT422' using message = 'There is no time zone with this name.', detail = 'at time_zone';
  end if;
  return time_zone;
end;
$$;
comment on function private.choose_zone(uuid, text) is
'The time zone that is given, else the user''s; raises PT422 for an unknown one, and if there is no user_id.';

-- Midnight comes twice in a night that turns the clock back over it, and Postgres takes the later: the offset of the noon
-- before finds the earlier one. One query for all periods, because a call for each would cost ten times as much.
create function private.starts_of_periods(first_day date, step integer, periods integer, zone text)
returns timestamptz[]
language sql
stable
security invoker
set search_path = ''
as $$
  select array_agg(
    case when earlier.instant < later.instant and earlier.instant at time zone zone = later.midnight
      then earlier.instant else later.instant
    end
    order by later.midnight
  )
  from (
    select day.midnight, day.midnight at time zone zone as instant
    from generate_series(
      first_day::timestamp, (first_day + step * periods)::timestamp, step * interval '1 day'
    ) as day (midnight)
    offset 0
  ) as later,
    lateral (
      select
        later.instant - interval '12 hours' + (later.midnight - (later.instant - interval '12 hours') at time zone zone) as instant
      offset 0
    ) as earlier;
$$;
comment on function private.starts_of_periods(date, integer, integer, text) is
'The first instants of periods of `step` days in a time zone, and where the last one ends.';

-- Takes counts by status and writes the fields that all statistics share.
create function private.write_tally(pending bigint, done bigint, missed bigint, rescheduled bigint, cancelled bigint)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'pending', coalesce(pending, 0), 'done', coalesce(done, 0), 'missed', coalesce(missed, 0),
    'rescheduled', coalesce(rescheduled, 0), 'cancelled', coalesce(cancelled, 0)
  );
$$;
comment on function private.write_tally(bigint, bigint, bigint, bigint, bigint) is
'Counts of tasks by status, zeros included, as an object.';

create function private.rate_of_completion(done bigint, total bigint)
returns numeric
language sql
immutable
security invoker
set search_path = ''
as $$
  select round(coalesce(done / nullif(total, 0)::numeric, 0), 4);
$$;
comment on function private.rate_of_completion(bigint, bigint) is 'Share that is done, 0 to 1, to 4 decimals; 0 for none.';

create function private.count_periods(
  user_id uuid,
  goal_id uuid,
  first_day date,
  step integer,
  periods integer,
  zone text,
  out first_of_period date,
  out total_tasks bigint,
  out by_status jsonb,
  out completion_rate numeric
)
returns setof record
language plpgsql
stable
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  starts constant timestamptz [] := private.starts_of_periods(first_day, step, periods, zone);
begin
  -- Most callers cannot read another date.
  if first_day < '0001-01-01' or first_day + step * (periods - 1) > '9999-12-31' then
    raise sqlstate 'PT422' using message = 'The statistics would leave the years 1 to 9999.', detail = 'at until';
  end if;
  return query
  select
    first_day + step * (nth.period - 1),
    coalesce(counted.total, 0),
    -- As private.write_tally and private.rate_of_completion do: a call for each period would cost more than reading the tasks.
    jsonb_build_object(
      'pending', coalesce(counted.pending, 0), 'done', coalesce(counted.done, 0), 'missed', coalesce(counted.missed, 0),
      'rescheduled', coalesce(counted.rescheduled, 0), 'cancelled', coalesce(counted.cancelled, 0)
    ),
    round(coalesce(counted.done / counted.total::numeric, 0), 4)
  from generate_series(1, periods) as nth (period)
  left join (
    select
      width_bucket(tasks.scheduled_at::timestamptz, starts) as period,
      count(*) as total,
      count(*) filter (where tasks.status = 'pending') as pending,
      count(*) filter (where tasks.status = 'done') as done,
      count(*) filter (where tasks.status = 'missed') as missed,
      count(*) filter (where tasks.status = 'rescheduled') as rescheduled,
      count(*) filter (where tasks.status = 'cancelled') as cancelled
    from public.tasks
    where tasks.user_id = count_periods.user_id
      and (count_periods.goal_id is null or tasks.goal_id = count_periods.goal_id)
      and tasks.scheduled_at >= starts[1] and tasks.scheduled_at < starts[periods + 1]
    group by 1
  ) as counted on nth.period = counted.period
  order by nth.period desc;
end;
$$;
comment on function private.count_periods(uuid, uuid, date, integer, integer, text) is
'The user''s tasks, or those of one goal, by the period of `step` days that they are scheduled in. The latest period is first; '
'periods without tasks are included.';

create type public.task_week as (week date, total_tasks bigint, by_status public.tally, completion_rate numeric);
comment on type public.task_week is 'How the tasks of a week turned out.';
comment on column public.task_week.week is 'The week''s Monday.';
comment on column public.task_week.total_tasks is 'How many tasks are scheduled in it.';
comment on column public.task_week.by_status is 'How many there are of each status, zeros included. @tally=task_status';
comment on column public.task_week.completion_rate is 'Share of them that is done, 0 to 1, to 4 decimals.';

create function public.get_weekly_statistics(
  user_id uuid,
  weeks public.week_count default 12,
  until public.instant default statement_timestamp(),
  time_zone text default null
)
returns public.task_week[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  zone constant text := private.choose_zone(user_id, time_zone);
  last_week constant date := date_trunc('week', coalesce(until, statement_timestamp()) at time zone zone)::date;
  periods constant integer := coalesce(weeks, 12);
begin
  return array(
    select row(counted.first_of_period, counted.total_tasks, counted.by_status, counted.completion_rate)::public.task_week
    from private.count_periods(user_id, null, last_week - 7 * (periods - 1), 7, periods, zone) as counted
  );
end;
$$;
comment on function public.get_weekly_statistics(uuid, public.week_count, public.instant, text) is
'Get a user''s tasks by week. Counts them by scheduled_at, the latest week first, up to the week of `until`. Weeks without '
'tasks are included. Weeks are those of the user''s time zone, or of `time_zone`. Archived tasks are not counted.';

create type public.task_day as (day date, total_tasks bigint, by_status public.tally, completion_rate numeric);
comment on type public.task_day is 'How the tasks of a day turned out.';
comment on column public.task_day.day is 'The day.';
comment on column public.task_day.total_tasks is 'How many tasks are scheduled on it.';
comment on column public.task_day.by_status is 'How many there are of each status, zeros included. @tally=task_status';
comment on column public.task_day.completion_rate is 'Share of them that is done, 0 to 1, to 4 decimals.';

create function public.get_daily_statistics(
  user_id uuid,
  days public.day_count default 90,
  until public.instant default statement_timestamp(),
  time_zone text default null
)
returns public.task_day[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  zone constant text := private.choose_zone(user_id, time_zone);
  last_day constant date := (coalesce(until, statement_timestamp()) at time zone zone)::date;
  periods constant integer := coalesce(days, 90);
begin
  return array(
    select row(counted.first_of_period, counted.total_tasks, counted.by_status, counted.completion_rate)::public.task_day
    from private.count_periods(user_id, null, last_day - (periods - 1), 1, periods, zone) as counted
  );
end;
$$;
comment on function public.get_daily_statistics(uuid, public.day_count, public.instant, text) is
'Get a user''s tasks by day. Counts them by scheduled_at, the latest day first, up to the day of `until`. Days without tasks '
'are included. Days are those of the user''s time zone, or of `time_zone`. Archived tasks are not counted.';

create type public.streak as (current integer, longest integer);
comment on type public.streak is 'Days in a row with a task done.';
comment on column public.streak.current is 'The run that reaches today or yesterday; 0 if there is none.';
comment on column public.streak.longest is 'The longest run.';

create function public.get_streak(
  user_id uuid, until public.instant default statement_timestamp(), time_zone text default null
)
returns public.streak
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  zone constant text := private.choose_zone(user_id, time_zone);
  today constant date := (coalesce(until, statement_timestamp()) at time zone zone)::date;
  first_day date;
  starts timestamptz [];
  found_streak public.streak;
begin
  select (min(tasks.scheduled_at) at time zone zone)::date into first_day from public.tasks
  where tasks.user_id = get_streak.user_id;
  if first_day is null or first_day > today then
    return row(0, 0)::public.streak;
  end if;
  first_day := greatest(first_day, today - 3652);
  starts := private.starts_of_periods(first_day, 1, today - first_day + 1, zone);
  with done_days as (
    select distinct width_bucket(tasks.scheduled_at::timestamptz, starts) as day from public.tasks
    where tasks.user_id = get_streak.user_id and tasks.status = 'done'
      and tasks.scheduled_at >= starts[1] and tasks.scheduled_at < starts[cardinality(starts)]
  ),
  runs as (
    -- Days in a row are as far from each other as their numbers.
    select max(numbered.day) as last_day, count(*)::integer as days
    from (select done_days.day, done_days.day - row_number() over (order by done_days.day) as run from done_days) as numbered
    group by numbered.run
  )
  select coalesce(max(runs.days) filter (where runs.last_day >= cardinality(starts) - 2), 0), coalesce(max(runs.days), 0)
  into found_streak from runs;
  return found_streak;
end;
$$;
comment on function public.get_streak(uuid, public.instant, text) is
'Get a user''s streak. Counts the days in a row with a task done, by scheduled_at, in the ten years up to the day of `until`. '
'Days are those of the user''s time zone, or of `time_zone`. Archived tasks are not counted.';

grant execute on function private.choose_zone(uuid, text) to authenticated, service_role;
grant execute on function private.starts_of_periods(date, integer, integer, text) to authenticated, service_role;
grant execute on function private.write_tally(bigint, bigint, bigint, bigint, bigint) to authenticated, service_role;
grant execute on function private.rate_of_completion(bigint, bigint) to authenticated, service_role;
grant execute on function private.count_periods(uuid, uuid, date, integer, integer, text) to authenticated, service_role;
grant execute on function public.get_weekly_statistics(uuid, public.week_count, public.instant, text)
to authenticated, service_role;
grant execute on function public.get_daily_statistics(uuid, public.day_count, public.instant, text) to authenticated, service_role;
grant execute on function public.get_streak(uuid, public.instant, text) to authenticated, service_role;
