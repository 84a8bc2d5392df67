-- What the Flux backend's older SQL still names. No migration needs it. The database's owner applies it, as often as they like.
--
-- It needs distinct orders: if a user has two goals, in the pipeline or active, with one pipeline_order, the unique index below
-- cannot be created.

begin;

-- The backend's own log of dispatches, from before public.dispatches. For services only.
create table if not exists public.dispatch_log (
  id uuid not null default private.new_id(),
  task_id uuid not null,
  channel text not null,
  status text not null default 'pending',
  created_at timestamptz not null default clock_timestamp(),
  dispatched_at timestamptz,
  error text,
  constraint dispatch_log_pkey primary key (id),
  constraint dispatch_log_task_id_fkey foreign key (task_id) references public.tasks (id) on delete cascade,
  constraint dispatch_log_channel_word check (channel in ('push', 'whatsapp', 'call', 'auto_miss')),
  constraint dispatch_log_status_word check (status in ('pending', 'dispatched', 'failed'))
);
comment on table public.dispatch_log is 'The backend''s dispatches, from before public.dispatches.';
create index if not exists dispatch_log_of_task on public.dispatch_log (task_id);
create index if not exists dispatch_log_pending on public.dispatch_log (created_at) where status = 'pending';
alter table public.dispatch_log enable row level security;
grant select, insert, update, delete on public.dispatch_log to service_role;

-- Statistics by scheduled_at, in the user's own days and weeks. They are live: nothing has to be refreshed.

create or replace view public.user_weekly_stats with (security_invoker = true) as
select
  tasks.user_id,
  date_trunc('week', tasks.scheduled_at at time zone users.timezone) as week,
  count(*) filter (where tasks.status = 'done') as completed,
  count(*) as total,
  round(100.0 * count(*) filter (where tasks.status = 'done') / count(*), 1) as completion_pct
from public.tasks
inner join public.users on tasks.user_id = users.id
where tasks.scheduled_at is not null
group by 1, 2;
comment on view public.user_weekly_stats is 'Users'' tasks by week, in their own time zones.';

create or replace view public.missed_by_category with (security_invoker = true) as
select
  tasks.user_id,
  tags.category,
  count(*) filter (where tasks.status = 'missed') as missed_count,
  count(*) as total_count
from public.tasks
inner join public.goals on tasks.goal_id = goals.id
cross join unnest(goals.class_tags::text[]) as tags (category)
group by 1, 2;
comment on view public.missed_by_category is 'Users'' tasks by the tags of their goals.';

create or replace view public.activity_heatmap with (security_invoker = true) as
select
  tasks.user_id,
  (tasks.scheduled_at at time zone users.timezone)::date as day,
  count(*) filter (where tasks.status = 'done') as completed_count,
  count(*) as total_count
from public.tasks
inner join public.users on tasks.user_id = users.id
where tasks.scheduled_at is not null
group by 1, 2;
comment on view public.activity_heatmap is 'Users'' tasks by day, in their own time zones.';

grant select on public.user_weekly_stats, public.missed_by_category, public.activity_heatmap to authenticated, service_role;

-- For "on conflict (user_id, pipeline_order) where status in ('pipeline', 'active')".
create unique index if not exists goals_pipeline_order_key on public.goals (user_id, pipeline_order)
where status in ('pipeline', 'active');
comment on index public.goals_pipeline_order_key is 'pipeline_order: The user has a goal at this place of the pipeline already.';

-- What the backend's notifier polls by. The migrations leave these out, because each costs status changes their HOT updates.
create index if not exists tasks_pending_by_time on public.tasks (scheduled_at)
where status = 'pending' and reminder_sent_at is null;
create index if not exists tasks_pending_reminded on public.tasks (reminder_sent_at)
where status = 'pending' and whatsapp_sent_at is null;
create index if not exists tasks_pending_messaged on public.tasks (whatsapp_sent_at)
where status = 'pending' and call_sent_at is null;

commit;
