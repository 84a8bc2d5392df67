-- What users answer to notifications, and how far deliveries are behind. For services only.

set lock_timeout = '3s';

create domain public.response_result as text
constraint response_result_word check (value in ('recorded', 'repeated', 'answered', 'late', 'unknown'));
comment on domain public.response_result is 'What recording an answer came to.';

create type public.recorded_response as (
  result public.response_result,
  task_id uuid,
  task_status public.task_status
);
comment on type public.recorded_response is 'What recording an answer came to.';
comment on column public.recorded_response.result is
'recorded; repeated: this answer was recorded before; answered: the delivery has another answer; late: the task was not pending '
'and was left alone; unknown: there is no such delivery.';
comment on column public.recorded_response.task_id is 'The task that the notification was about. @nullable';
comment on column public.recorded_response.task_status is 'Where that task stands now. @nullable';

create function public.record_response(
  channel public.notification_channel,
  external_id public.label,
  response_id public.label,
  response public.note,
  new_status public.task_status default null
)
returns public.recorded_response
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_variable
declare
  entry public.notification_log;
  task public.tasks;
begin
  perform private.require_arguments(
    jsonb_build_object('channel', channel, 'external_id', external_id, 'response_id', response_id, 'response', response)
  );
  select notification_log.* into entry from public.notification_log
  where notification_log.response_id = response_id;
  if found then
    select tasks.* into task from public.tasks where tasks.id = entry.task_id;
    return row('repeated', task.id, task.status)::public.recorded_response;
  end if;
  select tasks.* into task from public.tasks
  where tasks.id = (
    select notification_log.task_id from public.notification_log
    where notification_log.channel = channel and notification_log.external_id = external_id
  )
  for no key update;
  if not found then
    return row('unknown', null, null)::public.recorded_response;
  end if;
  select notification_log.* into entry from public.notification_log
  where notification_log.channel = channel and notification_log.external_id = external_id
  for no key update;
  if entry.response_id = response_id then
    return row('repeated', task.id, task.status)::public.recorded_response;
  end if;
  if entry.responded_at is not null then
    return row('answered', task.id, task.status)::public.recorded_response;
  end if;
  update public.notification_log set response = response, response_id = response_id, responded_at = clock_timestamp()
  where notification_log.id = entry.id;
  if new_status is null then
    return row('recorded', task.id, task.status)::public.recorded_response;
  end if;
  if task.status <> 'pending' then
    return row('late', task.id, task.status)::public.recorded_response;
  end if;
  update public.tasks set status = new_status where tasks.id = task.id returning tasks.* into task;
  return row('recorded', task.id, task.status)::public.recorded_response;
end;
$$;
comment on function public.record_response(
  public.notification_channel, public.label, public.label, public.note, public.task_status
) is
'Record a user''s answer to a notification. An answer counts once, however often the provider delivers it. With new_status, the '
'task changes too, if it is still pending.';

-- Watching ----------------------------------------------------------------------------------------------------------------------

create type public.dispatch_backlog as (open_count bigint, oldest_due_seconds double precision);
comment on type public.dispatch_backlog is 'How far deliveries are behind.';
comment on column public.dispatch_backlog.open_count is 'How many deliveries are open; 100,000 at most.';
comment on column public.dispatch_backlog.oldest_due_seconds is
'How long the oldest due one has waited, in seconds; 0 if none is due.';

create function public.get_dispatch_backlog()
returns public.dispatch_backlog
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*), coalesce(greatest(extract(epoch from statement_timestamp() - min(oldest.due_at)), 0), 0)
  from (
    select dispatches.due_at from public.dispatches where dispatches.outcome is null order by dispatches.due_at limit 100000
  ) as oldest;
$$;
comment on function public.get_dispatch_backlog() is
'Get the backlog of deliveries. Counts the open ones, 100,000 at most, and says how long the oldest due one has waited.';

grant execute on function public.record_response(
  public.notification_channel, public.label, public.label, public.note, public.task_status
) to service_role;
grant execute on function public.get_dispatch_backlog() to service_role;
