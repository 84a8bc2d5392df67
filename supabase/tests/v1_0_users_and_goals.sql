-- v1_0.users and v1_0.goals: contract 1.0's fields of public's rows, which Postgres itself writes through.

begin;
select plan(21);

select columns_are(
  'v1_0', 'users', array['id', 'name', 'email', 'preferences', 'demo_mode', 'created_at', 'updated_at'],
  'users have 1.0''s fields and no other'
);
select columns_are(
  'v1_0', 'goals', array['id', 'user_id', 'title', 'category', 'timeline', 'status', 'created_at', 'updated_at'],
  'goals have 1.0''s fields and no other'
);
select columns_are(
  'v1_0', 'milestones', array['id', 'goal_id', 'week_number', 'title', 'status', 'created_at', 'updated_at'],
  'milestones have 1.0''s fields and no other'
);
select columns_are(
  'v1_0', 'demo_flags', array['user_id', 'virtual_now', 'escalation_speed', 'created_at', 'updated_at'],
  'demo flags have 1.0''s fields and no other'
);
select columns_are(
  'v1_0', 'goals_full',
  array[
    'id', 'user_id', 'title', 'category', 'timeline', 'status', 'created_at', 'updated_at', 'milestones', 'tasks'
  ],
  'a goal with its structure has 1.0''s fields and no other'
);

-- Users

insert into v1_0.users (id, name, email)
values ('a0000000-0000-4000-8000-000000000001', 'Ada', 'ada@example.com');

select is(
  (
    select to_jsonb(users) - 'created_at' - 'updated_at'
    from public.users where id = 'a0000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a0000000-0000-4000-8000-000000000001", "email": "ada@example.com", "name": "Ada", "onboarded": false,
    "timezone": "UTC", "push_subscription": null, "phone_verified": false, "whatsapp_opt_in_at": null,
    "monthly_token_usage": {}, "profile": {}, "notification_preferences": {}, "preferences": {}, "demo_mode": false
  }',
  'a user of 1.0 is one of 1.2, with its defaults'
);
select is(
  (
    select to_jsonb(users) - 'created_at' - 'updated_at'
    from v1_0.users where id = 'a0000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a0000000-0000-4000-8000-000000000001", "name": "Ada", "email": "ada@example.com", "preferences": {},
    "demo_mode": false
  }',
  'and reads as one of 1.0'
);

update public.users set onboarded = true, profile = '{"a": 1}', preferences = '{"b": 2}', name = 'Ada L.'
where id = 'a0000000-0000-4000-8000-000000000001';
update v1_0.users set demo_mode = true, email = 'lovelace@example.com'
where id = 'a0000000-0000-4000-8000-000000000001';

select is(
  (
    select to_jsonb(users) - 'created_at' - 'updated_at'
    from public.users where id = 'a0000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a0000000-0000-4000-8000-000000000001", "email": "lovelace@example.com", "name": "Ada L.",
    "onboarded": true, "profile": {"a": 1}, "notification_preferences": {},
    "timezone": "UTC", "push_subscription": null, "phone_verified": false, "whatsapp_opt_in_at": null,
    "monthly_token_usage": {}, "preferences": {"b": 2},
    "demo_mode": true
  }',
  'a change through 1.0 leaves what 1.2 wrote'
);
select is(
  (
    select to_jsonb(users) - 'created_at' - 'updated_at'
    from v1_0.users where id = 'a0000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a0000000-0000-4000-8000-000000000001", "name": "Ada L.", "email": "lovelace@example.com",
    "preferences": {"b": 2}, "demo_mode": true
  }',
  'a change through 1.2 is seen through 1.0'
);
select is(
  (select updated_at from v1_0.users where id = 'a0000000-0000-4000-8000-000000000001')::timestamptz,
  (select updated_at from public.users where id = 'a0000000-0000-4000-8000-000000000001')::timestamptz,
  'both show when it last changed'
);
select throws_ok(
  $$insert into v1_0.users (name, email) values ('x', 'LOVELACE@example.com')$$, '23505', null,
  'an address is taken through 1.0, too'
);

select tests.create_user('grace');

select is(
  (select name from v1_0.users where id = 'a0000000-0000-4000-8000-000000000002')::text, null,
  'a user of 1.2 may lack the name that 1.0 requires'
);

-- Goals

insert into v1_0.goals (id, user_id, title, category, timeline) values (
  'a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Run', 'health', '8 weeks'
);

select is(
  (
    select to_jsonb(goals) - 'created_at' - 'updated_at'
    from public.goals where id = 'a1000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a1000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001", "title": "Run",
    "description": null, "class_tags": null, "status": "active", "parent_goal_id": null, "pipeline_order": null,
    "activated_at": null, "completed_at": null, "target_weeks": 6, "plan_json": null, "category": "health",
    "timeline": "8 weeks"
  }',
  'a goal of 1.0 is one of 1.2, with its defaults'
);

update public.goals set description = 'x', plan_json = '{"a": 1}', title = 'Run far'
where id = 'a1000000-0000-4000-8000-000000000001';
update v1_0.goals set category = null, status = 'completed' where id = 'a1000000-0000-4000-8000-000000000001';

select is(
  (
    select to_jsonb(goals) - 'created_at' - 'updated_at'
    from v1_0.goals where id = 'a1000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a1000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "title": "Run far", "category": null, "timeline": "8 weeks", "status": "completed"
  }',
  'a change through 1.2 is seen through 1.0'
);
select is(
  (
    select jsonb_build_array(description, plan_json, category, status)
    from public.goals where id = 'a1000000-0000-4000-8000-000000000001'
  ),
  '["x", {"a": 1}, null, "completed"]', 'a change through 1.0 leaves what 1.2 wrote'
);
select throws_ok(
  $$update v1_0.goals set status = 'done' where id = 'a1000000-0000-4000-8000-000000000001'$$, '23514', null,
  'goals have the same statuses in both'
);
select throws_ok(
  $$insert into v1_0.goals (user_id, title) values ('a0000000-0000-4000-8000-00000000dead', 'x')$$, '23503', null,
  'the user must exist'
);

-- goals_full

insert into public.milestones (goal_id, week_number, title) values
('a1000000-0000-4000-8000-000000000001', 2, 'second'), ('a1000000-0000-4000-8000-000000000001', 1, 'first');
insert into public.tasks (user_id, goal_id, title, status) values
('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'b', 'rescheduled'),
('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'a', 'cancelled'),
('a0000000-0000-4000-8000-000000000001', null, 'elsewhere', 'pending');

select is(
  (
    select jsonb_agg(milestone.entry ->> 'title' order by milestone.place)
    from
      v1_0.goals_full,
      jsonb_array_elements(to_jsonb(goals_full.milestones)) with ordinality as milestone (entry, place)
    where goals_full.id = 'a1000000-0000-4000-8000-000000000001'
  ),
  '["first", "second"]', 'a goal shows its milestones, by week'
);
select is(
  (
    select jsonb_agg(task.entry -> 'state' order by task.place)
    from v1_0.goals_full, jsonb_array_elements(to_jsonb(goals_full.tasks)) with ordinality as task (entry, place)
    where goals_full.id = 'a1000000-0000-4000-8000-000000000001'
  ),
  '["drifted", "missed"]', 'and its tasks in 1.0''s words, in the order of their creation'
);

-- Deleting

delete from v1_0.goals where id = 'a1000000-0000-4000-8000-000000000001';

select is_empty(
  $$select from public.tasks where goal_id = 'a1000000-0000-4000-8000-000000000001'$$,
  'deleting a goal through 1.0 deletes what belongs to it'
);

delete from v1_0.users where id = 'a0000000-0000-4000-8000-000000000001';

select is_empty(
  $$select from public.users where id = 'a0000000-0000-4000-8000-000000000001'$$,
  'deleting a user through 1.0 deletes the user'
);

select * from finish();
rollback;
