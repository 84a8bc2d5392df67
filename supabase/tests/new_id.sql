-- private.new_id(): time-ordered ids.

begin;
select plan(5);

create temporary table made as
select clock_timestamp() as before, private.new_id() as id, clock_timestamp() as after, nth
from generate_series(1, 10000) as nth;

-- The time that an id begins with: 48 bits of milliseconds, and a fraction of 12 bits behind the version.
create function pg_temp.time_of(id uuid)
returns timestamptz
language sql
as $$
  select to_timestamp(
    ('x' || left(digits, 12))::bit(48)::bigint / 1000.0 + ('x' || substr(digits, 14, 3))::bit(12)::integer / 4096000.0
  )
  from replace(id::text, '-', '') as digits;
$$;

select is_empty(
  $$select made.id from made where made.id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'$$,
  'an id is a UUID of version 7'
);
select is_empty(
  $$
    select made.id from made
    where pg_temp.time_of(made.id) not between made.before - interval '1 microsecond' and made.after + interval '1 microsecond'
  $$,
  'it begins with the time in microseconds'
);
select results_eq(
  'select made.nth from made order by made.id', 'select nth from generate_series(1, 10000) as nth',
  'the ids of a session are in the order in which they were made'
);
select is(
  (select count(distinct right(made.id::text, 12)) from made), 10000::bigint, 'the rest is random'
);
select cmp_ok(
  (
    select count(*)::integer from pg_proc
    where oid = 'private.new_id()'::regprocedure and provolatile = 'v' and proparallel = 's'
  ), '=', 1, 'it is volatile and may run in parallel workers'
);

select finish();
rollback;
