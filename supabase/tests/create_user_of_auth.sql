-- The triggers on auth.users: someone who signs up through Supabase Auth has a row of public.users, with the address there.

begin;
select plan(15);

insert into auth.users (id, email, raw_user_meta_data)
values ('a0000000-0000-4000-8000-000000000001', 'ada@example.com', '{"name": "Ada Lovelace", "role": "admin"}');

select is(
  (
    select to_jsonb(users) - 'created_at' - 'updated_at'
    from public.users where id = 'a0000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a0000000-0000-4000-8000-000000000001", "email": "ada@example.com", "name": "Ada Lovelace",
    "onboarded": false, "timezone": "UTC", "push_subscription": null, "phone_verified": false, "whatsapp_opt_in_at": null,
    "monthly_token_usage": {}, "profile": {}, "notification_preferences": {}, "preferences": {}, "demo_mode": false
  }',
  'a sign-up creates the user under the same id, with its address and name'
);

insert into auth.users (id, phone) values ('a0000000-0000-4000-8000-000000000002', '+4612345');
insert into auth.users (id, email) values ('a0000000-0000-4000-8000-000000000003', '');

select is(
  (select email from public.users where id = 'a0000000-0000-4000-8000-000000000002')::text,
  'a0000000-0000-4000-8000-000000000002@users.invalid', 'who signs up by phone gets an address that reaches nobody'
);
select is(
  (select email from public.users where id = 'a0000000-0000-4000-8000-000000000003')::text,
  'a0000000-0000-4000-8000-000000000003@users.invalid', 'an empty address is none'
);

insert into auth.users (id, email, raw_user_meta_data) values
('a0000000-0000-4000-8000-000000000004', 'four@example.com', jsonb_build_object('name', repeat('n', 300))),
('a0000000-0000-4000-8000-000000000005', 'five@example.com', '{"name": ""}'),
('a0000000-0000-4000-8000-000000000006', 'six@example.com', '[]');

select is(
  (select name from public.users where id = 'a0000000-0000-4000-8000-000000000004')::text, repeat('n', 255),
  'a name that is too long is cut'
);
select is(
  (select name from public.users where id = 'a0000000-0000-4000-8000-000000000005')::text, null, 'an empty name is none'
);
select is(
  (select name from public.users where id = 'a0000000-0000-4000-8000-000000000006')::text, null,
  'metadata of another shape has no name'
);

insert into public.users (id, email, name) values ('a0000000-0000-4000-8000-000000000007', 'seven@example.com', 'Kept');
insert into auth.users (id, email) values ('a0000000-0000-4000-8000-000000000007', 'other@example.com');

select is(
  (select email || ' ' || name from public.users where id = 'a0000000-0000-4000-8000-000000000007'),
  'seven@example.com Kept', 'a user who exists under this id stays as they are'
);

select throws_ok(
  $$insert into auth.users (id, email) values ('a0000000-0000-4000-8000-000000000008', 'SEVEN@example.com')$$,
  '23505', null, 'an address that an agent registered for another id refuses the sign-up'
);

set local role supabase_auth_admin;

insert into auth.users (id, email) values ('a0000000-0000-4000-8000-000000000009', 'nine@example.com');

reset role;

select is(
  (select email from public.users where id = 'a0000000-0000-4000-8000-000000000009')::text, 'nine@example.com',
  'it works for the role that Supabase Auth has, which has no right on public.users'
);
select ok(
  not has_table_privilege('supabase_auth_admin', 'public.users', 'insert'), 'that role can''t write users by itself'
);

-- An address that changes

set local role supabase_auth_admin;

update auth.users set email = 'Ada.Byron@example.com' where id = 'a0000000-0000-4000-8000-000000000001';

reset role;

select is(
  (select email || ' ' || name from public.users where id = 'a0000000-0000-4000-8000-000000000001'),
  'Ada.Byron@example.com Ada Lovelace', 'an address that changes in Supabase Auth changes here, and nothing else does'
);

update auth.users set email = 'two@example.com' where id = 'a0000000-0000-4000-8000-000000000002';

select is(
  (select email from public.users where id = 'a0000000-0000-4000-8000-000000000002')::text, 'two@example.com',
  'also where there was none'
);

update auth.users set email = null where id = 'a0000000-0000-4000-8000-000000000002';

select is(
  (select email from public.users where id = 'a0000000-0000-4000-8000-000000000002')::text,
  'a0000000-0000-4000-8000-000000000002@users.invalid', 'one that is taken away leaves one that reaches nobody'
);

update public.users set email = 'an.agents@example.com' where id = 'a0000000-0000-4000-8000-000000000004';
update auth.users set last_sign_in_at = now(), email = email where id = 'a0000000-0000-4000-8000-000000000004';

select is(
  (select email from public.users where id = 'a0000000-0000-4000-8000-000000000004')::text, 'an.agents@example.com',
  'any other change of auth.users leaves the address'
);
select throws_ok(
  $$update auth.users set email = 'SEVEN@example.com' where id = 'a0000000-0000-4000-8000-000000000001'$$,
  '23505', null, 'an address that another user has refuses the change'
);

select * from finish();
rollback;
