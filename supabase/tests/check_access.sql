-- The readiness check: only service_role passes it, and only with a limit of time.

begin;
select plan(4);

create function pg_temp.check_as(role text, statement_timeout text)
returns text
language plpgsql
as $$
declare
  answer text;
begin
  perform set_config('statement_timeout', statement_timeout, true), set_config('role', role, true);
  answer := public.check_access()::text;
  perform set_config('role', 'none', true);
  return answer;
exception
  when insufficient_privilege then
    return sqlerrm;
end;
$$;

select is(pg_temp.check_as('service_role', '8s'), 'true', 'service_role with a limit of time passes');
select matches(pg_temp.check_as('service_role', '0'), 'The service acts as another role', 'service_role without a limit does not');
select matches(pg_temp.check_as('postgres', '8s'), 'The service acts as another role', 'nor does the owner');
select matches(pg_temp.check_as('authenticated', '8s'), 'permission denied', 'nor a signed-in user');

select * from finish();
rollback;
