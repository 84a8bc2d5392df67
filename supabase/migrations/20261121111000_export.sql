-- Export: all that is kept of a user, as one object from one snapshot.

set lock_timeout = '3s';

create type public.user_export as (
  "user" public.users,
  auth_user_id uuid,
  demo_flags public.demo_flags,
  goals public.goals [],
  milestones public.milestones [],
  tasks public.tasks [],
  conversations public.conversations [],
  messages public.messages [],
  patterns public.patterns [],
  notification_log public.notification_log [],
  dispatches public.dispatches []
);
comment on type public.user_export is 'All that is kept of a user.';
comment on column public.user_export.user is 'The user.';
comment on column public.user_export.auth_user_id is
'The account of Supabase Auth that signs in as the user, if it is not the one with the user''s id. @nullable';
comment on column public.user_export.demo_flags is 'The user''s demo flags. @nullable';
comment on column public.user_export.goals is 'The user''s goals, oldest first.';
comment on column public.user_export.milestones is 'The milestones of these goals.';
comment on column public.user_export.tasks is 'The user''s tasks, archived ones before the others, oldest first.';
comment on column public.user_export.conversations is 'The user''s conversations, oldest first.';
comment on column public.user_export.messages is 'The messages of these conversations, oldest first.';
comment on column public.user_export.patterns is 'The user''s patterns, oldest first.';
comment on column public.user_export.notification_log is 'What was sent about these tasks, in the same order.';
comment on column public.user_export.dispatches is 'Deliveries about these tasks, in the same order.';

-- Security definer: nobody may read which account signs in as whom.
create function private.find_account(of_user uuid)
returns uuid
language sql
stable
security definer
set search_path = ''
as $$
  select sign_ins.auth_user_id from private.sign_ins where sign_ins.user_id = of_user;
$$;
comment on function private.find_account(uuid) is 'The account that signs in as a user whose id is another.';

create function public.export_user(user_id uuid)
returns public.user_export
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  most_rows constant integer := 20000;
  export public.user_export;
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id));
  -- One statement, so that all of it is of one moment.
  export := (
    select row(
      users,
      private.find_account(users.id),
      (select demo_flags from public.demo_flags where demo_flags.user_id = users.id),
      array(
        select goals from public.goals where goals.user_id = users.id order by goals.created_at, goals.id limit most_rows + 1
      ),
      array(
        select milestones from public.milestones inner join public.goals on milestones.goal_id = goals.id
        where goals.user_id = users.id order by milestones.created_at, milestones.id limit most_rows + 1
      ),
      private.archived_tasks(users.id, most_rows + 1) || array(
        select tasks from public.tasks where tasks.user_id = users.id order by tasks.created_at, tasks.id limit most_rows + 1
      ),
      array(
        select conversations from public.conversations
        where conversations.user_id = users.id order by conversations.created_at, conversations.id limit most_rows + 1
      ),
      array(
        select message from public.messages as message
        inner join public.conversations on message.conversation_id = conversations.id
        where conversations.user_id = users.id order by message.created_at, message.id limit most_rows + 1
      ),
      array(
        select patterns from public.patterns
        where patterns.user_id = users.id order by patterns.created_at, patterns.id limit most_rows + 1
      ),
      private.archived_notification_log(users.id, most_rows + 1) || array(
        select notification_log from public.notification_log inner join public.tasks on notification_log.task_id = tasks.id
        where tasks.user_id = users.id order by notification_log.created_at, notification_log.id limit most_rows + 1
      ),
      private.archived_dispatches(users.id, most_rows + 1) || array(
        select dispatches from public.dispatches
        where dispatches.user_id = users.id order by dispatches.created_at, dispatches.id limit most_rows + 1
      )
    )::public.user_export
    from public.users where users.id = export_user.user_id
  );
  if (export."user").id is null then
    raise sqlstate 'PT404' using message = 'There is no user with this id.';
  end if;
  if greatest(
    cardinality(export.goals), cardinality(export.milestones), cardinality(export.tasks), cardinality(export.conversations),
    cardinality(export.messages), cardinality(export.patterns), cardinality(export.notification_log),
    cardinality(export.dispatches)
  ) > most_rows then
    raise sqlstate 'PT422' using message = 'The user has more than 20,000 rows of a kind. Use scripts/export.';
  end if;
  return export;
end;
$$;
comment on function public.export_user(uuid) is
'Export a user. Returns all that is kept of the user, archived rows too, from one snapshot. A user with more than '
'20,000 rows of a kind is refused: scripts/export writes them.';

grant execute on function private.find_account(uuid) to service_role;
grant execute on function public.export_user(uuid) to service_role;
