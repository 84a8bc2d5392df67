-- public.demo_flags and put_demo_flags: at most one row a user, created or replaced as a whole.

begin;
select plan(17);

select tests.create_user('ada');

select is(
  to_jsonb(public.put_demo_flags('a0000000-0000-4000-8000-000000000001')) - 'created_at' - 'updated_at',
  '{"user_id": "a0000000-0000-4000-8000-000000000001", "virtual_now": null, "escalation_speed": 1.0}',
  'a user is enough; speed is 1 by default'
);
select is(
  to_jsonb(
    public.put_demo_flags('a0000000-0000-4000-8000-000000000001', '2030-01-01T12:00:00.123456+01:00', 60.25)
  ) - 'created_at' - 'updated_at',
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "virtual_now": "2030-01-01T11:00:00.123456+00:00",
    "escalation_speed": 60.25
  }',
  'a second call replaces the row and answers it'
);
select is(
  to_jsonb(public.put_demo_flags('a0000000-0000-4000-8000-000000000001', escalation_speed => 0))
  - 'created_at' - 'updated_at',
  '{"user_id": "a0000000-0000-4000-8000-000000000001", "virtual_now": null, "escalation_speed": 0}',
  'what is not given goes back to its default, and time may stand still'
);
select is(
  (select count(*) from public.demo_flags where user_id = 'a0000000-0000-4000-8000-000000000001'), 1::bigint,
  'there is one row a user'
);
select ok(
  (select updated_at > created_at from public.demo_flags where user_id = 'a0000000-0000-4000-8000-000000000001'),
  'replacing keeps created_at and moves updated_at'
);

select throws_ok(
  $$insert into public.demo_flags (user_id) values ('a0000000-0000-4000-8000-000000000001')$$,
  '23505', null, 'a second row is refused'
);
select throws_ok(
  $$select public.put_demo_flags('a0000000-0000-4000-8000-00000000dead')$$, '23503', null, 'the user must exist'
);
select throws_ok($$select public.put_demo_flags(null)$$, 'PT422', null, 'a user is required');
select
  throws_like(
    format(
      $$select public.put_demo_flags('a0000000-0000-4000-8000-000000000001', escalation_speed => %L)$$, bad.speed
    ),
    '%violates check constraint "nonnegative_number_range"',
    format('%s is not a speed', bad.speed)
  )
from unnest(array['-0.1', 'NaN', 'Infinity', '-Infinity']) as bad (speed);
select is(
  (public.put_demo_flags('a0000000-0000-4000-8000-000000000001', escalation_speed => null)).escalation_speed::numeric,
  1.0, 'no speed is the usual one'
);
select throws_ok(
  $$select public.put_demo_flags('a0000000-0000-4000-8000-000000000001', virtual_now => 'infinity')$$,
  '23514', null, 'the virtual time is a time'
);

-- Contract 1.0 has the same flags.

select is(
  to_jsonb(v1_0.put_demo_flags('a0000000-0000-4000-8000-000000000001', '2031-01-01Z', 2)) - 'created_at' - 'updated_at',
  '{
    "user_id": "a0000000-0000-4000-8000-000000000001", "virtual_now": "2031-01-01T00:00:00+00:00",
    "escalation_speed": 2
  }',
  'contract 1.0 replaces the same row'
);
select is(
  (select to_jsonb(flags) from v1_0.demo_flags as flags where user_id = 'a0000000-0000-4000-8000-000000000001'),
  (select to_jsonb(flags) from public.demo_flags as flags where user_id = 'a0000000-0000-4000-8000-000000000001'),
  'both contracts show the same fields'
);

delete from public.users where id = 'a0000000-0000-4000-8000-000000000001';

select is_empty(
  $$select from public.demo_flags where user_id = 'a0000000-0000-4000-8000-000000000001'$$, 'they go with their user'
);

select * from finish();
rollback;
