-- Delivery: the last check before a dispatch is sent, its lease, its outcome. For services only.

set lock_timeout = '3s';

create function private.lock_dispatch(dispatch_id uuid, attempt integer)
returns public.dispatches
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  dispatch public.dispatches;
begin
  perform private.require_arguments(jsonb_build_object('dispatch_id', dispatch_id, 'attempt', attempt));
  perform from public.tasks
  where tasks.id = (select dispatches.task_id from public.dispatches where dispatches.id = lock_dispatch.dispatch_id)
  for no key update;
  select dispatches.* into dispatch from public.dispatches
  where dispatches.id = lock_dispatch.dispatch_id
  for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no dispatch with this id.';
  end if;
  if dispatch.attempt <> lock_dispatch.attempt then
    raise sqlstate 'PT409' using message = 'Another attempt at this dispatch has begun.';
  end if;
  return dispatch;
end;
$$;
comment on function private.lock_dispatch(uuid, integer) is
'Locks a delivery, after its task; raises PT404 if there is none and PT409 if the attempt is not the latest.';

create function public.start_dispatch(dispatch_id uuid, attempt public.positive_integer)
returns public.dispatches
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  dispatch public.dispatches := private.lock_dispatch(dispatch_id, attempt);
  task public.tasks;
begin
  if dispatch.outcome is not null then
    raise sqlstate 'PT409' using message = 'This dispatch is closed: its outcome is ' || dispatch.outcome || '.';
  end if;
  if dispatch.lease_until is null or dispatch.lease_until <= clock_timestamp() then
    raise sqlstate 'PT409' using message = 'The lease of this dispatch is over.';
  end if;
  select tasks.* into task from public.tasks where tasks.id = dispatch.task_id;
  if task.status <> 'pending' then
    raise sqlstate 'PT409' using message = 'The task of this dispatch is ' || task.status || '.';
  end if;
  if task.scheduled_at is distinct from dispatch.task_scheduled_at then
    raise sqlstate 'PT409' using message = 'The task of this dispatch was moved.';
  end if;
  if dispatch.expires_at <= clock_timestamp() then
    raise sqlstate 'PT409' using message = 'It is too late to send this dispatch.';
  end if;
  if dispatch.started_at is null then
    update public.dispatches set started_at = clock_timestamp() where dispatches.id = dispatch.id
    returning dispatches.* into dispatch;
  end if;
  return dispatch;
end;
$$;
comment on function public.start_dispatch(uuid, public.positive_integer) is
'Check a delivery right before it is sent. It is a conflict if the lease is over or another worker''s, or if the task is not '
'pending or was moved.';

create function public.extend_dispatch(dispatch_id uuid, attempt public.positive_integer, lease_seconds public.lease_duration)
returns public.dispatches
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  dispatch public.dispatches;
begin
  perform private.require_arguments(jsonb_build_object('lease_seconds', lease_seconds));
  dispatch := private.lock_dispatch(dispatch_id, attempt);
  if dispatch.outcome is not null or dispatch.lease_until is null or dispatch.lease_until <= clock_timestamp() then
    raise sqlstate 'PT409' using message = 'The lease of this dispatch is over.';
  end if;
  update public.dispatches set lease_until = clock_timestamp() + lease_seconds * interval '1 second'
  where dispatches.id = dispatch.id
  returning dispatches.* into dispatch;
  return dispatch;
end;
$$;
comment on function public.extend_dispatch(uuid, public.positive_integer, public.lease_duration) is
'Extend the lease of a delivery. It ends so many seconds from now. It is a conflict if the lease is over.';

create function public.finish_dispatch(
  dispatch_id uuid,
  attempt public.positive_integer,
  outcome public.reported_outcome,
  external_id public.label default null,
  error public.note default null,
  retry_at public.instant default null
)
returns public.dispatches
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_variable
declare
  dispatch public.dispatches;
  moment constant timestamptz := clock_timestamp();
begin
  perform private.require_arguments(jsonb_build_object('outcome', outcome));
  dispatch := private.lock_dispatch(dispatch_id, attempt);
  if retry_at is not null and outcome = 'sent' then
    raise sqlstate 'PT422' using message = 'What was sent is not tried again.', detail = 'at retry_at';
  end if;
  if dispatch.outcome = outcome then
    return dispatch;
  end if;
  if dispatch.outcome <> 'unknown' then
    raise sqlstate 'PT409' using message = 'This dispatch is closed: its outcome is ' || dispatch.outcome || '.';
  end if;
  update public.dispatches set
    outcome = case when retry_at is null then outcome end,
    finished_at = case when retry_at is null then moment end,
    error = error,
    due_at = coalesce(retry_at, dispatches.due_at),
    lease_until = null,
    started_at = case when retry_at is null then dispatches.started_at end
  where dispatches.id = dispatch.id
  returning dispatches.* into dispatch;
  if outcome = 'sent' then
    insert into public.notification_log (task_id, channel, sent_at, external_id)
    values (dispatch.task_id, dispatch.channel, moment, external_id);
    -- A task that was moved meanwhile is yet to be reminded of.
    update public.tasks set
      reminder_sent_at = case dispatch.channel when 'push' then moment else tasks.reminder_sent_at end,
      whatsapp_sent_at = case dispatch.channel when 'whatsapp' then moment else tasks.whatsapp_sent_at end,
      call_sent_at = case dispatch.channel when 'call' then moment else tasks.call_sent_at end
    where tasks.id = dispatch.task_id and tasks.scheduled_at is not distinct from dispatch.task_scheduled_at;
  end if;
  return dispatch;
end;
$$;
comment on function public.finish_dispatch(
  uuid, public.positive_integer, public.reported_outcome, public.label, public.note, public.instant
) is
'Record the outcome of a delivery. If it is sent, the notification log and the task record it too. The latest attempt counts even '
'after its lease. With retry_at, a failed delivery is due again then.';

grant execute on function private.lock_dispatch(uuid, integer) to service_role;
grant execute on function public.start_dispatch(uuid, public.positive_integer) to service_role;
grant execute on function public.extend_dispatch(uuid, public.positive_integer, public.lease_duration) to service_role;
grant execute on function public.finish_dispatch(
  uuid, public.positive_integer, public.reported_outcome, public.label, public.note, public.instant
) to service_role;
