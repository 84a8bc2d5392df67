-- Statistics by tag, and of one goal.

set lock_timeout = '3s';

create type public.task_tag as (tag text, total_tasks bigint, by_status public.tally, completion_rate numeric);
comment on type public.task_tag is 'How the tasks of a tag turned out.';
comment on column public.task_tag.tag is 'The tag, of the task or of its goal.';
comment on column public.task_tag.total_tasks is 'How many tasks have it.';
comment on column public.task_tag.by_status is 'How many there are of each status, zeros included. @tally=task_status';
comment on column public.task_tag.completion_rate is 'Share of them that is done, 0 to 1, to 4 decimals.';

create function public.get_statistics_by_tag(
  user_id uuid, start_at public.instant, end_at public.instant, time_zone text default null
)
returns public.task_tag[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id, 'start_at', start_at, 'end_at', end_at));
  perform private.require_ordered_range(start_at, end_at), private.choose_zone(user_id, time_zone);
  return array(
    select row(
      tagged.tag,
      count(*),
      private.write_tally(
        count(*) filter (where tagged.status = 'pending'),
        count(*) filter (where tagged.status = 'done'),
        count(*) filter (where tagged.status = 'missed'),
        count(*) filter (where tagged.status = 'rescheduled'),
        count(*) filter (where tagged.status = 'cancelled')
      ),
      private.rate_of_completion(count(*) filter (where tagged.status = 'done'), count(*))
    )::public.task_tag
    from (
      select distinct tasks.id, tasks.status::text as status, tags.tag
      from public.tasks
      left join public.goals on tasks.goal_id = goals.id
      cross join unnest(coalesce(tasks.class_tags, '{}')::text[] || coalesce(goals.class_tags, '{}')::text[]) as tags (tag)
      where tasks.user_id = get_statistics_by_tag.user_id and tasks.scheduled_at between start_at and end_at
    ) as tagged
    group by tagged.tag
    order by count(*) desc, tagged.tag
  );
end;
$$;
comment on function public.get_statistics_by_tag(uuid, public.instant, public.instant, text) is
'Get a user''s tasks by tag. Counts the tasks with scheduled_at in [start_at, end_at], for each tag of the task or its goal. '
'The tag with most tasks is first. Archived tasks are not counted.';

create type public.goal_progress as (
  total_tasks bigint, by_status public.tally, completion_rate numeric, by_week public.task_week []
);
comment on type public.goal_progress is 'How far a goal is.';
comment on column public.goal_progress.total_tasks is 'How many tasks it has.';
comment on column public.goal_progress.by_status is 'How many there are of each status, zeros included. @tally=task_status';
comment on column public.goal_progress.completion_rate is 'Share of them that is done, 0 to 1, to 4 decimals.';
comment on column public.goal_progress.by_week is
'Its tasks by the week that they are scheduled in, latest first: from the first, but at most 104 weeks, to the one of `until`.';

create function public.get_goal_progress(
  goal_id uuid, until public.instant default statement_timestamp(), time_zone text default null
)
returns public.goal_progress
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  owner uuid;
  zone text;
  first_week date;
  last_week date;
  progress public.goal_progress;
begin
  perform private.require_arguments(jsonb_build_object('goal_id', goal_id));
  select goals.user_id into owner from public.goals where goals.id = get_goal_progress.goal_id;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no goal with this id.';
  end if;
  zone := private.choose_zone(owner, time_zone);
  last_week := date_trunc('week', coalesce(until, statement_timestamp()) at time zone zone)::date;
  select
    count(*),
    private.write_tally(
      count(*) filter (where tasks.status = 'pending'),
      count(*) filter (where tasks.status = 'done'),
      count(*) filter (where tasks.status = 'missed'),
      count(*) filter (where tasks.status = 'rescheduled'),
      count(*) filter (where tasks.status = 'cancelled')
    ),
    private.rate_of_completion(count(*) filter (where tasks.status = 'done'), count(*)),
    date_trunc('week', min(tasks.scheduled_at) at time zone zone)::date
  into progress.total_tasks, progress.by_status, progress.completion_rate, first_week
  from public.tasks where tasks.user_id = owner and tasks.goal_id = get_goal_progress.goal_id;
  if first_week is null then
    progress.by_week := '{}';
    return progress;
  end if;
  first_week := greatest(first_week, last_week - 7 * 103, '0001-01-01');
  progress.by_week := array(
    select row(counted.first_of_period, counted.total_tasks, counted.by_status, counted.completion_rate)::public.task_week
    from private.count_periods(owner, goal_id, first_week, 7, (last_week - first_week) / 7 + 1, zone) as counted
    where first_week <= last_week
  );
  return progress;
end;
$$;
comment on function public.get_goal_progress(uuid, public.instant, text) is
'Get the progress of a goal. Counts its tasks, in all and by the week that they are scheduled in. Archived tasks are not '
'counted.';

grant execute on function public.get_statistics_by_tag(uuid, public.instant, public.instant, text) to authenticated, service_role;
grant execute on function public.get_goal_progress(uuid, public.instant, text) to authenticated, service_role;
