-- public.users: what a user is, and what goes when one goes.

begin;
select plan(29);

insert into public.users (id, email) values ('a0000000-0000-4000-8000-000000000001', 'Ada@Example.com');

select is(
  (select to_jsonb(users) - 'created_at' - 'updated_at' from public.users where email = 'Ada@Example.com'),
  '{
    "id": "a0000000-0000-4000-8000-000000000001", "email": "Ada@Example.com", "name": null, "onboarded": false,
    "timezone": "UTC", "push_subscription": null, "phone_verified": false, "whatsapp_opt_in_at": null,
    "monthly_token_usage": {}, "profile": {}, "notification_preferences": {}, "preferences": {}, "demo_mode": false
  }',
  'an email is enough; everything else has its default, and the address is kept as it was written'
);

select isnt(
  (select id from public.users where email = 'Ada@Example.com'), null, 'an id is made up where none is given'
);

select throws_ok(
  $$insert into public.users (email) values ('ada@example.COM')$$,
  '23505', 'duplicate key value violates unique constraint "users_email_key"',
  'an address is taken also in other capitals'
);
select throws_ok(
  $$insert into public.users (id, email) values ('a0000000-0000-4000-8000-000000000001', 'new@example.com')$$,
  '23505', null, 'an id is taken once'
);
select throws_ok(
  $$insert into public.users (name) values ('Ada')$$, '23502', null, 'an email is required'
);
select throws_ok(
  $$insert into public.users (email) values ('ada')$$,
  '23514', 'value for domain email_address violates check constraint "email_address_form"', 'an email is an address'
);
select throws_ok(
  $$insert into public.users (email) values ('a@' || repeat('a', 254))$$,
  '23514', null, 'an email of 256 characters is too long'
);
select lives_ok(
  $$insert into public.users (email) values ('a@' || repeat('é', 253))$$,
  'an email has up to 255 characters, of any length in bytes'
);
select throws_ok(
  $$insert into public.users (email, name) values ('b@example.com', '')$$,
  '23514', 'value for domain label violates check constraint "label_length"', 'a name is not empty'
);
select throws_ok(
  $$insert into public.users (email, name) values ('b@example.com', repeat('a', 256))$$,
  '23514', null, 'a name of 256 characters is too long'
);
select lives_ok(
  $$insert into public.users (email, name) values ('b@example.com', repeat('a', 255))$$,
  'a name has up to 255 characters'
);

select
  throws_like(
    format('insert into public.users (email, %I) values (%L, %L)', field.name, 'c@example.com', bad.json),
    '%violates check constraint "json_object_is_object"',
    format('%s is not %s', field.name, bad.json)
  )
from unnest(array['profile', 'notification_preferences', 'preferences']) as field (name),
  unnest(array['[]', '"text"', 'null']) as bad (json);

select throws_ok(
  $$update public.users set preferences = null where email = 'Ada@Example.com'$$, '23502', null,
  'preferences may be empty and not null'
);
select throws_ok(
  $$update public.users set onboarded = null where email = 'Ada@Example.com'$$, '23502', null, 'onboarded is not null'
);
select throws_ok(
  $$insert into public.users (email, created_at) values ('d@example.com', 'infinity')$$,
  '23514', 'value for domain instant violates check constraint "instant_within_four_digit_years"',
  'a time is a time that every caller can read'
);

-- updated_at

select is(
  (select updated_at from public.users where email = 'Ada@Example.com')::timestamptz,
  (select created_at from public.users where email = 'Ada@Example.com')::timestamptz,
  'a new row was last changed when it was created'
);

insert into public.users (email, created_at, updated_at) values ('old@example.com', '2020-01-01Z', '2030-01-01Z');

select is(
  (select updated_at from public.users where email = 'old@example.com')::timestamptz, '2020-01-01Z'::timestamptz,
  'nobody can say when a new row was changed'
);

update public.users set onboarded = true, updated_at = '2030-01-01Z' where email = 'old@example.com';

select ok(
  (select updated_at between now() and clock_timestamp() from public.users where email = 'old@example.com'),
  'a change sets updated_at, whatever was sent'
);
select is(
  (select created_at from public.users where email = 'old@example.com')::timestamptz, '2020-01-01Z'::timestamptz,
  'a change leaves created_at alone'
);

-- A user goes with everything that is theirs; another stays.

insert into public.users (id, email) values ('a0000000-0000-4000-8000-000000000002', 'grace@example.com');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Parent'),
('a1000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000002', 'Other');
insert into public.goals (user_id, title, parent_goal_id)
values ('a0000000-0000-4000-8000-000000000001', 'Child', 'a1000000-0000-4000-8000-000000000001');
insert into public.milestones (id, goal_id, week_number, title)
values ('a2000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 1, 'Week 1');
insert into public.tasks (id, user_id, goal_id, milestone_id, title) values
(
  'a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'In it'
),
('a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', null, null, 'Loose'),
('a3000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', null, null, 'Other');
insert into public.conversations (
  id, user_id, langgraph_thread_id, context_type, goal_id, linked_goal_id, linked_task_id
)
values (
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'users.sql', 'goal',
  'a1000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001'
);
insert into public.messages (conversation_id, role, content)
values ('a4000000-0000-4000-8000-000000000001', 'user', 'Hello');
insert into public.patterns (user_id) values ('a0000000-0000-4000-8000-000000000001');
insert into public.notification_log (task_id, channel) values ('a3000000-0000-4000-8000-000000000001', 'push');
insert into public.demo_flags (user_id) values ('a0000000-0000-4000-8000-000000000001');

delete from public.users where id = 'a0000000-0000-4000-8000-000000000001';

select is_empty(
  $$
    select id from public.goals where user_id = 'a0000000-0000-4000-8000-000000000001'
    union all select id from public.milestones where id = 'a2000000-0000-4000-8000-000000000001'
    union all select id from public.tasks where user_id = 'a0000000-0000-4000-8000-000000000001'
    union all select id from public.conversations where user_id = 'a0000000-0000-4000-8000-000000000001'
    union all select id from public.messages where conversation_id = 'a4000000-0000-4000-8000-000000000001'
    union all select id from public.patterns where user_id = 'a0000000-0000-4000-8000-000000000001'
    union all select id from public.notification_log where task_id = 'a3000000-0000-4000-8000-000000000001'
    union all select user_id from public.demo_flags where user_id = 'a0000000-0000-4000-8000-000000000001'
  $$,
  'deleting a user deletes everything that is theirs'
);
select is(
  (select count(*) from public.goals where user_id = 'a0000000-0000-4000-8000-000000000002')
  + (select count(*) from public.tasks where user_id = 'a0000000-0000-4000-8000-000000000002'),
  2::bigint, 'and nothing that is another''s'
);
select * from finish();
rollback;
