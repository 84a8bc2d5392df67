-- The readiness check: only service_role passes it, and only with a limit of time.

begin;
select plan(4);

set local role service_role;
set local statement_timeout = '8s';
select ok(public.check_access(), 'service_role with a limit has access');

set local statement_timeout = 0;
select throws_ok(
  'select public.check_access()', '42501', 'The service acts as another role than service_role, or without its limits.',
  'service_role without a limit has none'
);

reset role;
set local statement_timeout = '8s';
select throws_ok(
  'select public.check_access()', '42501', 'The service acts as another role than service_role, or without its limits.',
  'the owner has none'
);

set local role authenticated;
select throws_ok('select public.check_access()', '42501', null, 'a signed-in user has none');

select * from finish();
rollback;
