-- public.patterns: defaults and what is refused.

begin;
select plan(20);

select tests.create_user('ada');
insert into public.patterns (id, user_id)
values ('a7000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001');

select is(
  (
    select to_jsonb(patterns) - 'created_at' - 'updated_at'
    from public.patterns where id = 'a7000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a7000000-0000-4000-8000-000000000001", "user_id": "a0000000-0000-4000-8000-000000000001",
    "pattern_type": null, "pattern_key": null, "description": null, "data": null, "confidence": null
  }',
  'a user is enough'
);
select throws_ok('insert into public.patterns default values', '23502', null, 'a user is required');
select throws_ok(
  $$insert into public.patterns (user_id) values ('a0000000-0000-4000-8000-00000000dead')$$,
  '23503', null, 'the user must exist'
);

select
  lives_ok(
    format('update public.patterns set %I = %L', good.field, good.value),
    format('%s may be %s', good.field, coalesce(good.value, 'null'))
  )
from (
  values
  ('confidence', '0'), ('confidence', '1'), ('confidence', '0.123456789012345678901234567890'), ('confidence', null),
  ('data', '{"hours": [7, 8]}'), ('data', null), ('pattern_type', ''), ('description', repeat('a', 10000))
) as good (field, value);

select
  throws_ok(
    format('update public.patterns set %I = %L', bad.field, bad.value),
    '23514', null, format('%s may not be %s', bad.field, bad.value)
  )
from (
  values
  ('confidence', '-0.000001'), ('confidence', '1.000001'), ('confidence', 'NaN'), ('confidence', 'Infinity'),
  ('data', '[]'), ('data', 'null'), ('data', '7')
) as bad (field, value);

update public.patterns set confidence = 0.123456789012345678901234567890
where id = 'a7000000-0000-4000-8000-000000000001';

select is(
  (select confidence from public.patterns where id = 'a7000000-0000-4000-8000-000000000001')::text,
  '0.12345678901234568', 'confidence keeps the digits of a double'
);
select ok(
  (select updated_at > created_at from public.patterns where id = 'a7000000-0000-4000-8000-000000000001'),
  'a change sets updated_at'
);

select * from finish();
rollback;
