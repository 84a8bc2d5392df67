-- Chat: titled conversations, messages with what made them, several messages in one transaction, the newest page of a long
-- conversation.

set lock_timeout = '3s';

alter table public.conversations
add column title public.title,
alter column title set statistics 0;

comment on column public.conversations.title is 'What the conversation is called.';

grant insert (title), update (title) on public.conversations to authenticated, service_role;

alter table public.messages
alter column metadata drop not null,
add column agent_node public.label,
add column provider public.label,
add column tokens_used public.token_count not null default 0,
alter column agent_node set statistics 0,
alter column provider set statistics 0;

comment on column public.messages.agent_node is 'The agent''s node that wrote it.';
comment on column public.messages.provider is 'Who ran the language model.';
comment on column public.messages.tokens_used is 'How many tokens of the language model it took.';

grant insert (agent_node, provider, tokens_used) on public.messages to authenticated, service_role;

create function private.list_messages(conversation_id uuid, row_limit integer, before uuid)
returns public.messages[]
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  most_rows constant integer := 20000;
  most integer;
  size record;
  bound record;
  found_messages public.messages [];
begin
  perform private.require_arguments(jsonb_build_object('conversation_id', conversation_id));
  if row_limit is null and before is null then
    foreach most in array array[1000, most_rows] loop
      found_messages := array(
        select messages from public.messages
        where messages.conversation_id = list_messages.conversation_id
        order by messages.created_at, messages.id
        limit most
      );
      exit when cardinality(found_messages) < most;
      -- Few conversations are longer. The length of a text is known without reading it.
      select count(*) as messages, sum(octet_length(every.content)) as octets
      into size
      from (
        select messages.content from public.messages
        where messages.conversation_id = list_messages.conversation_id
        limit most_rows + 1
      ) as every;
      if size.messages > most_rows or size.octets > 64 * 1024 * 1024 then
        raise sqlstate 'PT422' using
          message = 'The conversation has more than 20,000 messages, or 64 MiB of them. Read it in pages, with limit and before.',
          detail = 'at limit';
      end if;
    end loop;
    return found_messages;
  end if;
  select messages.created_at, messages.id into bound from public.messages
  where messages.id = before and messages.conversation_id = list_messages.conversation_id;
  if before is not null and not found then
    raise sqlstate 'PT422' using message = 'The conversation has no such message.', detail = 'at before';
  end if;
  if before is null then
    found_messages := array(
      select messages from public.messages
      where messages.conversation_id = list_messages.conversation_id
      order by messages.created_at desc, messages.id desc
      limit row_limit
    );
  else
    found_messages := array(
      select messages from public.messages
      where messages.conversation_id = list_messages.conversation_id
        and (messages.created_at, messages.id) < (bound.created_at, bound.id)
      order by messages.created_at desc, messages.id desc
      limit coalesce(row_limit, 100)
    );
  end if;
  return array(select message from unnest(found_messages) as message order by message.created_at, message.id);
end;
$$;
comment on function private.list_messages(uuid, integer, uuid) is 'The work of public.list_messages.';

create function public.list_messages(
  conversation_id uuid, "limit" public.batch_limit default null, before uuid default null
)
returns public.messages[]
language sql
stable
security invoker
set search_path = ''
as $$
  select private.list_messages(list_messages.conversation_id, list_messages."limit", list_messages.before);
$$;
comment on function public.list_messages(uuid, public.batch_limit, uuid) is
'List the messages of a conversation. Returns them oldest first, as one array: all of them, up to 20,000, or the newest `limit` '
'before the message `before`.';

create function public.append_messages(conversation_id uuid, messages jsonb, title_if_empty public.title default null)
returns public.messages[]
language plpgsql
volatile
security invoker
set search_path = ''
as $$
#variable_conflict use_column
declare
  new_rows jsonb;
  places text [];
  ids uuid [];
begin
  perform private.require_arguments(jsonb_build_object('conversation_id', append_messages.conversation_id));
  if jsonb_typeof(append_messages.messages) is distinct from 'array'
    or jsonb_array_length(append_messages.messages) not between 1 and 100 then
    raise sqlstate 'PT422' using message = 'One to 100 messages are expected.', detail = 'at messages';
  end if;
  perform from public.conversations where conversations.id = append_messages.conversation_id for no key update;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no conversation with this id.';
  end if;
  places := array(
    select format('messages[%s]', place - 1) from generate_series(1, jsonb_array_length(append_messages.messages)) as place
  );
  perform private.require_fields(
    'public.messages', append_messages.messages, places,
    array['role', 'content', 'input_modality', 'metadata', 'agent_node', 'provider', 'tokens_used'], array['role', 'content']
  );
  select
    jsonb_agg(
      element.message || jsonb_build_object('id', private.new_id(), 'conversation_id', append_messages.conversation_id)
      order by element.place
    )
  into new_rows
  from jsonb_array_elements(append_messages.messages) with ordinality as element (message, place);
  perform private.insert_rows('public.messages', new_rows, places);
  if title_if_empty is not null then
    update public.conversations set title = title_if_empty
    where conversations.id = append_messages.conversation_id and conversations.title is null;
  end if;
  select array_agg((element.message ->> 'id')::uuid) into ids from jsonb_array_elements(new_rows) as element (message);
  return array(
    select messages from public.messages where messages.id = any (ids) order by messages.created_at, messages.id
  );
end;
$$;
comment on function public.append_messages(uuid, jsonb, public.title) is
'Add 1 to 100 messages to a conversation. Adds them in their order: all or none. `title_if_empty` becomes the title of a '
'conversation that has none. '
'@objects=messages:messages,!role,!content,-conversation_id @batch=messages';

-- A conversation without a message comes last: it counts as of year 1, which a cursor can hold and -infinity could not.
create index conversations_by_last_message on public.conversations (
  (coalesce(last_message_at, '0001-01-01 00:00:00+00'::timestamptz)) desc, id desc
);
create index conversations_of_user_by_last_message on public.conversations (
  user_id, (coalesce(last_message_at, '0001-01-01 00:00:00+00'::timestamptz)) desc, id desc
);

grant execute on function private.list_messages(uuid, integer, uuid) to authenticated, service_role;
grant execute on function public.list_messages(uuid, public.batch_limit, uuid) to authenticated, service_role;
grant execute on function public.append_messages(uuid, jsonb, public.title) to authenticated, service_role;
