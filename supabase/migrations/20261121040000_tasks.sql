-- Tasks: what a user does, when, and what became of it.

set lock_timeout = '3s';

create table public.tasks (
  id uuid not null default private.new_id(),
  user_id uuid not null,
  goal_id uuid,
  milestone_id uuid,
  title public.title not null,
  description public.free_text,
  status public.task_status not null default 'pending',
  priority public.task_priority not null default 'standard',
  scheduled_at public.instant,
  scheduled_end_at public.instant,
  duration_minutes public.positive_integer,
  trigger_type public.trigger_type not null default 'time',
  location_trigger public.note,
  is_recurring boolean not null default false,
  recurrence_rule public.note,
  calendar_event_id public.label,
  shared_with_goal_ids public.uuid_list,
  reminder_sent_at public.instant,
  whatsapp_sent_at public.instant,
  call_sent_at public.instant,
  completed_at public.instant,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint tasks_pkey primary key (id),
  constraint tasks_id_user_id_key unique (id, user_id),
  constraint tasks_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade,
  constraint tasks_goal_id_fkey foreign key (goal_id, user_id) references public.goals (id, user_id) on delete cascade,
  constraint tasks_milestone_id_fkey foreign key (milestone_id, goal_id)
  references public.milestones (id, goal_id) on update cascade on delete set null (milestone_id),
  constraint milestone_needs_its_goal check (milestone_id is null or goal_id is not null),
  constraint completed_at_only_when_done check (completed_at is null or status = 'done'),
  constraint end_needs_start check (scheduled_end_at is null or scheduled_at is not null),
  constraint end_not_before_start check (scheduled_end_at >= scheduled_at)
)
-- Room on each page lets an update that touches no index stay where it is.
with (fillfactor = 90);

comment on table public.tasks is 'What users do towards their goals, and when.';
comment on column public.tasks.id is 'The task''s id.';
comment on column public.tasks.user_id is 'Whose task it is.';
comment on column public.tasks.goal_id is 'The goal, of the same user, that it serves.';
comment on column public.tasks.milestone_id is 'The milestone, of the same goal, that it belongs to.';
comment on column public.tasks.title is 'What is to be done.';
comment on column public.tasks.description is 'The task in more words.';
comment on column public.tasks.status is 'Where the task stands.';
comment on column public.tasks.priority is 'How much the task matters.';
comment on column public.tasks.scheduled_at is 'When it starts. @range=scheduled';
comment on column public.tasks.scheduled_end_at is
'When it ends: scheduled_at plus duration_minutes, or exactly what contract 1.0 wrote as end_time. @readonly';
comment on column public.tasks.duration_minutes is 'How long it takes, in minutes.';
comment on column public.tasks.trigger_type is 'What makes it due: a time or a place.';
comment on column public.tasks.location_trigger is 'The place that makes it due.';
comment on column public.tasks.is_recurring is 'Whether it repeats.';
comment on column public.tasks.recurrence_rule is 'How it repeats, as an RFC 5545 RRULE.';
comment on column public.tasks.calendar_event_id is 'The event in the user''s calendar.';
comment on column public.tasks.shared_with_goal_ids is 'Other goals that it serves as well.';
comment on column public.tasks.reminder_sent_at is 'When the push reminder went out.';
comment on column public.tasks.whatsapp_sent_at is 'When the WhatsApp message went out.';
comment on column public.tasks.call_sent_at is 'When the call was placed.';
comment on column public.tasks.completed_at is
'When it was done. Set by the change to done unless given, cleared by the change away from it.';
comment on column public.tasks.created_at is 'When the row was created.';
comment on column public.tasks.updated_at is 'When the row last changed.';

comment on constraint milestone_needs_its_goal on public.tasks is 'milestone_id: A milestone needs the goal that it belongs to.';
comment on constraint completed_at_only_when_done on public.tasks is
'completed_at: Only a task that is done has a time of completion.';
comment on constraint end_needs_start on public.tasks is 'scheduled_end_at: An end needs a start.';
comment on constraint end_not_before_start on public.tasks is 'scheduled_end_at: The end is before the start.';

alter table public.tasks
alter column title set statistics 0,
alter column description set statistics 0,
alter column location_trigger set statistics 0,
alter column recurrence_rule set statistics 0,
alter column calendar_event_id set statistics 0;

create index tasks_newest_first on public.tasks (created_at desc, id desc);
create index tasks_of_user on public.tasks (user_id, created_at desc, id desc);
create index tasks_of_user_by_time on public.tasks (user_id, scheduled_at, id);
create index tasks_of_goal on public.tasks (goal_id, user_id) where goal_id is not null;
create index tasks_of_milestone on public.tasks (milestone_id, goal_id) where milestone_id is not null;

create trigger tasks_touch_updated_at before insert or update on public.tasks
for each row execute function private.touch_updated_at();

create function private.keep_completed_at()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if new.status = 'done' then
    new.completed_at := coalesce(new.completed_at, clock_timestamp());
  elsif old.status = 'done' and new.completed_at is not distinct from old.completed_at then
    new.completed_at := null;
  end if;
  return new;
end;
$$;
comment on function private.keep_completed_at() is
'Trigger: a task that becomes done gets completed_at unless the caller gave one; one that leaves done loses it.';

-- The conditions spare the call wherever it would change nothing.
create trigger tasks_keep_completed_at_of_new before insert on public.tasks
for each row when (new.status = 'done' and new.completed_at is null) execute function private.keep_completed_at();

create trigger tasks_keep_completed_at before update of status on public.tasks
for each row when (new.status <> old.status and (new.status = 'done') = (new.completed_at is null))
execute function private.keep_completed_at();

create function private.minutes_between(range_start timestamptz, range_end timestamptz)
returns integer
language sql
immutable
strict
security invoker
set search_path = ''
as $$
  select greatest(1, ceil(extract(epoch from range_end - range_start) / 60))::integer;
$$;
comment on function private.minutes_between(timestamptz, timestamptz) is 'Minutes from start to end, rounded up, at least 1.';

create function private.keep_schedule()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
declare
  decides constant text := current_setting('flux.end_decides', true);
  ends_at timestamptz;
begin
  if decides = 'on' then
    if new.scheduled_end_at - new.scheduled_at > interval '2147483647 minutes' then
      raise sqlstate 'PT422' using message = 'The end is too far from the start.', detail = 'at end_time';
    end if;
    new.duration_minutes := private.minutes_between(new.scheduled_at, new.scheduled_end_at);
    return new;
  elsif new.duration_minutes = old.duration_minutes and old.scheduled_end_at is not null then
    -- The duration as it was, to the microsecond. In seconds, because a day is no fixed time in every time zone.
    ends_at := new.scheduled_at + extract(epoch from old.scheduled_end_at - old.scheduled_at) * interval '1 second';
  else
    ends_at := new.scheduled_at + new.duration_minutes * interval '1 minute';
  end if;
  if ends_at >= '10000-01-01 00:00:00+00' then
    raise sqlstate 'PT422' using
      message = 'The task would end after the year 9999.',
      detail = 'at ' || case decides when 'off' then 'start_time' else 'duration_minutes' end;
  end if;
  new.scheduled_end_at := ends_at;
  return new;
end;
$$;
comment on function private.keep_schedule() is
'Trigger: keeps start, end and duration in step. The duration decides, except while a function of contract 1.0 has set '
'flux.end_decides to on. Off is for errors: it says that the words are those of contract 1.0. An end that moves with its start '
'keeps its exact distance.';

create trigger tasks_keep_schedule_of_new before insert on public.tasks
for each row when (new.scheduled_at is not null or new.scheduled_end_at is not null) execute function private.keep_schedule();

create trigger tasks_keep_schedule before update of scheduled_at, scheduled_end_at, duration_minutes on public.tasks
for each row when (
  (new.scheduled_at, new.scheduled_end_at, new.duration_minutes)
  is distinct from (old.scheduled_at, old.scheduled_end_at, old.duration_minutes)
) execute function private.keep_schedule();

alter table public.tasks enable row level security;

create policy "Owners read their tasks" on public.tasks for select to authenticated
using (user_id = (select private.signed_in_user()));
create policy "Owners create their tasks" on public.tasks for insert to authenticated
with check (user_id = (select private.signed_in_user()));
create policy "Owners change their tasks" on public.tasks for update to authenticated
using (user_id = (select private.signed_in_user())) with check (user_id = (select private.signed_in_user()));
create policy "Owners delete their tasks" on public.tasks for delete to authenticated
using (user_id = (select private.signed_in_user()));

grant select, delete on public.tasks to authenticated, service_role;
grant insert (
  id, user_id, goal_id, milestone_id, title, description, status, priority, scheduled_at, scheduled_end_at, duration_minutes,
  trigger_type, location_trigger, is_recurring, recurrence_rule, calendar_event_id, shared_with_goal_ids, reminder_sent_at,
  whatsapp_sent_at, call_sent_at, completed_at
),
update (
  goal_id, milestone_id, title, description, status, priority, scheduled_at, scheduled_end_at, duration_minutes,
  trigger_type, location_trigger, is_recurring, recurrence_rule, calendar_event_id, shared_with_goal_ids, reminder_sent_at,
  whatsapp_sent_at, call_sent_at, completed_at
) on public.tasks to authenticated, service_role;

grant execute on function private.minutes_between(timestamptz, timestamptz) to authenticated, service_role;
