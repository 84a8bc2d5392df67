-- Conversations with the agents, and their messages. Contract 1.2 keeps a row a message; contract 1.0 kept a JSON list on the
-- conversation, which stays a column of its own.

set lock_timeout = '3s';

create table public.conversations (
  id uuid not null default private.new_id(),
  user_id uuid not null,
  langgraph_thread_id public.thread_id not null,
  context_type public.context_type not null default 'general',
  goal_id uuid,
  messages public.message_history not null default '[]',
  status public.conversation_status not null default 'open',
  last_message_at public.instant,
  voice_session_id public.short_text,
  extracted_intent public.note,
  intent_payload public.json_object,
  linked_goal_id uuid,
  linked_task_id uuid,
  ended_at public.instant,
  duration_seconds public.nonnegative_integer,
  created_at public.instant not null default clock_timestamp(),
  updated_at public.instant not null default clock_timestamp(),
  constraint conversations_pkey primary key (id),
  constraint conversations_langgraph_thread_id_key unique (langgraph_thread_id),
  constraint conversations_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade,
  constraint conversations_goal_id_fkey foreign key (goal_id, user_id)
  references public.goals (id, user_id) on delete cascade,
  constraint conversations_linked_goal_id_fkey foreign key (linked_goal_id, user_id)
  references public.goals (id, user_id) on delete set null (linked_goal_id),
  constraint conversations_linked_task_id_fkey foreign key (linked_task_id, user_id)
  references public.tasks (id, user_id) on delete set null (linked_task_id)
);

comment on table public.conversations is 'Threads between a user and the agents.';
comment on column public.conversations.id is 'The conversation''s id.';
comment on column public.conversations.user_id is 'Who takes part.';
comment on column public.conversations.langgraph_thread_id is
'The LangGraph thread, unique. Through a user''s JWT, it begins with the user''s id and a colon. @filter';
comment on column public.conversations.context_type is 'What the conversation is about.';
comment on column public.conversations.goal_id is 'The goal, of the same user, that contract 1.0 keeps the conversation under.';
comment on column public.conversations.messages is 'Contract 1.0''s list of messages. Contract 1.2 has /messages.';
comment on column public.conversations.status is 'Where the conversation stands, in contract 1.0''s words.';
comment on column public.conversations.last_message_at is
'When the latest message was written; set by each new message. @order=last_message';
comment on column public.conversations.voice_session_id is 'The voice agent''s session.';
comment on column public.conversations.extracted_intent is 'What the user wanted, as the voice agent understood it.';
comment on column public.conversations.intent_payload is 'Details of the intent.';
comment on column public.conversations.linked_goal_id is 'The goal, of the same user, that the voice session led to.';
comment on column public.conversations.linked_task_id is 'The task, of the same user, that the voice session led to.';
comment on column public.conversations.ended_at is 'When the voice session ended.';
comment on column public.conversations.duration_seconds is 'How long the voice session took, in seconds.';
comment on column public.conversations.created_at is 'When the row was created.';
comment on column public.conversations.updated_at is 'When the row last changed.';

create table public.messages (
  id uuid not null default private.new_id(),
  conversation_id uuid not null,
  role public.message_role not null,
  content public.message_text not null,
  input_modality public.input_modality not null default 'text',
  metadata public.initial_object not null default '{}',
  created_at public.instant not null default clock_timestamp(),
  constraint messages_pkey primary key (id),
  constraint messages_conversation_id_fkey foreign key (conversation_id)
  references public.conversations (id) on delete cascade
);

comment on table public.messages is 'What was said in a conversation. A message does not change.';
comment on column public.messages.id is 'The message''s id.';
comment on column public.messages.conversation_id is 'The conversation that it is part of.';
comment on column public.messages.role is 'Who speaks.';
comment on column public.messages.content is 'What is said.';
comment on column public.messages.input_modality is 'How it was entered.';
comment on column public.messages.metadata is 'What else is known of it, such as the transcription''s confidence.';
comment on column public.messages.created_at is 'When the row was created.';

alter table public.conversations
alter column langgraph_thread_id set statistics 0,
alter column messages set statistics 0,
alter column status set statistics 0,
alter column voice_session_id set statistics 0,
alter column extracted_intent set statistics 0,
alter column intent_payload set statistics 0;

alter table public.messages
alter column content set statistics 0,
alter column metadata set statistics 0;

create index conversations_newest_first on public.conversations (created_at desc, id desc);
create index conversations_of_user on public.conversations (user_id, created_at desc, id desc);
create index conversations_of_goal on public.conversations (goal_id, user_id) where goal_id is not null;
create index conversations_of_linked_goal on public.conversations (linked_goal_id, user_id) where linked_goal_id is not null;
create index conversations_of_linked_task on public.conversations (linked_task_id, user_id) where linked_task_id is not null;
create index messages_of_conversation on public.messages (conversation_id, created_at, id);

create trigger conversations_touch_updated_at before insert or update on public.conversations
for each row execute function private.touch_updated_at();

create function private.set_last_message_at()
returns trigger
language plpgsql
security invoker
set search_path = ''
as $$
begin
  -- The greatest, because of two messages at once the later may come first; a time to come is none of a message.
  update public.conversations
  set last_message_at = case
    when conversations.last_message_at > clock_timestamp() then new.created_at
    else greatest(conversations.last_message_at, new.created_at)
  end
  where conversations.id = new.conversation_id;
  return null;
end;
$$;
comment on function private.set_last_message_at() is 'Trigger: a new message sets its conversation''s last_message_at.';

create trigger messages_set_last_message_at after insert on public.messages
for each row execute function private.set_last_message_at();

create function public.close_voice_session(conversation_id uuid, session public.row_fields)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  conversation public.conversations;
begin
  perform private.require_arguments(jsonb_build_object('conversation_id', conversation_id, 'session', jsonb_typeof(session)));
  perform private.require_fields(
    'public.conversations', jsonb_build_array(session), array[null::text],
    array['extracted_intent', 'intent_payload', 'linked_goal_id', 'linked_task_id', 'ended_at', 'duration_seconds']
  );
  select conversations.* into conversation
  from public.conversations
  where conversations.id = close_voice_session.conversation_id
  for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no conversation with this id.';
  end if;
  if session <> '{}' then
    conversation := private.read_fields(conversation, session);
    update public.conversations
    set
      extracted_intent = conversation.extracted_intent,
      intent_payload = conversation.intent_payload,
      linked_goal_id = conversation.linked_goal_id,
      linked_task_id = conversation.linked_task_id,
      ended_at = conversation.ended_at,
      duration_seconds = conversation.duration_seconds
    where conversations.id = conversation.id
    returning conversations.* into conversation;
  end if;
  return conversation;
end;
$$;
comment on function public.close_voice_session(uuid, public.row_fields) is
'Close a voice session. Writes its results: the fields that are sent and no other. null clears a field. '
'@changes=session:conversations';

alter table public.conversations enable row level security;
alter table public.messages enable row level security;

create policy "Owners read their conversations" on public.conversations for select to authenticated
using (user_id = (select private.signed_in_user()));
-- LangGraph finds checkpoints by the thread's id alone, and the id is unique over all users.
create policy "Owners create their conversations" on public.conversations for insert to authenticated
with check (
  user_id = (select private.signed_in_user())
  and (starts_with(langgraph_thread_id, user_id::text || ':') or langgraph_thread_id = 'legacy-' || id::text)
);
create policy "Owners change their conversations" on public.conversations for update to authenticated
using (user_id = (select private.signed_in_user())) with check (user_id = (select private.signed_in_user()));
create policy "Owners delete their conversations" on public.conversations for delete to authenticated
using (user_id = (select private.signed_in_user()));

create policy "Owners read their conversations' messages" on public.messages for select to authenticated
using (exists (
  select from public.conversations
  where conversations.id = messages.conversation_id and conversations.user_id = (select private.signed_in_user())
));
create policy "Owners create their conversations' messages" on public.messages for insert to authenticated
with check (role = 'user' and exists (
  select from public.conversations
  where conversations.id = messages.conversation_id and conversations.user_id = (select private.signed_in_user())
));
create policy "Owners delete their conversations' messages" on public.messages for delete to authenticated
using (exists (
  select from public.conversations
  where conversations.id = messages.conversation_id and conversations.user_id = (select private.signed_in_user())
));

grant select, delete on public.conversations, public.messages to authenticated, service_role;
grant insert (
  id, user_id, langgraph_thread_id, context_type, goal_id, messages, status, last_message_at, voice_session_id
),
-- The second line can be updated only: what close_voice_session writes.
update (
  context_type, goal_id, messages, status, last_message_at, voice_session_id,
  extracted_intent, intent_payload, linked_goal_id, linked_task_id, ended_at, duration_seconds
) on public.conversations to authenticated, service_role;
grant insert (id, conversation_id, role, content, input_modality, metadata) on public.messages to authenticated, service_role;

grant execute on function public.close_voice_session(uuid, public.row_fields) to authenticated, service_role;
