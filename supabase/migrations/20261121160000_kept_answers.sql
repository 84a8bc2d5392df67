-- Kept answers: a write with an Idempotency-Key happens once, however often it is sent. Its answer is kept in the same
-- transaction, and given again to the same key of the same caller. A refused write keeps nothing: its transaction is rolled back.

set lock_timeout = '3s';

create table private.kept_answers (
  caller text not null,
  key text not null,
  digest text not null,
  answer json,
  user_id uuid,
  kept_at timestamptz not null default clock_timestamp(),
  constraint kept_answers_pkey primary key (caller, key),
  constraint kept_answers_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade
);

comment on table private.kept_answers is 'Answers to writes with an Idempotency-Key, for 24 to 48 hours.';
comment on column private.kept_answers.caller is 'Digest of the service key.';
comment on column private.kept_answers.key is 'The Idempotency-Key.';
comment on column private.kept_answers.digest is 'Digest of the request.';
comment on column private.kept_answers.answer is 'The answer; null while the write is under way, which no other transaction sees.';
comment on column private.kept_answers.user_id is 'Whose data is in the answer: it is deleted with them.';
comment on column private.kept_answers.kept_at is 'When the answer was kept.';

create index kept_answers_of_user on private.kept_answers (user_id) where user_id is not null;
create index kept_answers_oldest_first on private.kept_answers (kept_at);

alter table private.kept_answers enable row level security;

-- Security definer: no role of the API reads or writes kept answers but by these three functions.
create function private.purge_answers(most integer)
returns integer
language sql
volatile
security definer
set search_path = ''
as $$
  with oldest as (
    select old.caller, old.key from private.kept_answers as old
    where old.kept_at < statement_timestamp() - interval '24 hours'
    order by old.kept_at limit most for update skip locked
  ),
  purged as (
    delete from private.kept_answers as kept using oldest where (kept.caller, kept.key) = (oldest.caller, oldest.key) returning 1
  )
  select count(*)::integer from purged;
$$;
comment on function private.purge_answers(integer) is
'Deletes answers that were kept 24 hours or longer, the oldest first, this many at most, and returns how many.';

create function private.take_key(caller text, key text, digest text)
returns json
language plpgsql
volatile
security definer
set search_path = ''
set lock_timeout = '1s'
as $$
declare
  kept private.kept_answers;
begin
  perform private.purge_answers(100);
  delete from private.kept_answers as old
  where old.caller = take_key.caller and old.key = take_key.key and old.kept_at < statement_timestamp() - interval '48 hours';
  -- Waits while another transaction writes under this key.
  insert into private.kept_answers (caller, key, digest) values (take_key.caller, take_key.key, take_key.digest)
  on conflict do nothing;
  if found then
    return null;
  end if;
  select kept_answers.* into kept
  from private.kept_answers
  where kept_answers.caller = take_key.caller and kept_answers.key = take_key.key;
  if kept.digest <> take_key.digest then
    raise sqlstate 'PT422' using message = 'This Idempotency-Key was used for another request.';
  end if;
  return kept.answer;
exception
  when lock_not_available then
    raise sqlstate 'PT409' using message = 'A request with this Idempotency-Key is under way.', detail = 'try again';
end;
$$;
comment on function private.take_key(text, text, text) is
'Returns the answer that is kept for a caller''s key, or null after taking the key for this transaction. Raises PT422 if the key '
'was used for another request, and PT409 if another transaction holds it for longer than a second.';

create function private.keep_answer(caller text, key text, answer json, user_id uuid)
returns void
language sql
volatile
security definer
set search_path = ''
as $$
  update private.kept_answers as kept
  set answer = keep_answer.answer, user_id = keep_answer.user_id
  where kept.caller = keep_answer.caller and kept.key = keep_answer.key;
$$;
comment on function private.keep_answer(text, text, json, uuid) is 'Keeps the answer under a key that this transaction has taken.';

create function private.find_owner(operation text, answer jsonb)
returns uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  select case
    when operation in ('insert public.users', 'insert v1_0.users') then (answer ->> 'id')::uuid
    else coalesce(
      (part.value ->> 'user_id')::uuid,
      (select conversations.user_id from public.conversations where conversations.id = (part.value ->> 'conversation_id')::uuid),
      (select goals.user_id from public.goals where goals.id = (part.value ->> 'goal_id')::uuid),
      (select tasks.user_id from public.tasks where tasks.id = (part.value ->> 'task_id')::uuid)
    )
  end
  from (values (coalesce(answer -> 0, answer -> 'task', answer -> 'completed', answer))) as part (value);
$$;
comment on function private.find_owner(text, jsonb) is
'The user whose data an answer holds: a row, an array of rows of one user, or an object of rows.';

create function private.is_repeatable(operation text)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select operation in (
    'insert public.conversations', 'insert public.goals', 'insert public.messages', 'insert public.milestones',
    'insert public.notification_log', 'insert public.patterns', 'insert public.tasks', 'insert public.users',
    'insert v1_0.conversations', 'insert v1_0.goals', 'insert v1_0.milestones', 'insert v1_0.tasks', 'insert v1_0.users',
    'call public.advance_goal', 'call public.append_messages', 'call public.bulk_update_task_status',
    'call public.cancel_dispatches', 'call public.create_goal_with_structure', 'call public.extend_dispatch',
    'call public.finish_dispatch', 'call public.finish_task', 'call public.move_task', 'call public.record_response',
    'call public.schedule_dispatches', 'call public.start_dispatch',
    'call v1_0.bulk_update_task_state', 'call v1_0.create_goal_with_structure'
  );
$$;
comment on function private.is_repeatable(text) is 'Whether an Idempotency-Key can go with an operation of private.perform.';

create function public.perform_once(
  caller text,
  key text,
  digest text,
  operation text,
  arguments json,
  resource text default null,
  row_id uuid default null,
  versions timestamptz[] default null
)
returns public."application/vnd.flux.answer+json"
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  answer json;
begin
  perform private.require_arguments(
    jsonb_build_object(
      'caller', caller, 'key', key, 'digest', digest, 'operation', operation, 'arguments', json_typeof(arguments)
    )
  );
  answer := private.take_key(caller, key, digest);
  if not private.is_repeatable(operation) then
    raise feature_not_supported using message = 'The operation cannot be repeated.';
  end if;
  if answer is not null then
    return (' ' || answer::text)::json;
  end if;
  if row_id is not null then
    perform private.require_version(resource, row_id, versions, false);
  end if;
  answer := private.perform(operation, row_id, arguments);
  perform private.keep_answer(caller, key, answer, private.find_owner(operation, answer::jsonb));
  return answer;
end;
$$;
comment on function public.perform_once(text, text, text, text, json, text, uuid, timestamptz[]) is
'Performs an operation once for a caller''s key, and returns its answer each time; one that was kept begins with a space. With a '
'row''s id, the row must have one of these versions: see private.require_version. For the REST adapter.';

grant execute on function private.take_key(text, text, text) to service_role;
grant execute on function private.keep_answer(text, text, json, uuid) to service_role;
grant execute on function private.find_owner(text, jsonb) to service_role;
grant execute on function private.is_repeatable(text) to service_role;
grant execute on function public.perform_once(text, text, text, text, json, text, uuid, timestamptz[])
to service_role;
