-- Ending a task and beginning the next occurrence of its series; moving a task. The caller says which state it expects the task
-- to be in, so that of several callers one wins and the others get a conflict.

set lock_timeout = '3s';

create function private.lock_task(task_id uuid)
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
  select tasks.* into task from public.tasks where tasks.id = lock_task.task_id for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no task with this id.';
  end if;
  return task;
end;
$$;
comment on function private.lock_task(uuid) is 'Locks a task; raises PT404 if there is none.';

create type public.finished_task as (task public.tasks, next public.tasks);
comment on type public.finished_task is 'A task that ended, and the next occurrence of its series.';
comment on column public.finished_task.task is 'The task as it is now.';
comment on column public.finished_task.next is 'The next occurrence; null if none was asked for. @nullable';

-- The next occurrence repeats the task, except for what belongs to one occurrence: its event in the calendar, what was sent
-- about it, when it was done. If it exists already, whoever made it, it is the answer.
create function private.begin_next_occurrence(task public.tasks, next jsonb)
returns public.tasks
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  columns constant text [] := array[
    'goal_id', 'milestone_id', 'title', 'description', 'priority', 'duration_minutes', 'trigger_type', 'location_trigger',
    'is_recurring', 'recurrence_rule', 'shared_with_goal_ids', 'escalation_policy', 'class_tags', 'conversation_id',
    'scheduled_at', 'canonical_scheduled_at', 'occurrence_at', 'calendar_event_id'
  ];
  wanted public.tasks;
  occurrence public.tasks;
  broken_constraint text;
  said text;
begin
  perform private.require_fields(
    'public.tasks', jsonb_build_array(next), array['next'], columns, array['scheduled_at', 'occurrence_at']
  );
  task.calendar_event_id := null;
  task.scheduled_at := null;
  task.occurrence_at := null;
  wanted := private.read_fields(task, jsonb_build_object('canonical_scheduled_at', next -> 'scheduled_at') || next, 'next');
  begin
    insert into public.tasks (
      user_id, goal_id, milestone_id, title, description, priority, duration_minutes, trigger_type, location_trigger, is_recurring,
      recurrence_rule, shared_with_goal_ids, escalation_policy, class_tags, conversation_id, scheduled_at, canonical_scheduled_at,
      calendar_event_id, series_id, occurrence_at
    )
    values (
      wanted.user_id, wanted.goal_id, wanted.milestone_id, wanted.title, wanted.description, wanted.priority,
      wanted.duration_minutes, wanted.trigger_type, wanted.location_trigger, wanted.is_recurring, wanted.recurrence_rule,
      wanted.shared_with_goal_ids, wanted.escalation_policy, wanted.class_tags, wanted.conversation_id, wanted.scheduled_at,
      wanted.canonical_scheduled_at, wanted.calendar_event_id, wanted.series_id, wanted.occurrence_at
    )
    on conflict (user_id, series_id, occurrence_at) where series_id is not null do nothing
    returning tasks.* into occurrence;
  exception
    when foreign_key_violation or check_violation or sqlstate 'PT422' then
      get stacked diagnostics broken_constraint = constraint_name, said = pg_exception_detail;
      raise exception using errcode = sqlstate, message = sqlerrm, constraint = broken_constraint,
        detail = concat_ws('.', 'at next', case when sqlstate = 'PT422' then substr(said, length('at ') + 1) end);
  end;
  if not found then
    select tasks.* into occurrence from public.tasks
    where tasks.user_id = wanted.user_id and tasks.series_id = wanted.series_id and tasks.occurrence_at = wanted.occurrence_at;
  end if;
  return occurrence;
end;
$$;
comment on function private.begin_next_occurrence(public.tasks, jsonb) is
'Creates the next occurrence of a task''s series, or finds the one that exists. `next` has the fields that differ.';

create function public.finish_task(
  task_id uuid,
  new_status public.task_status,
  expected_status public.task_status default 'pending',
  expected_scheduled_at public.instant default null,
  next jsonb default null
)
returns public.finished_task
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  finished public.finished_task;
  task public.tasks := private.lock_task(task_id);
begin
  perform private.require_arguments(jsonb_build_object('new_status', new_status));
  if task.status <> coalesce(expected_status, 'pending') then
    raise sqlstate 'PT409' using message = 'The task is ' || task.status || '.';
  end if;
  if expected_scheduled_at <> task.scheduled_at or (expected_scheduled_at is not null and task.scheduled_at is null) then
    raise sqlstate 'PT409' using message = 'The task has another scheduled_at.';
  end if;
  update public.tasks set
    status = new_status,
    series_id = case when next is null then tasks.series_id else coalesce(tasks.series_id, tasks.id) end
  where tasks.id = task.id
  returning tasks.* into task;
  finished.task := task;
  if next is not null then
    finished.next := private.begin_next_occurrence(task, next);
  end if;
  return finished;
end;
$$;
comment on function public.finish_task(uuid, public.task_status, public.task_status, public.instant, jsonb) is
'Finish a task and begin its next occurrence. Sets the status and, with `next`, creates the next occurrence of its series, in '
'one transaction. A task without a series begins one under its own id. It is a conflict if the task is not as expected. '
'@object=next:tasks,!scheduled_at,!occurrence_at,-user_id,-status,-scheduled_end_at,-series_id,-completed_at,-reminder_sent_at,'
'-whatsapp_sent_at,-call_sent_at';

create function public.move_task(
  task_id uuid, scheduled_at public.instant, expected_scheduled_at public.instant, occurrence_at public.instant default null
)
returns public.tasks
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  task public.tasks := private.lock_task(task_id);
begin
  if task.scheduled_at is distinct from move_task.expected_scheduled_at then
    raise sqlstate 'PT409' using message = 'The task has another scheduled_at.';
  end if;
  update public.tasks set
    scheduled_at = move_task.scheduled_at,
    occurrence_at = coalesce(move_task.occurrence_at, tasks.occurrence_at),
    reminder_sent_at = null,
    whatsapp_sent_at = null,
    call_sent_at = null
  where tasks.id = task.id
  returning tasks.* into task;
  return task;
end;
$$;
comment on function public.move_task(uuid, public.instant, public.instant, public.instant) is
'Move a task to another time. It is a conflict if the task is not scheduled as expected; null means unscheduled. Deliveries '
'planned for the old time become void, and the user has yet to be reminded. @nullable=expected_scheduled_at';

grant execute on function private.lock_task(uuid) to authenticated, service_role;
grant execute on function private.begin_next_occurrence(public.tasks, jsonb) to authenticated, service_role;
grant execute on function public.finish_task(uuid, public.task_status, public.task_status, public.instant, jsonb)
to authenticated, service_role;
grant execute on function public.move_task(uuid, public.instant, public.instant, public.instant) to authenticated, service_role;
