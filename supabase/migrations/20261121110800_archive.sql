-- Archive: finished tasks that nobody has changed for long, and what was delivered about them, outside the tables that lists,
-- statistics and claims read. An operator moves them, a batch at a time: scripts/archive.
--
-- A task stays where it is while a conversation names it or one of its deliveries is open. In the archive it still belongs to its
-- user and its goal, and is deleted with them.

set lock_timeout = '3s';

create schema archive;
comment on schema archive is 'Rows that were moved out of public. Not exposed; no role of the API has a right to it.';

-- The names of foreign keys differ from those in public: PostgREST finds a view's relationships by them.
create table archive.tasks (
  like public.tasks including comments,
  constraint archived_tasks_pkey primary key (id),
  constraint archived_tasks_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade,
  constraint archived_tasks_goal_id_fkey foreign key (goal_id) references public.goals (id) on delete cascade
);
create table archive.dispatches (
  like public.dispatches including comments,
  constraint archived_dispatches_pkey primary key (id),
  constraint archived_dispatches_task_id_fkey foreign key (task_id) references archive.tasks (id) on delete cascade
);
create table archive.notification_log (
  like public.notification_log including comments,
  constraint archived_notification_log_pkey primary key (id),
  constraint archived_notification_log_task_id_fkey foreign key (task_id) references archive.tasks (id) on delete cascade
);

comment on table archive.tasks is 'Archived tasks.';
comment on table archive.dispatches is 'Deliveries about archived tasks.';
comment on table archive.notification_log is 'What was sent about archived tasks.';

create index tasks_of_user on archive.tasks (user_id, created_at, id);
create index tasks_of_goal on archive.tasks (goal_id) where goal_id is not null;
create index dispatches_of_task on archive.dispatches (task_id);
create index notification_log_of_task on archive.notification_log (task_id);

-- Deliveries are locked after their task and before its log, as everywhere. They are deleted and kept by one statement: a change
-- that another transaction is about to commit is waited for, and not lost.
create function private.archive_tasks(before timestamptz, batch integer default 1000)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ids uuid [];
begin
  if exists (
    select from pg_catalog.pg_constraint
    where pg_constraint.confrelid = 'public.tasks'::regclass
      and pg_constraint.conrelid <> all (
        array['public.conversations', 'public.dispatches', 'public.notification_log']::regclass []
      )
  ) then
    raise feature_not_supported using message = 'Another table refers to tasks: say first what becomes of its rows.';
  end if;
  ids := array(
    select tasks.id from public.tasks
    where
      tasks.status in ('done', 'missed', 'cancelled') and tasks.updated_at < archive_tasks.before
      and not exists (select from public.conversations where conversations.linked_task_id = tasks.id)
      and not exists (select from public.dispatches where dispatches.task_id = tasks.id and dispatches.outcome is null)
    order by tasks.id limit archive_tasks.batch for update skip locked
  );
  insert into archive.tasks select tasks.* from public.tasks where tasks.id = any (ids);
  with moved as (delete from public.dispatches where dispatches.task_id = any (ids) returning dispatches.*)
  insert into archive.dispatches select moved.* from moved;
  with moved as (delete from public.notification_log where notification_log.task_id = any (ids) returning notification_log.*)
  insert into archive.notification_log select moved.* from moved;
  delete from public.tasks where tasks.id = any (ids);
  return cardinality(ids);
end;
$$;
comment on function private.archive_tasks(timestamptz, integer) is
'Moves up to this many tasks that are done, missed or cancelled, and unchanged since `before`, into schema archive, together with '
'their deliveries and log; returns how many. Tasks that other transactions hold are left out. Call it until it returns 0: '
'scripts/archive does. It may be interrupted at any time.';

-- Security definer: no role of the API reads the archive but through these functions, one user at a time.
create function private.archived_tasks(user_id uuid, most integer)
returns public.tasks[]
language sql
stable
security definer
set search_path = ''
as $$
  select array(
    select row(kept.*)::public.tasks from archive.tasks as kept
    where kept.user_id = archived_tasks.user_id order by kept.created_at, kept.id limit archived_tasks.most
  );
$$;
comment on function private.archived_tasks(uuid, integer) is 'A user''s archived tasks, oldest first, this many at most.';

create function private.archived_dispatches(user_id uuid, most integer)
returns public.dispatches[]
language sql
stable
security definer
set search_path = ''
as $$
  select array(
    select row(kept.*)::public.dispatches
    from archive.dispatches as kept inner join archive.tasks on kept.task_id = tasks.id
    where tasks.user_id = archived_dispatches.user_id order by kept.created_at, kept.id limit archived_dispatches.most
  );
$$;
comment on function private.archived_dispatches(uuid, integer) is
'Deliveries about a user''s archived tasks, oldest first, this many at most.';

create function private.archived_notification_log(user_id uuid, most integer)
returns public.notification_log[]
language sql
stable
security definer
set search_path = ''
as $$
  select array(
    select row(kept.*)::public.notification_log
    from archive.notification_log as kept inner join archive.tasks on kept.task_id = tasks.id
    where tasks.user_id = archived_notification_log.user_id
    order by kept.created_at, kept.id limit archived_notification_log.most
  );
$$;
comment on function private.archived_notification_log(uuid, integer) is
'What was sent about a user''s archived tasks, oldest first, this many at most.';

alter table archive.tasks enable row level security;
alter table archive.dispatches enable row level security;
alter table archive.notification_log enable row level security;

grant execute on function private.archived_tasks(uuid, integer) to service_role;
grant execute on function private.archived_dispatches(uuid, integer) to service_role;
grant execute on function private.archived_notification_log(uuid, integer) to service_role;
