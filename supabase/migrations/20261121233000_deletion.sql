-- Deleting a user with more rows than one statement can delete in its time: in batches, each a transaction of its own.

set lock_timeout = '3s';

create function private.delete_rows_of_user(user_id uuid, batch integer default 5000)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  place record;
  deleted integer;
begin
  -- Rows that refer to others come first. What is not listed has few rows and goes with the user.
  for place in
    select listed.relation, listed.condition
    from (
      values
      (1, 'public.messages', 'conversation_id in (select id from public.conversations where user_id = $1)'),
      (2, 'public.notification_log', 'task_id in (select id from public.tasks where user_id = $1)'),
      (3, 'public.dispatches', 'user_id = $1'),
      (4, 'public.tasks', 'user_id = $1'),
      (5, 'archive.notification_log', 'task_id in (select id from archive.tasks where user_id = $1)'),
      (6, 'archive.dispatches', 'task_id in (select id from archive.tasks where user_id = $1)'),
      (7, 'archive.tasks', 'user_id = $1'),
      (8, 'public.milestones', 'goal_id in (select id from public.goals where user_id = $1)'),
      (9, 'public.conversations', 'user_id = $1'),
      (10, 'public.patterns', 'user_id = $1'),
      (11, 'public.goals', 'user_id = $1'),
      (12, 'public.users', 'id = $1')
    ) as listed (turn, relation, condition)
    order by listed.turn
  loop
    execute format(
      'delete from %1$s where id = any(array(select id from %1$s where %2$s limit $2))', place.relation, place.condition
    )
    using user_id, batch;
    get diagnostics deleted = row_count;
    exit when deleted > 0;
  end loop;
  return deleted;
end;
$$;
comment on function private.delete_rows_of_user(uuid, integer) is
'Deletes up to this many rows of a user, and with the last ones the user; returns how many, 0 once all are gone. Call it until '
'then: scripts/delete-user does. It may be interrupted at any time.';
