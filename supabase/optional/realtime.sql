-- Live rows: sends every change of a user's rows to the private topic user:<id> of Supabase Realtime, to which that user alone may
-- listen. Optional: no migration needs it. Apply it to a project of Supabase with psql or in its SQL editor, once or again.
--
-- Don't add tables to the publication supabase_realtime instead: row-level security does not apply to the deletions there, so every
-- subscriber would get the keys of everybody's deleted rows.

create or replace function private.broadcast_change()
returns trigger
language plpgsql
security definer -- callers may not write to realtime.messages
set search_path = ''
as $$
declare
  changed jsonb := to_jsonb(coalesce(new, old));
  owner uuid;
begin
  owner := case tg_table_name
    when 'users' then changed ->> 'id'
    when 'milestones' then (select goals.user_id from public.goals where goals.id = (changed ->> 'goal_id')::uuid)::text
    when 'messages' then (
      select conversations.user_id from public.conversations where conversations.id = (changed ->> 'conversation_id')::uuid
    )::text
    when 'notification_log' then (select tasks.user_id from public.tasks where tasks.id = (changed ->> 'task_id')::uuid)::text
    else changed ->> 'user_id'
  end;
  -- A row that is deleted with its parent has no owner any more. The parent's deletion is sent.
  if owner is not null then
    perform realtime.broadcast_changes('user:' || owner, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  end if;
  return null;
end;
$$;
comment on function private.broadcast_change() is 'Sends a change of a row to the topic of the row''s user.';
revoke all on function private.broadcast_change() from public;

do $$
declare
  sent text;
begin
  foreach sent in array array[
    'users', 'demo_flags', 'goals', 'milestones', 'tasks', 'conversations', 'messages', 'patterns', 'dispatches', 'notification_log'
  ] loop
    execute format(
      'create or replace trigger %I after insert or update or delete on public.%I '
      'for each row execute function private.broadcast_change()', sent || '_are_broadcast', sent
    );
  end loop;
end;
$$;

drop policy if exists "Users listen to their own topic" on realtime.messages;
create policy "Users listen to their own topic" on realtime.messages for select to authenticated
using (extension = 'broadcast' and (select realtime.topic()) = 'user:' || (select private.signed_in_user()));
