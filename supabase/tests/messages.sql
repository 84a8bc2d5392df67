-- public.messages: defaults, what is refused, the conversation's last_message_at, and list_messages.

begin;
select plan(31);

select tests.create_user('ada');
insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values
('a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'messages.sql 1', 'goal'),
('a4000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'messages.sql 2', 'goal');
insert into public.messages (id, conversation_id, role, content)
values ('a5000000-0000-4000-8000-000000000001', 'a4000000-0000-4000-8000-000000000001', 'user', 'Hello');

select is(
  (select to_jsonb(messages) - 'created_at' from public.messages where id = 'a5000000-0000-4000-8000-000000000001'),
  '{
    "id": "a5000000-0000-4000-8000-000000000001", "conversation_id": "a4000000-0000-4000-8000-000000000001",
    "role": "user", "content": "Hello", "input_modality": "text", "metadata": {},
    "agent_node": null, "provider": null, "tokens_used": 0
  }',
  'conversation, role and content are enough; everything else has its default'
);

select
  lives_ok(
    format(
      'update public.messages set %I = %L where id = %L', good.field, good.value, 'a5000000-0000-4000-8000-000000000001'
    ),
    format('%s may be %s', good.field, good.value)
  )
from (
  values
  ('role', 'assistant'), ('role', 'system'), ('role', 'function'), ('role', 'user'), ('input_modality', 'voice'),
  ('content', ' '), ('metadata', '{"confidence": 0.9}')
) as good (field, value);

select
  throws_ok(
    format(
      'update public.messages set %I = %L where id = %L', bad.field, bad.value, 'a5000000-0000-4000-8000-000000000001'
    ),
    bad.code, null, format('%s may not be %s', bad.field, coalesce(bad.value, 'null'))
  )
from (
  values
  ('conversation_id', null, '23502'),
  ('conversation_id', 'a4000000-0000-4000-8000-00000000dead', '23503'),
  ('role', null, '23502'),
  ('role', 'tool', '23514'),
  ('content', null, '23502'),
  ('content', '', '23514'),
  ('input_modality', null, '23502'),
  ('input_modality', 'video', '23514'),
  ('tokens_used', null, '23502'),
  ('metadata', '[]', '23514')
) as bad (field, value, code);

-- last_message_at

select is(
  (select last_message_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000001')::timestamptz,
  (select created_at from public.messages where id = 'a5000000-0000-4000-8000-000000000001')::timestamptz,
  'a new message sets its conversation''s last_message_at'
);
select is(
  (select last_message_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000002')::timestamptz,
  null, 'and no other''s'
);

insert into public.messages (conversation_id, role, content, created_at) values
('a4000000-0000-4000-8000-000000000001', 'user', 'from the past', '2020-01-01Z'),
('a4000000-0000-4000-8000-000000000002', 'user', 'second', '2021-01-02Z'),
('a4000000-0000-4000-8000-000000000002', 'user', 'first', '2021-01-01Z'),
('a4000000-0000-4000-8000-000000000002', 'user', 'third', '2021-01-03Z');

select is(
  (select last_message_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000001')::timestamptz,
  (select created_at from public.messages where id = 'a5000000-0000-4000-8000-000000000001')::timestamptz,
  'an older message doesn''t set it back'
);
select is(
  (select last_message_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000002')::timestamptz,
  '2021-01-03Z'::timestamptz, 'of several in one statement the latest counts'
);

update public.conversations set last_message_at = '2040-01-01Z' where id = 'a4000000-0000-4000-8000-000000000002';
insert into public.messages (conversation_id, role, content)
values ('a4000000-0000-4000-8000-000000000002', 'user', 'now');

select is(
  (select last_message_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000002')::timestamptz,
  (select created_at from public.messages where content = 'now')::timestamptz,
  'a time to come that a caller wrote gives way to the next message'
);

update public.conversations set last_message_at = null where id = 'a4000000-0000-4000-8000-000000000002';
insert into public.messages (conversation_id, role, content)
values ('a4000000-0000-4000-8000-000000000002', 'user', 'after nothing');

select is(
  (select last_message_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000002')::timestamptz,
  (select created_at from public.messages where content = 'after nothing')::timestamptz,
  'as does none'
);
select ok(
  (select updated_at > created_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000002'),
  'a message is a change of its conversation'
);

-- list_messages

select is(
  (
    select array_agg(listed.content::text order by listed.place)
    from
      unnest(public.list_messages('a4000000-0000-4000-8000-000000000002'))
      with ordinality as listed (
        id, conversation_id, role, content, input_modality, metadata, created_at, agent_node, provider, tokens_used, place
      )
  ),
  array['first', 'second', 'third', 'now', 'after nothing'], 'messages are listed oldest first, those of this conversation only'
);

insert into public.messages (conversation_id, role, content, created_at)
select
  'a4000000-0000-4000-8000-000000000001' as conversation_id,
  'user' as role,
  nth.number::text as content,
  '2020-01-01Z' as created_at
from generate_series(1, 1500) as nth (number);

select is(
  cardinality(public.list_messages('a4000000-0000-4000-8000-000000000001')), 1502,
  'all of them, also more than the Data API''s row limit'
);
select is(
  (
    select array_agg(listed.id order by listed.place)
    from
      unnest(public.list_messages('a4000000-0000-4000-8000-000000000001'))
      with ordinality as listed (
        id, conversation_id, role, content, input_modality, metadata, created_at, agent_node, provider, tokens_used, place
      )
  ),
  (
    select array_agg(id order by created_at, id)
    from public.messages where conversation_id = 'a4000000-0000-4000-8000-000000000001'
  ),
  'by id where they were written at the same time'
);
select is(
  public.list_messages('a4000000-0000-4000-8000-00000000dead'), '{}'::public.messages[],
  'a conversation that does not exist has none'
);
select throws_ok('select public.list_messages(null)', 'PT422', null, 'a conversation is required');

delete from public.messages where id = 'a5000000-0000-4000-8000-000000000001';

select is(
  (select count(*) from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'), 1::bigint,
  'a message goes alone'
);

select * from finish();
rollback;
