-- Limits on what callers can write: what one of them stores, all lists and all memory must bear.

begin;
select plan(77);

-- private.fits_json_limits

select ok(private.fits_json_limits(good.document::jsonb, 4096), format('%s is within the limits', left(good.document, 60)))
from (
  values
  ('{}'), ('[]'), ('null'), ('{"a": "1e999", "b": [null, true, {"c": 0}]}'), ('[0, 0.0, -0.0, 1.5, -1e10]'),
  -- The largest and the smallest doubles, in all of their digits.
  ('[1.7976931348623157e308, -1.7976931348623157e+308]'),
  ('[5e-324, -5e-324, 2.2250738585072014e-308, 4.9406564584124654e-324]'),
  ('{"a": {"b": [[{"c": 1e307}]]}}')
) as good (document);
select ok(not private.fits_json_limits(bad.document::jsonb, 4096), format('%s is not', left(bad.document, 60)))
from (
  values
  ('1e131071'), ('{"a": 1e309}'), ('{"a": -1e309}'), ('{"a": 1.8e308}'), ('{"a": 1e-16383}'), ('[-1e-400]'),
  ('{"a": {"b": [[{"c": 1e309}]]}}'), ('{"a": 1, "b": 1e309, "c": 1}'),
  -- A zero of 16,384 digits.
  ('[0e-16383]'), ('{"a": 1, "b": -0e-351}')
) as bad (document);
select ok(
  private.fits_json_limits(jsonb_build_array(repeat(E'\x01', 10)), 64), 'a JSON value may take this many bytes as it is written'
);
select ok(not private.fits_json_limits(jsonb_build_array(repeat(E'\x01', 10)), 63), 'and not one more');
select ok(
  not private.fits_json_limits((select jsonb_agg(1e308::numeric) from generate_series(1, 14)), 4096),
  'as it is written, not as it is stored'
);
select is(private.fits_json_limits(null, 4096), null, 'of nothing it says nothing');

-- The vocabularies

select
  throws_ok(
    format('select %L::public.%s', bad.value, bad.domain), '23514', null,
    format('%s takes no %s', bad.domain, left(bad.value, 30))
  )
from (
  values
  ('json_object', '{"a": 1e131071}'), ('json_object', '{"a": [0e-16383]}'),
  ('json_object', jsonb_build_object('', repeat('a', 65536 - 7))::text),
  ('plan_document', '[]'), ('plan_document', '{"a": 1e131071}'),
  ('plan_document', jsonb_build_object('', repeat('a', 262144 - 7))::text),
  ('message_history', '{}'), ('message_history', '[{"a": 1e-16383}]'),
  ('message_history', jsonb_build_array(repeat('a', 393216 - 3))::text),
  ('row_fields', '[]'), ('row_list', '{}'), ('row_list', '[1e131071]'),
  ('probability', '1.0000000000000003'), ('probability', 'NaN'),
  ('nonnegative_number', '1e131071'), ('nonnegative_number', '1e-16383'), ('nonnegative_number', 'NaN'),
  ('short_text', repeat('a', 256)), ('note', repeat('a', 5001)), ('free_text', repeat('a', 20001)),
  ('message_text', ''), ('message_text', repeat('a', 60001)),
  ('thread_id', ''), ('thread_id', repeat('a', 513)),
  ('text_list', array_fill('a'::text, array[1001])::text),
  ('text_list', array[repeat('a', 65536 - 3)]::text),
  ('uuid_list', array_fill(gen_random_uuid(), array[1001])::text),
  ('uuid_batch', '{}'), ('uuid_batch', array_fill(gen_random_uuid(), array[10001])::text),
  ('email_address', ''), ('email_address', 'ada'), ('email_address', '@example.com'), ('email_address', 'ada@'),
  ('email_address', 'a@b@c'), ('email_address', 'ada@example.com '), ('email_address', E'ada@example.com\n'),
  ('email_address', E'ada\u00a0@example.com'), ('email_address', E'ada@\u3000example.com')
) as bad (domain, value);
select
  lives_ok(
    format('select %L::public.%s', good.value, good.domain), format('%s takes %s', good.domain, left(good.value, 30))
  )
from (
  values
  ('probability', '5e-324'),
  ('nonnegative_number', '1.7976931348623157e308'),
  ('json_object', jsonb_build_object('', repeat('a', 65536 - 8))::text),
  ('plan_document', jsonb_build_object('', repeat('a', 262144 - 8))::text),
  ('message_history', jsonb_build_array(repeat('a', 393216 - 4))::text),
  ('short_text', ''), ('short_text', repeat('𝄞', 255)), ('note', repeat('𝄞', 5000)), ('free_text', repeat('𝄞', 20000)),
  ('message_text', repeat('𝄞', 60000)), ('thread_id', repeat('𝄞', 512)),
  ('text_list', array_fill(''::text, array[1000])::text),
  ('text_list', array[repeat('a', 65536 - 4)]::text),
  ('uuid_list', array_fill(gen_random_uuid(), array[1000])::text),
  ('uuid_batch', array_fill(gen_random_uuid(), array[10000])::text),
  ('email_address', 'ada@x'), ('email_address', 'Ädä+tag@[::1]')
) as good (domain, value);

select * from finish();
rollback;
