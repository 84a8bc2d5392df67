-- Example data: three users somewhere on their way, with every status of goals and tasks, around the time of loading.
--
--   Maya   1111…  trains for a half marathon, has finished one goal and given up another; planned a run by voice
--   Jonas  2222…  learns Spanish through an agent that speaks contract 1.0; a demonstration, hence with demo flags
--   Amara  3333…  has just signed up
--
-- Times are relative to now(). The ids are fixed: the first row of each table, by id, is the example in the OpenAPI documents.

insert into public.users (
  id, email, name, onboarded, profile, notification_preferences, preferences, demo_mode, created_at
)
values
(
  '11111111-1111-4111-8111-111111111111', 'maya@example.com', 'Maya Lindqvist', true,
  '{"timezone": "Europe/Stockholm", "chronotype": "early", "fitness_level": "intermediate"}',
  '{"channels": ["push", "whatsapp"], "quiet_hours": {"from": "21:30", "to": "06:30"}}',
  '{}', false, now() - interval '120 days'
),
(
  '22222222-2222-4222-8222-222222222222', 'jonas@example.com', 'Jonas Weber', true,
  '{"timezone": "Europe/Berlin", "chronotype": "late"}',
  '{"channels": ["push", "call"]}',
  '{"timezone": "Europe/Berlin", "language": "de"}', true, now() - interval '40 days'
),
(
  '33333333-3333-4333-8333-333333333333', 'amara@example.com', null, false, null, null, '{}', false,
  now() - interval '1 hour'
);

insert into public.goals (
  id, user_id, title, description, class_tags, status, parent_goal_id, pipeline_order, activated_at, completed_at,
  target_weeks, plan_json, category, timeline, created_at
)
values
(
  '11111111-aaaa-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', 'Run a half marathon',
  'Finish the city half marathon in under two hours, without an injury.', '{health,running}', 'active', null, null,
  now() - interval '21 days', null, 8,
  '{"weekly_runs": 3, "long_run_day": "sunday", "peak_km": 18}', null, null, now() - interval '22 days'
),
(
  '11111111-aaaa-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111', 'Sleep seven hours a night',
  'Recovery is part of the training.', '{health,sleep}', 'pipeline', '11111111-aaaa-4000-8000-000000000001', 1,
  null, null, 4, null, null, null, now() - interval '20 days'
),
(
  '11111111-aaaa-4000-8000-000000000005', '11111111-1111-4111-8111-111111111111', 'Cook three evenings a week',
  null, '{health,food}', 'pipeline', '11111111-aaaa-4000-8000-000000000001', 2,
  null, null, 6, null, null, null, now() - interval '20 days'
),
(
  '11111111-aaaa-4000-8000-000000000006', '11111111-1111-4111-8111-111111111111', 'Run a marathon',
  null, '{health,running}', 'pipeline', '11111111-aaaa-4000-8000-000000000001', 3,
  null, null, 20, null, null, null, now() - interval '19 days'
),
(
  '11111111-aaaa-4000-8000-000000000003', '11111111-1111-4111-8111-111111111111', 'Run 10 km without a break',
  null, '{health,running}', 'completed', null, null,
  now() - interval '110 days', now() - interval '45 days', 8, null, null, null, now() - interval '112 days'
),
(
  '11111111-aaaa-4000-8000-000000000004', '11111111-1111-4111-8111-111111111111', 'Write in a journal every evening',
  'Evenings turned out to belong to the children.', '{mindfulness}', 'abandoned', null, null,
  now() - interval '90 days', null, 6, null, null, null, now() - interval '91 days'
),
(
  '22222222-aaaa-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222', 'Order dinner in Spanish',
  null, null, 'active', null, null, null, null, 6, null, 'learning', '6 weeks', now() - interval '14 days'
);

insert into public.milestones (id, goal_id, week_number, title, status, created_at)
values
(
  '11111111-bbbb-4000-8000-000000000002', '11111111-aaaa-4000-8000-000000000001', 1, 'Three easy runs of 5 km',
  'completed', now() - interval '22 days'
),
(
  '11111111-bbbb-4000-8000-000000000001', '11111111-aaaa-4000-8000-000000000001', 3, 'First long run: 12 km',
  'in_progress', now() - interval '22 days'
),
(
  '11111111-bbbb-4000-8000-000000000003', '11111111-aaaa-4000-8000-000000000001', 6, 'Long run: 18 km', 'pending',
  now() - interval '22 days'
),
(
  '22222222-bbbb-4000-8000-000000000001', '22222222-aaaa-4000-8000-000000000001', 1, 'Two hundred words', 'in_progress',
  now() - interval '14 days'
),
(
  '22222222-bbbb-4000-8000-000000000002', '22222222-aaaa-4000-8000-000000000001', 4, 'A conversation of five minutes',
  'pending', now() - interval '14 days'
);

insert into public.tasks (
  id, user_id, goal_id, milestone_id, title, description, status, priority, scheduled_at, duration_minutes,
  trigger_type, location_trigger, is_recurring, recurrence_rule, calendar_event_id, shared_with_goal_ids,
  reminder_sent_at, whatsapp_sent_at, call_sent_at, completed_at, created_at
)
values
(
  '11111111-cccc-4000-8000-000000000003', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000001', '11111111-bbbb-4000-8000-000000000002', 'Easy run, 5 km',
  'Slow enough to talk.', 'done', 'standard', now() - interval '2 days', 40, 'time', null, true,
  'FREQ=WEEKLY;BYDAY=TU,TH', 'cal-maya-0001', null, now() - interval '49 hours', null, null,
  now() - interval '47 hours', now() - interval '21 days'
),
(
  '11111111-cccc-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000001', '11111111-bbbb-4000-8000-000000000001', 'Strength for the knees, 20 minutes',
  null, 'missed', 'important', now() - interval '1 day', 20, 'time', null, false, null, null, null,
  now() - interval '25 hours', now() - interval '24 hours', now() - interval '23 hours', null,
  now() - interval '14 days'
),
(
  '11111111-cccc-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000001', '11111111-bbbb-4000-8000-000000000001', 'Intervals, 6 × 400 m',
  'On the track, two minutes between them.', 'pending', 'standard', now() + interval '3 hours', 45, 'time', null, false,
  null, 'cal-maya-0002', null, null, null, null, null, now() - interval '7 days'
),
(
  '11111111-cccc-4000-8000-000000000004', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000001', '11111111-bbbb-4000-8000-000000000001', 'Long run, 12 km',
  'Moved from Sunday: rain.', 'rescheduled', 'must-not-miss', now() + interval '1 day', 80, 'time', null, false, null,
  'cal-maya-0003', null, null, null, null, null, now() - interval '7 days'
),
(
  '11111111-cccc-4000-8000-000000000005', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000001', null, 'Test ride on the indoor bike', null, 'cancelled', 'standard',
  now() - interval '3 hours', 30, 'time', null, false, null, null, null, null, null, null, null,
  now() - interval '6 days'
),
(
  '11111111-cccc-4000-8000-000000000006', '11111111-1111-4111-8111-111111111111', null, null, 'Buy running socks',
  null, 'pending', 'standard', null, null, 'location', 'Sports shop', false, null, null,
  '{11111111-aaaa-4000-8000-000000000001}', null, null, null, null, now() - interval '2 days'
),
(
  '11111111-cccc-4000-8000-000000000007', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000003', null, 'Run 10 km at the lake', null, 'done', 'important',
  now() - interval '45 days', 65, 'time', null, false, null, null, '{11111111-aaaa-4000-8000-000000000001}', null, null,
  null, now() - interval '45 days', now() - interval '52 days'
);

-- A series: every morning of the last two weeks, and so every day of last week, and a streak that reaches yesterday.
insert into public.tasks (
  id, user_id, title, class_tags, status, scheduled_at, canonical_scheduled_at, duration_minutes, is_recurring, recurrence_rule,
  series_id, occurrence_at, created_at
)
select
  morning.id, '11111111-1111-4111-8111-111111111111', 'Stretch for ten minutes', '{health}', 'done', -- noqa: AL03
  morning.at, morning.at, 10, true, 'FREQ=DAILY', '11111111-cccc-4000-8000-000000000114', morning.at, -- noqa: AL03, AL08
  morning.at - interval '1 day' -- noqa: AL03
from (
  select
    ('11111111-cccc-4000-8000-0000000001' || lpad(nth::text, 2, '0'))::uuid as id,
    (date_trunc('day', now() at time zone 'Europe/Stockholm') - nth * interval '1 day' + interval '7 hours')
    at time zone 'Europe/Stockholm' as at
  from generate_series(1, 14) as nth
) as morning;

-- Jonas's agents speak contract 1.0.
insert into v1_0.tasks (
  id, user_id, goal_id, milestone_id, title, state, priority, start_time, end_time, trigger_type, is_recurring,
  calendar_event_id
)
values
(
  '22222222-cccc-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222',
  '22222222-aaaa-4000-8000-000000000001', '22222222-bbbb-4000-8000-000000000001', 'Learn the words for food',
  'completed', 'standard', now() - interval '1 day', now() - interval '23 hours 15 minutes', 'time', false,
  'cal-jonas-0001'
),
(
  '22222222-cccc-4000-8000-000000000002', '22222222-2222-4222-8222-222222222222',
  '22222222-aaaa-4000-8000-000000000001', '22222222-bbbb-4000-8000-000000000001',
  'Listen to the podcast on the way to work', 'scheduled', 'important', now() + interval '14 hours',
  now() + interval '14 hours 25 minutes', 'on_leaving_home', true, null
),
(
  '22222222-cccc-4000-8000-000000000003', '22222222-2222-4222-8222-222222222222',
  '22222222-aaaa-4000-8000-000000000001', '22222222-bbbb-4000-8000-000000000001', 'Repeat last week''s words',
  'drifted', 'standard', now() + interval '2 hours', null, 'time', false, null
);

insert into v1_0.conversations (id, user_id, goal_id, messages, status)
values (
  '22222222-dddd-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222',
  '22222222-aaaa-4000-8000-000000000001',
  '[{"role": "user", "content": "Are six weeks enough?"}, {"role": "assistant", "content": "At 25 minutes a day."}]',
  'open'
);

insert into public.conversations (
  id, user_id, goal_id, langgraph_thread_id, context_type, title, voice_session_id, created_at
)
values
(
  '11111111-dddd-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111',
  '11111111-aaaa-4000-8000-000000000001', 'thread-maya-voice-1', 'voice', 'The long run and the rain', 'voice-session-7f3a',
  now() - interval '7 days'
),
(
  '33333333-dddd-4000-8000-000000000001', '33333333-3333-4333-8333-333333333333', null, 'thread-amara-onboarding',
  'onboarding', null, null, now() - interval '1 hour'
);

insert into public.messages (id, conversation_id, role, content, input_modality, metadata, created_at)
values
(
  '11111111-1212-4000-8000-000000000002',
  '11111111-dddd-4000-8000-000000000001',
  'assistant',
  'Hi Maya, how did the week go?',
  'voice',
  '{"voice": "alloy"}',
  now() - interval '7 days'
),
(
  '11111111-1212-4000-8000-000000000001',
  '11111111-dddd-4000-8000-000000000001',
  'user',
  'Fine, but it rained on Sunday. Can we move the long run?',
  'voice',
  '{"confidence": 0.94}', now() - interval '7 days' + interval '12 seconds'
),
(
  '11111111-1212-4000-8000-000000000003',
  '11111111-dddd-4000-8000-000000000001',
  'function',
  '{"name": "reschedule_task", "result": "ok"}',
  'text',
  '{}',
  now() - interval '7 days' + interval '15 seconds'
),
(
  '11111111-1212-4000-8000-000000000004',
  '11111111-dddd-4000-8000-000000000001',
  'assistant',
  'Done. Twelve kilometres, at your own pace.',
  'voice',
  '{"voice": "alloy"}', now() - interval '7 days' + interval '18 seconds'
),
(
  '11111111-1212-4000-8000-000000000005',
  '11111111-dddd-4000-8000-000000000001',
  'summary',
  'Maya missed the long run because of rain. It is moved by a day.',
  'text',
  '{}',
  now() - interval '7 days' + interval '24 seconds'
),
(
  '33333333-1212-4000-8000-000000000001',
  '33333333-dddd-4000-8000-000000000001',
  'system',
  'Find out what the user wants to reach.',
  'text',
  '{}',
  now() - interval '1 hour'
),
(
  '33333333-1212-4000-8000-000000000002',
  '33333333-dddd-4000-8000-000000000001',
  'assistant',
  'Welcome to Flux. What would you like to reach?',
  'text',
  '{}',
  now() - interval '59 minutes'
);

select public.close_voice_session(
  '11111111-dddd-4000-8000-000000000001',
  jsonb_build_object(
    'extracted_intent', 'reschedule_task',
    'intent_payload', jsonb_build_object('reason', 'rain', 'move_by_days', 1),
    'linked_goal_id', '11111111-aaaa-4000-8000-000000000001',
    'linked_task_id', '11111111-cccc-4000-8000-000000000004',
    'ended_at', now() - interval '7 days' + interval '24 seconds',
    'duration_seconds', 24
  )
);

insert into public.patterns (id, user_id, pattern_type, pattern_key, description, data, confidence, created_at)
values
(
  '11111111-eeee-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', 'time_of_day', 'runs',
  'Runs before eight are done, those after six in the evening are missed.',
  '{"done_before_8": 9, "missed_after_18": 4, "weeks": 6}', 0.86, now() - interval '5 days'
),
(
  '11111111-eeee-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111', 'avoidance', 'strength',
  'Strength training is put off.', '{"missed": 3, "planned": 4}', 0.62, now() - interval '1 day'
),
(
  '22222222-eeee-4000-8000-000000000001', '22222222-2222-4222-8222-222222222222', 'streak', 'vocabulary',
  'Twelve days of vocabulary in a row.', '{"days": 12}', 0.95, now() - interval '2 days'
);

insert into public.notification_log (
  id, task_id, channel, sent_at, external_id, response, response_id, responded_at, created_at
)
values
(
  '11111111-ffff-4000-8000-000000000001', '11111111-cccc-4000-8000-000000000003', 'push', now() - interval '49 hours',
  'push-7c21', 'on_my_way', 'push-answer-7c21', now() - interval '48 hours 50 minutes', now() - interval '49 hours'
),
(
  '11111111-ffff-4000-8000-000000000002', '11111111-cccc-4000-8000-000000000002', 'push', now() - interval '25 hours',
  'push-81aa', null, null, null, now() - interval '25 hours'
),
(
  '11111111-ffff-4000-8000-000000000003', '11111111-cccc-4000-8000-000000000002', 'whatsapp',
  now() - interval '24 hours', 'wamid-39f0', 'Not today', 'wamid-39f1', now() - interval '23 hours 30 minutes',
  now() - interval '24 hours'
),
(
  '11111111-ffff-4000-8000-000000000004', '11111111-cccc-4000-8000-000000000002', 'call', now() - interval '23 hours',
  null, null, null, null, now() - interval '23 hours'
);

select public.put_demo_flags(
  '22222222-2222-4222-8222-222222222222', virtual_now => now() + interval '1 day', escalation_speed => 60
);

insert into public.dispatches (
  id, user_id, task_id, channel, dedupe_key, task_scheduled_at, due_at, expires_at, lease_until, attempt, claimed_by, started_at,
  finished_at, outcome, created_at
)
values
(
  '11111111-f000-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', '11111111-cccc-4000-8000-000000000006', 'push',
  'reminder', null, now() - interval '1 minute', now() + interval '8 hours', now() + interval '1 hour', 1, 'notifier-1', null,
  null, null, now() - interval '2 days'
),
(
  '11111111-f000-4000-8000-000000000002', '11111111-1111-4111-8111-111111111111', '11111111-cccc-4000-8000-000000000003', 'push',
  'reminder', now() - interval '2 days', now() - interval '49 hours 5 minutes', now() - interval '46 hours', null, 1, 'notifier-1',
  now() - interval '49 hours', now() - interval '49 hours', 'sent', now() - interval '3 days'
);
