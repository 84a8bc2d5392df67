-- Dispatches: one row for each delivery of a notification, from plan to outcome.
--
-- A worker claims due deliveries, which leases them to it until `lease_until`, asks `start_dispatch` right before it sends, and
-- reports with `finish_dispatch`. Nothing has to recover a lease: a delivery whose lease is over is due again. `attempt` grows
-- with each claim and is the fencing token: only the latest attempt may start, extend or finish.
--
-- A delivery is void if its task is not pending any more, or was moved after the delivery was planned. Nothing cancels it at that
-- moment: the next claim that meets it closes it, and `start_dispatch` refuses it.
--
-- Locks are taken in one order: the task, its deliveries, its notification log.

set lock_timeout = '3s';

create domain public.dispatch_outcome as text
constraint dispatch_outcome_word check (value in ('sent', 'failed', 'cancelled', 'expired', 'unknown'));
comment on domain public.dispatch_outcome is 'What became of a delivery.';

create domain public.reported_outcome as text
constraint reported_outcome_word check (value in ('sent', 'failed'));
comment on domain public.reported_outcome is 'What a worker reports of a delivery.';

create table public.dispatches (
  id uuid not null default private.new_id(),
  user_id uuid not null,
  task_id uuid not null,
  channel public.notification_channel not null,
  dedupe_key public.label not null,
  task_scheduled_at public.instant,
  due_at public.instant not null,
  expires_at public.instant,
  lease_until public.instant,
  attempt public.nonnegative_integer not null default 0,
  claimed_by public.label,
  started_at public.instant,
  finished_at public.instant,
  outcome public.dispatch_outcome,
  error public.note,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint dispatches_pkey primary key (id),
  constraint dispatches_dedupe_key_key unique (task_id, user_id, dedupe_key),
  constraint dispatches_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade,
  constraint dispatches_task_id_fkey foreign key (task_id, user_id) references public.tasks (id, user_id) on delete cascade
)
-- Room on each page lets a claim, which changes no indexed column, stay where it is.
with (fillfactor = 80);

comment on table public.dispatches is 'Deliveries of notifications, from plan to outcome.';
comment on column public.dispatches.id is 'The delivery''s id.';
comment on column public.dispatches.user_id is 'Whose task it is about.';
comment on column public.dispatches.task_id is 'The task that it is about.';
comment on column public.dispatches.channel is 'How it is delivered.';
comment on column public.dispatches.dedupe_key is 'The planner''s name for it, unique within the task.';
comment on column public.dispatches.task_scheduled_at is 'The task''s scheduled_at when this was planned; void once it differs.';
comment on column public.dispatches.due_at is 'From when on it is to be sent.';
comment on column public.dispatches.expires_at is 'When it is too late to send it.';
comment on column public.dispatches.lease_until is 'Until when the worker that claimed it has it for itself.';
comment on column public.dispatches.attempt is 'How often it was claimed; the fencing token of the latest claim.';
comment on column public.dispatches.claimed_by is 'The worker that claimed it last.';
comment on column public.dispatches.started_at is 'When the latest attempt began to send.';
comment on column public.dispatches.finished_at is 'When it got its outcome.';
comment on column public.dispatches.outcome is
'What became of it; null while it is open. `unknown`: a worker began to send it and never reported. @filter=or_none';
comment on column public.dispatches.error is 'What the latest attempt failed with.';
comment on column public.dispatches.created_at is 'When the row was created.';
comment on column public.dispatches.updated_at is 'When the row last changed.';

alter table public.dispatches
alter column dedupe_key set statistics 0,
alter column claimed_by set statistics 0,
alter column error set statistics 0;

create index dispatches_open on public.dispatches (due_at, id) where outcome is null;
create index dispatches_newest_first on public.dispatches (created_at desc, id desc);
create index dispatches_of_user on public.dispatches (user_id, created_at desc, id desc);

create trigger dispatches_touch_updated_at before insert or update on public.dispatches
for each row execute function private.touch_updated_at();

-- Planning ----------------------------------------------------------------------------------------------------------------------

create type public.dispatch_plan as (
  task_id uuid,
  channel public.notification_channel,
  dedupe_key public.label,
  due_at public.instant,
  expires_at public.instant
);
comment on type public.dispatch_plan is 'A delivery to plan.';
comment on column public.dispatch_plan.task_id is 'The task that it is about.';
comment on column public.dispatch_plan.channel is 'How it is delivered.';
comment on column public.dispatch_plan.dedupe_key is 'The planner''s name for it, unique within the task.';
comment on column public.dispatch_plan.due_at is 'From when on it is to be sent.';
comment on column public.dispatch_plan.expires_at is 'When it is too late to send it. @nullable';

create type public.scheduled_dispatches as (scheduled_count integer);
comment on type public.scheduled_dispatches is 'What planning did.';
comment on column public.scheduled_dispatches.scheduled_count is 'How many deliveries are new.';

create function public.schedule_dispatches(dispatches public.dispatch_plan[])
returns public.scheduled_dispatches
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  unknown_place bigint;
  lacking text;
  planned public.scheduled_dispatches;
begin
  if coalesce(cardinality(dispatches), 0) not between 1 and 100 then
    raise sqlstate 'PT422' using message = 'One to 100 deliveries are expected.', detail = 'at dispatches';
  end if;
  select format('dispatches[%s].%s', plan.place - 1, needed.name) into lacking
  from unnest(dispatches) with ordinality as plan (task_id, channel, dedupe_key, due_at, expires_at, place),
    lateral (
      values
      ('task_id', plan.task_id is null), ('channel', plan.channel is null), ('dedupe_key', plan.dedupe_key is null),
      ('due_at', plan.due_at is null)
    ) as needed (name, is_lacking)
  where needed.is_lacking
  order by plan.place limit 1;
  if found then
    raise sqlstate 'PT422' using message = 'This field is required.', detail = 'at ' || lacking;
  end if;
  select plan.place into unknown_place
  from unnest(dispatches) with ordinality as plan (task_id, channel, dedupe_key, due_at, expires_at, place)
  where not exists (select from public.tasks where tasks.id = plan.task_id)
  order by plan.place limit 1;
  if found then
    raise sqlstate 'PT422' using
      message = 'There is no such task.', detail = format('at dispatches[%s].task_id', unknown_place - 1);
  end if;
  with added as (
    insert into public.dispatches (user_id, task_id, channel, dedupe_key, task_scheduled_at, due_at, expires_at)
    select tasks.user_id, tasks.id, plan.channel, plan.dedupe_key, tasks.scheduled_at, plan.due_at, plan.expires_at
    from unnest(dispatches) as plan
    inner join public.tasks on plan.task_id = tasks.id
    -- In one order, so that two planners of the same deliveries wait for each other and never in a circle.
    order by tasks.id, plan.dedupe_key
    on conflict on constraint dispatches_dedupe_key_key do nothing
    returning 1
  )
  select count(*)::integer into planned.scheduled_count from added;
  return planned;
end;
$$;
comment on function public.schedule_dispatches(public.dispatch_plan[]) is
'Plan 1 to 100 deliveries. One that exists already, by task and dedupe_key, is left alone. @batch=dispatches';

create type public.cancelled_dispatches as (cancelled_count integer);
comment on type public.cancelled_dispatches is 'What a cancellation did.';
comment on column public.cancelled_dispatches.cancelled_count is 'How many deliveries it closed.';

create function public.cancel_dispatches(task_id uuid)
returns public.cancelled_dispatches
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  cancelled public.cancelled_dispatches;
begin
  perform private.require_arguments(jsonb_build_object('task_id', task_id));
  with locked as materialized (
    select dispatches.id from public.dispatches
    where dispatches.task_id = cancel_dispatches.task_id and dispatches.outcome is null and dispatches.started_at is null
    order by dispatches.id for no key update
  ),
  closed as (
    update public.dispatches set outcome = 'cancelled', finished_at = clock_timestamp(), lease_until = null
    from locked where dispatches.id = locked.id
    returning 1
  )
  select count(*)::integer into cancelled.cancelled_count from closed;
  return cancelled;
end;
$$;
comment on function public.cancel_dispatches(uuid) is
'Cancel the open deliveries of a task. Those that a worker has begun to send stay open.';

-- Row-level security and grants -------------------------------------------------------------------------------------------------

alter table public.dispatches enable row level security;

create policy "Owners read their dispatches" on public.dispatches for select to authenticated
using (user_id = (select private.signed_in_user()));

grant select on public.dispatches to authenticated, service_role;
grant insert (user_id, task_id, channel, dedupe_key, task_scheduled_at, due_at, expires_at),
update (due_at, lease_until, attempt, claimed_by, started_at, finished_at, outcome, error)
on public.dispatches to service_role;

grant execute on function public.schedule_dispatches(public.dispatch_plan[]) to service_role;
grant execute on function public.cancel_dispatches(uuid) to service_role;
