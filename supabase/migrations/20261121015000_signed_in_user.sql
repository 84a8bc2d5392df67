-- The signed-in user: the one place that row-level security asks, once per statement: (select private.signed_in_user()).
--
-- An account of Supabase Auth signs in as the user with its own id, or as the one that private.sign_ins names (see the sign-up).
--
-- The planner reads statistics of all rows, whoever asks: its estimate for "id < x" is a measure of other users' ids. PostgREST
-- answers with such estimates (EXPLAIN) if a caller prefers a planned or estimated count. A db_pre_request function could refuse
-- these preferences, but sees only the last of several header lines. So the planner itself refuses here: it computes immutable
-- functions while it plans, before it estimates anything. A statement that reads rows is planned alike and meets no refusal.
--
-- PostgREST explains neither a function's call nor a write, so nothing leaks there. The preference that it ignores is refused too.

set lock_timeout = '3s';

create function private.require_exact_count()
returns boolean
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  headers constant text := current_setting('request.headers', true);
begin
  -- A person who explains a query in SQL makes no request.
  if current_query() ~* '^\s*explain' and coalesce(current_setting('request.method', true), '') <> ''
    or headers like '%count=%' and headers::json ->> 'prefer' ~ 'count=(planned|estimated)' then
    raise sqlstate 'PT400' using message = 'Planned and estimated counts are not available. Use count=exact.';
  end if;
  return true;
end;
$$;
comment on function private.require_exact_count() is
'Raises PT400 if the Data API asks the planner instead of the rows, or is asked to.';

create function private.refuse_estimates()
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return private.require_exact_count();
end;
$$;
comment on function private.refuse_estimates() is
'The same check as private.require_exact_count, called immutable, so that the planner makes it.';

-- Security definer: nobody may read which account signs in as whom.
create function private.signed_in_user(rows_are_read boolean default private.refuse_estimates())
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  account constant uuid := auth.uid();
begin
  if rows_are_read and private.require_exact_count() then
    return coalesce((select sign_ins.user_id from private.sign_ins where sign_ins.auth_user_id = account), account);
  end if;
  return null;
end;
$$;
comment on function private.signed_in_user(boolean) is
'The id of the user who calls with a JWT, else null. Leave the argument to its default, which the planner computes.';

grant execute on function private.require_exact_count() to authenticated, service_role;
grant execute on function private.refuse_estimates() to authenticated, service_role;
grant execute on function private.signed_in_user(boolean) to authenticated, service_role;
