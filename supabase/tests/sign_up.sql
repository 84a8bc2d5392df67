-- The triggers on auth.users, and what gives an account to a user. See the migration for the rules.

begin;
select plan(33);

-- Signs up an account whose id ends in these digits. Accounts of single sign-on may share an address.
create function pg_temp.sign_up(digits text, email text, confirmed boolean default true, metadata jsonb default '{}')
returns void language sql as $$
  insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data, is_sso_user)
  values (
    ('a0000000-0000-4000-8000-' || lpad(digits, 12, '0'))::uuid, email, case when confirmed then now() end, metadata, true
  );
$$;

create function pg_temp.address(digits text) returns text language sql as $$
  select replace(email, id::text, '<id>') from public.users
  where id = ('a0000000-0000-4000-8000-' || lpad(digits, 12, '0'))::uuid;
$$;

create function pg_temp.name(digits text) returns text language sql as $$
  select coalesce(name, 'none') from public.users where id = ('a0000000-0000-4000-8000-' || lpad(digits, 12, '0'))::uuid;
$$;

create function pg_temp.id(digits text) returns uuid language sql as $$
  select ('a0000000-0000-4000-8000-' || lpad(digits, 12, '0'))::uuid;
$$;

insert into public.users (id, email, name) values
(pg_temp.id('900'), 'Registered@example.com', 'By an agent'), (pg_temp.id('901'), 'before@example.com', 'Before');

-- What a sign-up makes

select pg_temp.sign_up('1', 'ada@example.com', true, '{"name": "Ada Lovelace", "role": "admin"}');

select is(
  (
    select array[email, name, onboarded::text, preferences::text]
    from public.users where id = pg_temp.id('1')
  ),
  array['ada@example.com', 'Ada Lovelace', 'false', '{}'],
  'a sign-up creates the user under the same id, with its address and name'
);

select is(pg_temp.address(signing_up.digits), signing_up.expected, signing_up.description)
from (
  values
  ('2', 'unconfirmed@example.com', false, '<id>@users.invalid', 'an address that is not confirmed does not count'),
  ('3', null, true, '<id>@users.invalid', 'who signs up by phone gets an address that reaches nobody'),
  ('4', '', true, '<id>@users.invalid', 'an empty address is none'),
  ('5', 'REGISTERED@example.com', true, '<id>@users.invalid', 'nor is one that an agent registered'),
  ('6', 'ada@example.com', true, '<id>@users.invalid', 'nor is that of another account, as single sign-on allows'),
  ('7', 'a0000000-0000-4000-8000-000000000001@users.invalid', true, '<id>@users.invalid', 'nobody takes an unroutable address'),
  ('901', 'after@example.com', true, 'after@example.com', 'a user who exists under this id gets the account''s address')
) as signing_up (digits, email, confirmed, expected, description),
  pg_temp.sign_up(signing_up.digits, signing_up.email, signing_up.confirmed);

select is(
  (select name from public.users where id = pg_temp.id('901'))::text, 'Before', 'and stays as they are otherwise'
);

select is(pg_temp.name(named.digits), named.expected, named.description)
from (
  values
  ('11', jsonb_build_object('name', repeat('n', 300)), repeat('n', 255), 'a name that is too long is cut'),
  ('12', '{"name": ""}', 'none', 'an empty name is none'),
  ('13', '[]', 'none', 'metadata of another shape has no name')
) as named (digits, metadata, expected, description),
  pg_temp.sign_up(named.digits, named.digits || '@example.com', true, named.metadata);

insert into public.users (email) values (pg_temp.id('14') || '@users.invalid');
select lives_ok(
  $$select pg_temp.sign_up('14', null)$$, 'a sign-up succeeds even if its user cannot be made'
);

set local role supabase_auth_admin;
insert into auth.users (id, email, email_confirmed_at)
values ('a0000000-0000-4000-8000-000000000020', 'twenty@example.com', now());
reset role;

select is(
  pg_temp.address('20'), 'twenty@example.com',
  'it works for the role that Supabase Auth has, which has no right on public.users'
);
select ok(
  not has_table_privilege('supabase_auth_admin', 'public.users', 'insert'), 'that role can''t write users by itself'
);

-- Addresses that change

create function pg_temp.address_after(digits text, change text) returns text language plpgsql as $$
begin
  execute format('update auth.users set %s where id = %L', change, pg_temp.id(digits));
  return pg_temp.address(digits);
end;
$$;

select is(pg_temp.address_after(changed.digits, changed.change), changed.expected, changed.description)
from (
  values
  ('2', 'email_confirmed_at = now()', 'unconfirmed@example.com', 'an address counts once it is confirmed'),
  ('1', $$email = 'byron@example.com'$$, 'byron@example.com', 'an address that changes in Supabase Auth changes here'),
  ('6', $$last_sign_in_at = now(), email = email$$, '<id>@users.invalid', 'another change leaves the address'),
  ('2', $$email = 'registered@example.com'$$, '<id>@users.invalid', 'one that is taken leaves one that reaches nobody'),
  ('20', 'email = null', '<id>@users.invalid', 'so does one that is taken away')
) as changed (digits, change, expected, description);

select throws_ok(
  $$update public.users set email = 'mine@example.com' where id = pg_temp.id('1')$$,
  'PT409', 'Supabase Auth decides the email address of a user with an account.',
  'nobody else changes the address of a user with an account'
);
select lives_ok(
  $$update public.users set email = 'BYRON@example.com' where id = pg_temp.id('1')$$,
  'but for its capitals'
);
select lives_ok(
  $$update public.users set email = 'other@example.com' where id = pg_temp.id('900')$$,
  'that of a user without an account changes'
);
select lives_ok(
  $$update public.users set email = 'registered@example.com' where id = pg_temp.id('5')$$,
  'once an address is free, the user whose account has it can get it'
);

-- The sign-in of a user whom an agent registered

select
  throws_ok(
    format('select public.link_sign_in(%L, %L)', pg_temp.id(refused.user_digits), pg_temp.id(refused.account_digits)),
    refused.code, refused.message, refused.message
  )
from (
  values
  ('999', '1', 'PT404', 'There is no user with this id.'),
  ('900', '999', 'PT422', 'auth_user_id names no account of Supabase Auth.'),
  ('1', '2', 'PT409', 'This user signs in with another account already.')
) as refused (user_digits, account_digits, code, message);

insert into public.goals (user_id, title) values (pg_temp.id('2'), 'x');
select throws_ok(
  $$select public.link_sign_in(pg_temp.id('900'), pg_temp.id('2'))$$, 'PT409', 'This account has data of its own already.',
  'an account with data keeps it'
);

select is(
  (public.link_sign_in(pg_temp.id('900'), pg_temp.id('6'))).email::text, 'ada@example.com',
  'the user gets the account''s address, which is free by now'
);
select is(
  (public.link_sign_in(pg_temp.id('900'), pg_temp.id('6'))).id, pg_temp.id('900'), 'to link them again changes nothing'
);
select is(pg_temp.address('6'), null, 'the account''s own row is gone');
select throws_ok(
  $$select public.link_sign_in(pg_temp.id('900'), pg_temp.id('3'))$$, 'PT409',
  'This user or this account has another sign-in already.', 'one account per user'
);

-- An account that is deleted

delete from auth.users where id in (pg_temp.id('1'), pg_temp.id('6'));
update auth.users set deleted_at = now() where id = pg_temp.id('2');

select is_empty(
  $$select id from public.users where id in (pg_temp.id('1'), pg_temp.id('2'), pg_temp.id('6'), pg_temp.id('900'))$$,
  'deleting an account deletes its user, whichever id it has'
);

select * from finish();
rollback;
