-- Claims: a worker leases dispatches that are due, with all that it needs to send them. For services only.

set lock_timeout = '3s';

create type public.dispatch_task as (
  id uuid,
  title public.title,
  description public.free_text,
  status public.task_status,
  scheduled_at public.instant,
  duration_minutes public.positive_integer,
  priority public.task_priority,
  escalation_policy public.escalation_policy,
  goal_id uuid
);
comment on type public.dispatch_task is 'What a worker needs to know of the task.';

create type public.dispatch_user as (
  id uuid,
  email public.email_address,
  name public.label,
  timezone public.time_zone,
  notification_preferences public.json_object,
  push_subscription public.json_object,
  phone_verified boolean,
  whatsapp_opt_in_at public.instant
);
comment on type public.dispatch_user is 'What a worker needs to know of the user.';

create type public.claimed_dispatch as (
  id uuid,
  user_id uuid,
  task_id uuid,
  channel public.notification_channel,
  dedupe_key public.label,
  task_scheduled_at public.instant,
  due_at public.instant,
  expires_at public.instant,
  lease_until public.instant,
  attempt public.nonnegative_integer,
  claimed_by public.label,
  started_at public.instant,
  finished_at public.instant,
  outcome public.dispatch_outcome,
  error public.note,
  created_at public.instant,
  updated_at public.instant,
  task public.dispatch_task,
  "user" public.dispatch_user
);
comment on type public.claimed_dispatch is 'A delivery that a worker has claimed, with all that it needs to send it.';
comment on column public.claimed_dispatch.task is 'The task that it is about.';
comment on column public.claimed_dispatch."user" is 'Whose task it is.'; -- noqa: RF06

-- The other fields are those of the tables.
do $$
declare
  field record;
begin
  for field in
    select
      fields.attname as name,
      copied.type,
      regexp_replace(col_description(columns.attrelid, columns.attnum), '\s*@\S+', '', 'g')
      || case when columns.attnotnull then '' else ' @nullable' end as description
    from (
      values
      ('public.dispatches', 'public.claimed_dispatch'), ('public.tasks', 'public.dispatch_task'),
      ('public.users', 'public.dispatch_user')
    ) as copied (relation, type)
    inner join pg_catalog.pg_attribute as columns on columns.attrelid = copied.relation::regclass
    inner join pg_catalog.pg_attribute as fields
      on fields.attrelid = copied.type::regclass and columns.attname = fields.attname
    where columns.attnum > 0
  loop
    execute format('comment on column %s.%I is %L', field.type, field.name, field.description);
  end loop;
end;
$$;

create domain public.batch_limit as integer
constraint batch_limit_range check (value between 1 and 100);
comment on domain public.batch_limit is 'A whole number from 1 to 100.';

create domain public.lease_duration as integer
constraint lease_duration_range check (value between 1 and 3600);
comment on domain public.lease_duration is 'A number of seconds, from 1 to 3600.';

-- Candidates are locked by id first and judged afterwards: a claim in one statement is planned for a tenth of the table.
-- statement_timestamp() is an index condition; clock_timestamp(), being volatile, is not.
create function private.claim_dispatches(
  worker public.label,
  wanted integer,
  lease_seconds integer,
  channels public.notification_channel[],
  resend_unknown boolean
)
returns public.claimed_dispatch[]
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  moment constant timestamptz := statement_timestamp();
  most_closed constant integer := 10 * wanted;
  candidates uuid [];
  live uuid [];
  taken uuid [] := array[]::uuid [];
  closed integer := 0;
begin
  perform private.require_arguments(jsonb_build_object('worker', worker));
  loop
    select array_agg(due.id) into candidates from (
      select dispatches.id from public.dispatches
      where dispatches.outcome is null and dispatches.due_at <= moment
        and (dispatches.lease_until is null or dispatches.lease_until <= moment)
        and (claim_dispatches.channels is null or dispatches.channel = any (claim_dispatches.channels))
        and dispatches.id <> all (taken)
      order by dispatches.due_at, dispatches.id
      limit least(wanted - cardinality(taken), most_closed - closed)
      for no key update skip locked
    ) as due;
    exit when candidates is null;

    with judged as (
      select
        dispatches.id,
        case
          when dispatches.started_at is not null and not resend_unknown then 'unknown'
          when dispatches.expires_at <= moment then 'expired'
          when tasks.status <> 'pending' or tasks.scheduled_at is distinct from dispatches.task_scheduled_at then 'cancelled'
        end as verdict,
        dispatches.started_at is not null as begun
      from public.dispatches
      inner join public.tasks on dispatches.task_id = tasks.id
      where dispatches.id = any (candidates)
    ),
    void as (
      update public.dispatches set
        -- What was begun may have been sent, whatever became of the task.
        outcome = case when judged.begun then 'unknown' else judged.verdict end, finished_at = moment, lease_until = null
      from judged
      where dispatches.id = judged.id and judged.verdict is not null
    )
    select array_agg(judged.id) into live from judged where judged.verdict is null;

    closed := closed + cardinality(candidates) - coalesce(cardinality(live), 0);
    taken := taken || coalesce(live, '{}');
    exit when cardinality(taken) >= wanted or closed >= most_closed;
  end loop;

  update public.dispatches set
    lease_until = moment + lease_seconds * interval '1 second',
    attempt = dispatches.attempt + 1,
    claimed_by = worker,
    started_at = null
  where dispatches.id = any (taken);

  return array(
    select row(
      dispatches.*,
      row(
        tasks.id, tasks.title, tasks.description, tasks.status, tasks.scheduled_at, tasks.duration_minutes, tasks.priority,
        tasks.escalation_policy, tasks.goal_id
      )::public.dispatch_task,
      row(
        users.id, users.email, users.name, users.timezone, users.notification_preferences, users.push_subscription,
        users.phone_verified, users.whatsapp_opt_in_at
      )::public.dispatch_user
    )::public.claimed_dispatch
    from public.dispatches
    inner join public.tasks on dispatches.task_id = tasks.id
    inner join public.users on dispatches.user_id = users.id
    where dispatches.id = any (taken)
    order by dispatches.due_at, dispatches.id
  );
end;
$$;
comment on function private.claim_dispatches(public.label, integer, integer, public.notification_channel[], boolean) is
'The work of public.claim_dispatches.';

create function public.claim_dispatches(
  worker public.label,
  "limit" public.batch_limit default 10,
  lease_seconds public.lease_duration default 60,
  channels public.notification_channel[] default null,
  resend_unknown boolean default false
)
returns public.claimed_dispatch[]
language sql
volatile
security invoker
set search_path = ''
as $$
  select private.claim_dispatches(
    claim_dispatches.worker, coalesce(claim_dispatches."limit", 10), coalesce(claim_dispatches.lease_seconds, 60),
    claim_dispatches.channels, coalesce(claim_dispatches.resend_unknown, false)
  );
$$;
comment on function public.claim_dispatches(
  public.label, public.batch_limit, public.lease_duration, public.notification_channel[], boolean
) is
'Lease due deliveries to a worker. Returns the oldest due first. It also closes up to ten times as many void ones: cancelled, if '
'the task is not pending or was moved; expired, if it is too late; unknown, if a worker began to send it and its lease ran out, '
'unless resend_unknown.';

grant execute on function public.claim_dispatches(
  public.label, public.batch_limit, public.lease_duration, public.notification_channel[], boolean
) to service_role;
grant execute on function private.claim_dispatches(public.label, integer, integer, public.notification_channel[], boolean)
to service_role;
