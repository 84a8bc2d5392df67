-- Contract 1.0's writes to tasks and conversations, whose views Postgres cannot write through by itself.

set lock_timeout = '3s';

-- Words -------------------------------------------------------------------------------------------------------------------------

create function private.status_of_state(state text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case state
    when 'scheduled' then 'pending'
    when 'drifted' then 'rescheduled'
    when 'completed' then 'done'
    else state
  end;
$$;
comment on function private.status_of_state(text) is 'The status that stores a state of contract 1.0.';

create function private.stored_trigger_type(trigger_type text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case trigger_type when 'on_leaving_home' then 'location' else trigger_type end;
$$;
comment on function private.stored_trigger_type(text) is 'The trigger type that stores one of contract 1.0.';

create function private.changed_fields(before jsonb, after jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(field.key, field.value), '{}')
  from jsonb_each(after) as field
  where field.value is distinct from before -> field.key;
$$;
comment on function private.changed_fields(jsonb, jsonb) is 'The fields of a row that differ after an update.';

-- Writing -----------------------------------------------------------------------------------------------------------------------

create function private.insert_tasks_of_1_0(new_tasks v1_0.tasks[])
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- Not by a SET clause of the function: only a superuser may give one a parameter that Postgres doesn't know, and hosted
  -- Supabase has none.
  perform set_config('flux.end_decides', 'on', true);
  insert into public.tasks (
    id, user_id, goal_id, milestone_id, title, status, priority, scheduled_at, scheduled_end_at, trigger_type, is_recurring,
    calendar_event_id
  )
  select
    coalesce(task.id, private.new_id()), task.user_id, task.goal_id, task.milestone_id, task.title,
    private.status_of_state(task.state), task.priority, task.start_time, task.end_time,
    private.stored_trigger_type(task.trigger_type), task.is_recurring, task.calendar_event_id
  from unnest(new_tasks) with ordinality as task
  order by task.ordinality;
  perform set_config('flux.end_decides', '', true);
end;
$$;
comment on function private.insert_tasks_of_1_0(v1_0.tasks[]) is 'Writes new tasks of contract 1.0, in their order.';

create function private.create_task_of_1_0()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if new.goal_id is null then
    raise not_null_violation using message = 'goal_id is required in contract 1.0', column = 'goal_id';
  end if;
  new.id := coalesce(new.id, private.new_id());
  perform private.insert_tasks_of_1_0(array[new]::v1_0.tasks []);
  select tasks.* into new from v1_0.tasks where tasks.id = new.id;
  return new;
end;
$$;
comment on function private.create_task_of_1_0() is 'Trigger: writes a new task of contract 1.0.';

create function private.change_task_of_1_0()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
declare
  changes constant jsonb := private.changed_fields(to_jsonb(old), to_jsonb(new));
  task v1_0.tasks;
begin
  -- What the caller did not change stays as it is now, also where another writer changed it since this statement began.
  select tasks.* into task from v1_0.tasks where tasks.id = old.id for no key update;
  if not found then
    return null;
  end if;
  task := jsonb_populate_record(task, changes);
  -- An end that was sent, or that stays, decides the duration; else the duration decides the end.
  perform set_config(
    'flux.end_decides', case when changes ? 'end_time' or task.end_time is not null then 'on' else 'off' end, true
  );
  update public.tasks
  set
    goal_id = task.goal_id,
    milestone_id = task.milestone_id,
    title = task.title,
    status = case when changes ? 'state' then private.status_of_state(task.state) else tasks.status end,
    priority = task.priority,
    scheduled_at = task.start_time,
    scheduled_end_at = task.end_time,
    trigger_type = case
      when changes ? 'trigger_type' then private.stored_trigger_type(task.trigger_type) else tasks.trigger_type
    end,
    is_recurring = task.is_recurring,
    calendar_event_id = task.calendar_event_id
  where tasks.id = task.id;
  perform set_config('flux.end_decides', '', true);
  select tasks.* into new from v1_0.tasks where tasks.id = task.id;
  return new;
end;
$$;
comment on function private.change_task_of_1_0() is 'Trigger: writes a change to a task of contract 1.0.';

create function private.create_conversation_of_1_0()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  if new.goal_id is null then
    raise not_null_violation using message = 'goal_id is required in contract 1.0', column = 'goal_id';
  end if;
  new.id := coalesce(new.id, private.new_id());
  insert into public.conversations (id, user_id, goal_id, messages, status, langgraph_thread_id, context_type)
  values (new.id, new.user_id, new.goal_id, new.messages, new.status, 'legacy-' || new.id::text, 'goal');
  select conversations.* into new from v1_0.conversations where conversations.id = new.id;
  return new;
end;
$$;
comment on function private.create_conversation_of_1_0() is 'Trigger: writes a new conversation of contract 1.0.';

create trigger tasks_create instead of insert on v1_0.tasks
for each row execute function private.create_task_of_1_0();

create trigger tasks_change instead of update on v1_0.tasks
for each row execute function private.change_task_of_1_0();

create trigger conversations_create instead of insert on v1_0.conversations
for each row execute function private.create_conversation_of_1_0();

grant execute on function private.status_of_state(text) to authenticated, service_role;
grant execute on function private.stored_trigger_type(text) to authenticated, service_role;
grant execute on function private.changed_fields(jsonb, jsonb) to authenticated, service_role;
grant execute on function private.insert_tasks_of_1_0(v1_0.tasks[]) to authenticated, service_role;
