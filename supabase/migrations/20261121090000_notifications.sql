-- Notification log: what was sent about a task, through which channel, and what came back.

set lock_timeout = '3s';

create table public.notification_log (
  id uuid not null default private.new_id(),
  task_id uuid not null,
  channel public.notification_channel not null,
  sent_at public.instant,
  response public.note,
  responded_at public.instant,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint notification_log_pkey primary key (id),
  constraint notification_log_task_id_fkey foreign key (task_id) references public.tasks (id) on delete cascade
);

comment on table public.notification_log is 'Deliveries of notifications about tasks.';
comment on column public.notification_log.id is 'The entry''s id.';
comment on column public.notification_log.task_id is 'The task that the notification is about.';
comment on column public.notification_log.channel is 'How it was delivered.';
comment on column public.notification_log.sent_at is 'When it was sent.';
comment on column public.notification_log.response is 'What the user answered.';
comment on column public.notification_log.responded_at is 'When the user answered.';
comment on column public.notification_log.created_at is 'When the row was created.';
comment on column public.notification_log.updated_at is 'When the row last changed.';

alter table public.notification_log
alter column response set statistics 0;

create index notification_log_newest_first on public.notification_log (created_at desc, id desc);
create index notification_log_of_task on public.notification_log (task_id, created_at desc, id desc);

create trigger notification_log_touch_updated_at before insert or update on public.notification_log
for each row execute function private.touch_updated_at();

alter table public.notification_log enable row level security;

create policy "Owners read their tasks' notifications" on public.notification_log for select to authenticated
using (exists (
  select from public.tasks where tasks.id = notification_log.task_id and tasks.user_id = (select private.signed_in_user())
));

grant select on public.notification_log to authenticated, service_role;
grant
delete,
insert (id, task_id, channel, sent_at, response, responded_at),
update (channel, sent_at, response, responded_at)
on public.notification_log to service_role;
