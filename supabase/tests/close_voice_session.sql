-- close_voice_session: writes what a voice session led to.

begin;
select plan(28);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.tasks (id, user_id, title) values
('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s'),
('a3000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.conversations (id, user_id, langgraph_thread_id, context_type, voice_session_id) values
(
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'close_voice_session.sql', 'voice',
  'session'
),
(
  'a4000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'close_voice_session.sql 2', 'voice',
  'other'
);
create temporary table as_it_was as
select to_jsonb(conversations) as row from public.conversations
where id = 'a4000000-0000-4000-8000-000000000001';

select is(
  to_jsonb(public.close_voice_session('a4000000-0000-4000-8000-000000000001', '{}')),
  (select row from as_it_was), 'nothing sent changes nothing, updated_at included'
);
select is(
  to_jsonb(public.close_voice_session(
    'a4000000-0000-4000-8000-000000000001',
    '{
      "extracted_intent": "new_goal", "intent_payload": {"a": [1]}, "ended_at": "2030-01-01T13:00:00.000001+01:00",
      "linked_goal_id": "a1000000-0000-4000-8000-000000000001", "duration_seconds": 0,
      "linked_task_id": "a3000000-0000-4000-8000-000000000001"
    }'
  )) - 'updated_at',
  (
    select
      row - 'updated_at' || '{
        "extracted_intent": "new_goal", "intent_payload": {"a": [1]}, "ended_at": "2030-01-01T12:00:00.000001+00:00",
        "linked_goal_id": "a1000000-0000-4000-8000-000000000001", "duration_seconds": 0,
        "linked_task_id": "a3000000-0000-4000-8000-000000000001"
      }'
    from as_it_was
  ),
  'it answers the conversation with what was sent, and nothing else changed'
);
select ok(
  (select updated_at > created_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000001'),
  'which is a change'
);
select is(
  (public.close_voice_session('a4000000-0000-4000-8000-000000000001', '{"duration_seconds": 61}')).extracted_intent,
  'new_goal', 'a field that is not sent stays'
);
select is(
  (public.close_voice_session('a4000000-0000-4000-8000-000000000001', '{"extracted_intent": null}')).extracted_intent,
  null, 'null clears a field'
);
select is(
  (select duration_seconds from public.conversations where id = 'a4000000-0000-4000-8000-000000000001')::integer, 61,
  'and no other'
);
select is(
  (select ended_at from public.conversations where id = 'a4000000-0000-4000-8000-000000000002')::timestamptz, null,
  'other conversations stay as they are'
);

select throws_ok(
  $$select public.close_voice_session('a4000000-0000-4000-8000-00000000dead', '{"duration_seconds": 1}')$$,
  'PT404', 'There is no conversation with this id.', 'a conversation that does not exist is not found'
);
select throws_ok(
  $$select public.close_voice_session('a4000000-0000-4000-8000-00000000dead', '{}')$$,
  'PT404', null, 'also when nothing is sent'
);
select
  throws_ok(
    format('select public.close_voice_session(%L, %L)', 'a4000000-0000-4000-8000-000000000001', bad.session),
    'PT422', 'There is no such field.', format('%s is not written', bad.session)
  )
from unnest(array[
  '{"user_id": "a0000000-0000-4000-8000-000000000002"}', '{"id": "a4000000-0000-4000-8000-000000000002"}',
  '{"context_type": "goal"}', '{"nonsense": 1}', '{"duration_seconds": 1, "status": "closed"}',
  '{"updated_at": "2030-01-01Z"}'
]) as bad (session);
select
  throws_ok(
    format('select public.close_voice_session(%L, %L)', 'a4000000-0000-4000-8000-000000000001', bad.session),
    bad.code, null, format('%s is refused', bad.session)
  )
from (
  values
  ('{"duration_seconds": -1}', '23514'),
  ('{"duration_seconds": 1.5}', 'PT422'),
  ('{"duration_seconds": "soon"}', 'PT422'),
  ('{"intent_payload": []}', '23514'),
  ('{"ended_at": "infinity"}', '23514'),
  ('{"ended_at": "yesterday morning"}', 'PT422'),
  ('{"linked_goal_id": "x"}', 'PT422'),
  ('{"linked_goal_id": "a1000000-0000-4000-8000-000000000003"}', '23503'),
  ('{"linked_goal_id": "a1000000-0000-4000-8000-00000000dead"}', '23503'),
  ('{"linked_task_id": "a3000000-0000-4000-8000-000000000003"}', '23503'),
  ('[]', '23514'),
  ('"text"', '23514')
) as bad (session, code);
select is(
  to_jsonb(public.close_voice_session('a4000000-0000-4000-8000-000000000001', '{}')) - 'updated_at',
  (
    select
      row - 'updated_at' || '{
        "extracted_intent": null, "intent_payload": {"a": [1]}, "ended_at": "2030-01-01T12:00:00.000001+00:00",
        "linked_goal_id": "a1000000-0000-4000-8000-000000000001", "duration_seconds": 61,
        "linked_task_id": "a3000000-0000-4000-8000-000000000001"
      }'
    from as_it_was
  ),
  'what is refused changes nothing'
);

select * from finish();
rollback;
