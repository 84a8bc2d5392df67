-- v1_0.conversations: contract 1.0's threads, which keep their messages as a list.

begin;
select plan(14);

select columns_are(
  'v1_0', 'conversations',
  array['id', 'user_id', 'goal_id', 'messages', 'status', 'created_at', 'updated_at'],
  'conversations have 1.0''s fields and no other'
);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into v1_0.conversations (id, user_id, goal_id) values (
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001'
);

select is(
  (
    select to_jsonb(conversations) - 'created_at' - 'updated_at'
    from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a4000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "langgraph_thread_id": "legacy-a4000000-0000-4000-8000-000000000001", "context_type": "goal",
    "goal_id": "a1000000-0000-4000-8000-000000000001", "messages": [], "status": "open", "title": null, "last_message_at": null,
    "voice_session_id": null, "extracted_intent": null, "intent_payload": null, "linked_goal_id": null,
    "linked_task_id": null, "ended_at": null, "duration_seconds": null
  }',
  'a conversation of 1.0 is one of 1.2 about a goal, under a thread of its own'
);
select is(
  (
    select to_jsonb(conversations) - 'created_at' - 'updated_at'
    from v1_0.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a4000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "goal_id": "a1000000-0000-4000-8000-000000000001", "messages": [], "status": "open"
  }',
  'and reads as one of 1.0'
);

insert into v1_0.conversations (user_id, goal_id, messages, status) values (
  'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', '[{"any": "shape"}]', 'v1_0 test'
);

select is(
  (select 'legacy-' || id from public.conversations where status = 'v1_0 test'),
  (select langgraph_thread_id from public.conversations where status = 'v1_0 test')::text,
  'the thread is named for the id also where that was made up'
);
select is(
  (select messages from public.conversations where status = 'v1_0 test')::jsonb, '[{"any": "shape"}]',
  'messages are stored as they were sent'
);

update public.conversations set voice_session_id = 'x', status = 'from 1.2'
where id = 'a4000000-0000-4000-8000-000000000001';
update v1_0.conversations set messages = '[1, 2]' where id = 'a4000000-0000-4000-8000-000000000001';

select is(
  (
    select jsonb_build_array(voice_session_id, status, messages, context_type)
    from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'
  ),
  '["x", "from 1.2", [1, 2], "goal"]', 'a change through 1.0 leaves what 1.2 wrote'
);
select is(
  (select status from v1_0.conversations where id = 'a4000000-0000-4000-8000-000000000001'), 'from 1.2',
  'a change through 1.2 is seen through 1.0'
);

insert into public.messages (conversation_id, role, content)
values ('a4000000-0000-4000-8000-000000000001', 'user', 'of 1.2');

select is(
  (select messages from v1_0.conversations where id = 'a4000000-0000-4000-8000-000000000001')::jsonb, '[1, 2]',
  '1.2''s messages are rows of their own, not in 1.0''s list'
);

select
  throws_ok(
    format('insert into v1_0.conversations (user_id, goal_id, messages) values (%L, %L, %L)', user_id, goal_id, messages),
    bad.code, null, bad.description
  )
from (
  values
  ('a0000000-0000-4000-8000-000000000001', null, '[]', '23502', 'a goal is required'),
  (null, 'a1000000-0000-4000-8000-000000000001', '[]', '23502', 'a user is required'),
  (
    'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000003', '[]', '23503',
    'the goal is not one of another user'
  ),
  (
    'a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', '{}', '23514',
    'messages are a list'
  )
) as bad (user_id, goal_id, messages, code, description);

insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values (
  'a4000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'v1_0_conversations.sql', 'voice'
);

select is(
  (select goal_id from v1_0.conversations where id = 'a4000000-0000-4000-8000-000000000002'), null,
  'a conversation of 1.2 may lack the goal that 1.0 requires'
);

delete from v1_0.conversations where id = 'a4000000-0000-4000-8000-000000000001';

select is_empty(
  $$select from public.messages where conversation_id = 'a4000000-0000-4000-8000-000000000001'$$,
  'one that is deleted through 1.0 takes 1.2''s messages along'
);

select * from finish();
rollback;
