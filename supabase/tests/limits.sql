-- Limits on what callers can write: what one of them stores, all lists and all memory must bear.

begin;
select plan(43);

-- private.fits_json_limits

select ok(private.fits_json_limits(good.document::jsonb), format('%s is within the limits', left(good.document, 60)))
from (
  values
  ('{}'), ('[]'), ('null'), ('{"a": "1e999", "b": [null, true, {"c": 0}]}'), ('[0, 0.0, -0.0, 1.5, -1e10]'),
  -- The largest and the smallest doubles, in all of their digits.
  ('[1.7976931348623157e308, -1.7976931348623157e+308]'),
  ('[5e-324, -5e-324, 2.2250738585072014e-308, 4.9406564584124654e-324]'),
  ('{"a": {"b": [[{"c": 1e307}]]}}')
) as good (document);
select ok(not private.fits_json_limits(bad.document::jsonb), format('%s is not', left(bad.document, 60)))
from (
  values
  ('1e131071'), ('{"a": 1e309}'), ('{"a": -1e309}'), ('{"a": 1.8e308}'), ('{"a": 1e-16383}'), ('[-1e-400]'),
  ('{"a": {"b": [[{"c": 1e309}]]}}'), ('{"a": 1, "b": 1e309, "c": 1}'),
  -- A zero of 16,384 digits.
  ('[0e-16383]'), ('{"a": 1, "b": -0e-351}')
) as bad (document);
select ok(
  private.fits_json_limits(jsonb_build_array(repeat('a', 4194304 - 4))), 'a JSON value may take 4 MiB'
);
select ok(
  not private.fits_json_limits(jsonb_build_array(repeat('a', 4194304 - 3))), 'and not a byte more'
);
select ok(
  not private.fits_json_limits((select jsonb_agg(1e308::numeric) from generate_series(1, 14000))),
  'as it is written, not as it is stored'
);
select is(private.fits_json_limits(null), null, 'of nothing it says nothing');

-- The vocabularies

select
  throws_ok(
    format('select %L::public.%s', bad.value, bad.domain), '23514', null,
    format('%s takes no %s', bad.domain, left(bad.value, 30))
  )
from (
  values
  ('json_object', '{"a": 1e131071}'), ('json_object', '{"a": [0e-16383]}'),
  ('json_list', '[1e131071]'), ('json_list', '[{"a": 1e-16383}]'),
  ('probability', '1e-16383'), ('probability', '0e-16383'),
  ('nonnegative_number', '1e131071'), ('nonnegative_number', '1e-16383'), ('nonnegative_number', 'NaN'),
  ('free_text', repeat('a', 1048577)),
  ('nonempty_text', repeat('a', 1048577)),
  ('text_list', array_fill('a'::text, array[10001])::text),
  ('text_list', array[repeat('a', 2097152)]::text),
  ('uuid_list', array_fill(gen_random_uuid(), array[10001])::text)
) as bad (domain, value);
select
  lives_ok(
    format('select %L::public.%s', good.value, good.domain), format('%s takes %s', good.domain, left(good.value, 30))
  )
from (
  values
  ('probability', '5e-324'),
  ('nonnegative_number', '1.7976931348623157e308'),
  ('free_text', ''),
  ('free_text', repeat('𝄞', 1048576)),
  ('nonempty_text', repeat('𝄞', 1048576)),
  ('text_list', array_fill(''::text, array[10000])::text),
  ('uuid_list', array_fill(gen_random_uuid(), array[10000])::text)
) as good (domain, value);

select * from finish();
rollback;
