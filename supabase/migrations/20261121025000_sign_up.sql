-- Sign-up through Supabase Auth. Each account of auth.users has a user: a new one with the account's id, or one that an agent
-- registered before and that private.sign_ins gives to the account.
--
-- * A sign-up never fails for the sake of Flux, and does not say who is registered.
-- * An address counts once Auth has confirmed it. A user without an address that counts, or whose address is taken, has
--   <id>@users.invalid, which reaches nobody.
-- * An address alone gives no account the rows of a user: a project may confirm addresses without looking.
-- * Deleting the account deletes the user.

set lock_timeout = '3s';

create table private.sign_ins (
  auth_user_id uuid not null,
  user_id uuid not null,
  constraint sign_ins_pkey primary key (auth_user_id),
  constraint sign_ins_user_id_key unique (user_id),
  constraint sign_ins_user_id_fkey foreign key (user_id) references public.users (id) on delete cascade
);

comment on table private.sign_ins is 'Accounts that sign in as a user with another id.';
comment on column private.sign_ins.auth_user_id is 'The account''s id in auth.users.';
comment on column private.sign_ins.user_id is 'The user whose rows the account reads and writes.';

create function private.confirmed_address(email text, confirmed_at timestamptz)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if confirmed_at is null or email ilike '%@users.invalid' then
    return null;
  end if;
  return email::public.email_address;
exception
  when check_violation then
    return null;
end;
$$;
comment on function private.confirmed_address(text, timestamptz) is
'An account''s address if it counts: Auth has confirmed it, and it has the form of one.';

create function private.keep_user(account_id uuid, address text, former_address text, display_name text)
returns void
language plpgsql
security invoker
set search_path = ''
-- Whoever holds the address, such as an agent's transaction, makes a sign-up wait this long.
set lock_timeout = '2s'
as $$
declare
  kept constant uuid := coalesce(
    (select sign_ins.user_id from private.sign_ins where sign_ins.auth_user_id = account_id), account_id
  );
  unroutable constant text := kept::text || '@users.invalid';
begin
  begin
    insert into public.users (id, email, name) values (kept, coalesce(address, unroutable), display_name)
    on conflict (id) do update set email = excluded.email
    where users.email <> excluded.email and (address is not null or lower(users.email) = lower(former_address));
    return;
  exception
    when unique_violation or lock_not_available then
      null;
  end;
  insert into public.users (id, email, name) values (kept, unroutable, display_name)
  on conflict (id) do update set email = excluded.email where lower(users.email) = lower(former_address);
end;
$$;
comment on function private.keep_user(uuid, text, text, text) is
'Creates the user of an account, or gives it the account''s address. Where that is taken, a new user, and one that has the address '
'that the account had before, gets an unroutable one.';

-- Security definer: Supabase Auth writes auth.users as a role without any right on public.users.
create function private.keep_user_of_account()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' or new.deleted_at is not null then
    delete from public.users
    where users.id in (old.id, (select sign_ins.user_id from private.sign_ins where sign_ins.auth_user_id = old.id));
    return null;
  end if;
  begin
    perform private.keep_user(
      new.id,
      private.confirmed_address(new.email, new.email_confirmed_at),
      case when tg_op = 'UPDATE' then private.confirmed_address(old.email, old.email_confirmed_at) end,
      nullif(left(new.raw_user_meta_data ->> 'name', 255), '')
    );
  exception
    when others then
      -- ensure_user makes it later.
      raise warning 'the user of account % could not be kept: %', new.id, sqlerrm;
  end;
  return null;
end;
$$;
comment on function private.keep_user_of_account() is
'Trigger on auth.users: an account that is made, confirmed, given another address or deleted does the same to its user.';

create trigger flux_keep_user after insert or delete on auth.users
for each row execute function private.keep_user_of_account();

create trigger flux_keep_user_of_changed_account after update of email, email_confirmed_at, deleted_at on auth.users
for each row when (
  (new.email, new.email_confirmed_at, new.deleted_at) is distinct from (old.email, old.email_confirmed_at, old.deleted_at)
) execute function private.keep_user_of_account();

-- Security definer, as all that follows: services can't read auth.users and private.sign_ins.
create function private.keep_address_of_account()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  address text;
begin
  select private.confirmed_address(accounts.email, accounts.email_confirmed_at) into address
  from auth.users as accounts
  where accounts.deleted_at is null and accounts.id = coalesce(
    (select sign_ins.auth_user_id from private.sign_ins where sign_ins.user_id = new.id), new.id
  );
  if found and lower(new.email) is distinct from lower(address) then
    raise sqlstate 'PT409' using
      message = 'Supabase Auth decides the email address of a user with an account.', detail = 'at email';
  end if;
  return new;
end;
$$;
comment on function private.keep_address_of_account() is
'Trigger: the address of a user with an account is the one that Supabase Auth has confirmed.';

-- The depth is 0 unless the triggers above change the address.
create trigger users_keep_address_of_account before update of email on public.users
for each row when (lower(new.email) <> lower(old.email) and pg_trigger_depth() = 0)
execute function private.keep_address_of_account();

create function private.ensure_user()
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  account record;
begin
  select
    accounts.id,
    private.confirmed_address(accounts.email, accounts.email_confirmed_at) as address,
    nullif(left(accounts.raw_user_meta_data ->> 'name', 255), '') as display_name
  into account
  from auth.users as accounts
  where accounts.id = auth.uid() and accounts.deleted_at is null;
  if not found then
    raise sqlstate 'PT404' using message = 'There is no account with the id in this token.';
  end if;
  perform private.keep_user(account.id, account.address, null, account.display_name);
end;
$$;
comment on function private.ensure_user() is 'Makes the user of the account that calls, if there is none.';

create function public.ensure_user()
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  ensured public.users;
begin
  perform private.ensure_user();
  select users.* into ensured from public.users where users.id = (select private.signed_in_user());
  return ensured;
end;
$$;
comment on function public.ensure_user() is
'Get the signed-in user. Makes the row again if it was deleted, with the address that Supabase Auth has confirmed.';

create function private.holds_data(of_user uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  said_by_auth constant text [] := array['id', 'email', 'name', 'created_at', 'updated_at'];
  referring record;
  found_data boolean;
begin
  select jsonb_strip_nulls(filled.own - said_by_auth) <> jsonb_strip_nulls(
    private.read_defaults('public.users', array(select jsonb_object_keys(filled.own))) - said_by_auth || '{"timezone": "UTC"}'
  ) into found_data
  from public.users, lateral (select to_jsonb(users) as own) as filled
  where users.id = of_user;
  if found_data then
    return true;
  end if;
  for referring in
    select pg_constraint.conrelid::regclass as relation, pg_attribute.attname as column_name
    from pg_catalog.pg_constraint
    inner join pg_catalog.pg_attribute
      on pg_constraint.conrelid = pg_attribute.attrelid and pg_constraint.conkey[1] = pg_attribute.attnum
    where pg_constraint.contype = 'f' and pg_constraint.confrelid = 'public.users'::regclass
  loop
    execute format('select exists (select from %s where %I = $1)', referring.relation, referring.column_name)
    into found_data using of_user;
    if found_data then
      return true;
    end if;
  end loop;
  return false;
end;
$$;
comment on function private.holds_data(uuid) is 'Whether a user has filled in anything or any row belongs to them.';

create function private.link_sign_in(of_user uuid, account_id uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  address text;
begin
  perform users.id from public.users where users.id in (of_user, account_id) order by users.id for update;
  if not exists (select from public.users where users.id = of_user) then
    raise sqlstate 'PT404' using message = 'There is no user with this id.';
  end if;
  select private.confirmed_address(accounts.email, accounts.email_confirmed_at) into address
  from auth.users as accounts
  where accounts.id = account_id and accounts.deleted_at is null;
  if not found then
    raise sqlstate 'PT422' using message = 'auth_user_id names no account of Supabase Auth.', detail = 'at auth_user_id';
  end if;
  if of_user = account_id
    or exists (select from private.sign_ins where sign_ins.auth_user_id = account_id and sign_ins.user_id = of_user) then
    return;
  end if;
  if exists (select from auth.users as accounts where accounts.id = of_user and accounts.deleted_at is null) then
    raise sqlstate 'PT409' using message = 'This user signs in with another account already.';
  end if;
  if private.holds_data(account_id) then
    raise sqlstate 'PT409' using message = 'This account has data of its own already.';
  end if;
  insert into private.sign_ins (auth_user_id, user_id) values (account_id, of_user) on conflict do nothing;
  if not found then
    raise sqlstate 'PT409' using message = 'This user or this account has another sign-in already.';
  end if;
  delete from public.users where users.id = account_id;
  perform private.keep_user(account_id, address, null, null);
end;
$$;
comment on function private.link_sign_in(uuid, uuid) is
'Gives a user to an account, whose own row, without data, is deleted. Raises PT409 if either has another sign-in.';

create function public.link_sign_in(user_id uuid, auth_user_id uuid)
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  linked public.users;
begin
  perform private.require_arguments(jsonb_build_object('user_id', user_id, 'auth_user_id', auth_user_id));
  perform private.link_sign_in(user_id, auth_user_id);
  select users.* into linked from public.users where users.id = link_sign_in.user_id;
  return linked;
end;
$$;
comment on function public.link_sign_in(uuid, uuid) is
'Give a user the sign-in of an account. From now on, the JWT of this account of Supabase Auth reads and writes this user''s rows. '
'The user must have no sign-in yet, and the account no data of its own.';

alter table private.sign_ins enable row level security;

grant execute on function private.ensure_user() to authenticated;
grant execute on function public.ensure_user() to authenticated;
grant execute on function private.link_sign_in(uuid, uuid) to service_role;
grant execute on function public.link_sign_in(uuid, uuid) to service_role;
