-- public.conversations: defaults, what is refused, and what happens when what a conversation names goes.

begin;
select plan(40);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a1000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'Ada''s other'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.tasks (id, user_id, title) values
('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a3000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values (
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'conversations.sql', 'onboarding'
);

select is(
  (
    select to_jsonb(conversations) - 'created_at' - 'updated_at'
    from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a4000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "langgraph_thread_id": "conversations.sql", "context_type": "onboarding", "goal_id": null, "messages": [],
    "status": "open", "last_message_at": null, "voice_session_id": null, "extracted_intent": null,
    "intent_payload": null, "linked_goal_id": null, "linked_task_id": null, "ended_at": null, "duration_seconds": null,
    "title": null
  }',
  'a user, a thread and what it is about are enough; everything else has its default'
);

select
  throws_ok(
    format(
      'insert into public.conversations (user_id, langgraph_thread_id, context_type) values (%L, %L, %L)',
      bad.user_id, bad.thread, bad.context
    ),
    bad.code, null, bad.description
  )
from (
  values
  (null, 'x', 'goal', '23502', 'a user is required'),
  ('a0000000-0000-4000-8000-00000000dead', 'x', 'goal', '23503', 'the user must exist'),
  ('a0000000-0000-4000-8000-000000000001', null, 'goal', '23502', 'a thread is required'),
  ('a0000000-0000-4000-8000-000000000001', '', 'goal', '23514', 'a thread is not empty'),
  ('a0000000-0000-4000-8000-000000000001', 'conversations.sql', 'goal', '23505', 'a thread has one conversation'),
  ('a0000000-0000-4000-8000-000000000002', 'conversations.sql', 'goal', '23505', 'whoever takes part'),
  ('a0000000-0000-4000-8000-000000000001', 'x', null, '23502', 'what it is about is required'),
  ('a0000000-0000-4000-8000-000000000001', 'x', 'chat', '23514', 'what it is about is one of five words')
) as bad (user_id, thread, context, code, description);
select lives_ok(
  $$
    insert into public.conversations (user_id, langgraph_thread_id, context_type)
    values ('a0000000-0000-4000-8000-000000000001', 'CONVERSATIONS.sql ' || repeat('x', 494), 'goal')
  $$,
  'a thread is any text, and capitals matter'
);

select
  lives_ok(
    format(
      'update public.conversations set %I = %L where id = %L',
      good.field, good.value, 'a4000000-0000-4000-8000-000000000001'
    ),
    format('%s may be %s', good.field, good.value)
  )
from (
  values
  ('context_type', 'goal'),
  ('context_type', 'task'),
  ('context_type', 'reschedule'),
  ('context_type', 'voice'),
  ('messages', '[1, {"any": "shape"}]'),
  ('intent_payload', '{}'),
  ('duration_seconds', '0'),
  ('goal_id', 'a1000000-0000-4000-8000-000000000001'),
  ('linked_goal_id', 'a1000000-0000-4000-8000-000000000002'),
  ('linked_task_id', 'a3000000-0000-4000-8000-000000000001')
) as good (field, value);

select
  throws_ok(
    format(
      'update public.conversations set %I = %L where id = %L',
      bad.field, bad.value, 'a4000000-0000-4000-8000-000000000001'
    ),
    bad.code, null, format('%s may not be %s', bad.field, coalesce(bad.value, 'null'))
  )
from (
  values
  ('user_id', null, '23502'),
  ('langgraph_thread_id', null, '23502'),
  ('messages', null, '23502'),
  ('messages', '{}', '23514'),
  ('status', null, '23502'),
  ('intent_payload', '[]', '23514'),
  ('duration_seconds', '-1', '23514'),
  ('last_message_at', 'infinity', '23514'),
  ('ended_at', 'infinity', '23514'),
  ('goal_id', 'a1000000-0000-4000-8000-000000000003', '23503'),
  ('goal_id', 'a1000000-0000-4000-8000-00000000dead', '23503'),
  ('linked_goal_id', 'a1000000-0000-4000-8000-000000000003', '23503'),
  ('linked_task_id', 'a3000000-0000-4000-8000-000000000003', '23503'),
  ('linked_task_id', 'a3000000-0000-4000-8000-00000000dead', '23503'),
  ('user_id', 'a0000000-0000-4000-8000-000000000002', '23503')
) as bad (field, value, code);

select ok(
  (select updated_at > created_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'),
  'a change sets updated_at'
);

-- What a conversation led to may go; the goal that it is kept under takes it along.

delete from public.tasks where id = 'a3000000-0000-4000-8000-000000000001';
delete from public.goals where id = 'a1000000-0000-4000-8000-000000000002';

select is(
  (
    select array[user_id, goal_id, linked_goal_id, linked_task_id]
    from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  ),
  array['a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', null, null]::uuid[],
  'the links go with what they name, and nothing else'
);

insert into public.messages (id, conversation_id, role, content)
values ('a5000000-0000-4000-8000-000000000001', 'a4000000-0000-4000-8000-000000000001', 'user', 'Hello');
delete from public.goals where id = 'a1000000-0000-4000-8000-000000000001';

select is_empty(
  $$select from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'$$,
  'a conversation goes with the goal that it is kept under'
);
select is_empty(
  $$select from public.messages where id = 'a5000000-0000-4000-8000-000000000001'$$, 'and its messages with it'
);

insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values (
  'a4000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'conversations.sql', 'task'
);

select is(
  (select count(*) from public.conversations where langgraph_thread_id = 'conversations.sql'), 1::bigint,
  'a thread is free again when its conversation is gone'
);

select * from finish();
rollback;
