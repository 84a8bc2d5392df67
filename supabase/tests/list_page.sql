-- list_page: one page of a collection, newest first, by offset or by cursor.

begin;
select plan(75);

select tests.create_user('ada');
select tests.create_user('grace');
select tests.create_user('linus');
insert into public.goals (id, user_id, title, status, created_at)
select
  ('a1000000-0000-4000-8000-' || lpad(nth.number::text, 12, '0'))::uuid as id,
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  nth.number::text as title,
  case when nth.number % 2 = 0 then 'active' else 'completed' end as status,
  -- Five rows share each moment, two moments are a microsecond apart.
  '2030-01-01T12:00:00.999999Z'::timestamptz + (nth.number / 5) * interval '1 microsecond' as created_at
from generate_series(1, 23) as nth (number);
insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-000000000002', 'another''s');

create function pg_temp.titles(page json)
returns text
language sql
as $$
  select coalesce(string_agg(item.row ->> 'title', ' ' order by item.place), '')
  from json_array_elements(page -> 'items') with ordinality as item (row, place);
$$;
create function pg_temp.envelope(page json)
returns jsonb
language sql
as $$
  select page::jsonb - 'items' - 'next_cursor';
$$;
-- Every page from the first to the last, by the cursor of each; one line a page.
create function pg_temp.walk(schema text, filters jsonb, row_limit integer)
returns setof text
language plpgsql
as $$
declare
  next_cursor text;
  page json;
begin
  -- A cursor that leads in a circle shall not lead there for ever.
  for turn in 1 .. 30 loop
    execute 'select public.list_page($1, $2, $3, 0, $4)'
    into page using schema || '.goals', filters, row_limit, next_cursor;
    return next format(
      '%s: %s%s%s', page ->> 'page', pg_temp.titles(page),
      case when (page ->> 'has_prev')::boolean then ' <' else '' end,
      case when (page ->> 'has_next')::boolean then ' >' else '' end
    );
    next_cursor := page ->> 'next_cursor';
    exit when next_cursor is null;
  end loop;
end;
$$;
create function pg_temp.cursor_of(resource text, filters jsonb, row_limit integer)
returns text
language sql
as $$
  select public.list_page('public.' || resource, filters, row_limit) ->> 'next_cursor';
$$;

-- By offset

select is(
  pg_temp.titles(public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}')),
  '23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1', 'newest first, then the greatest id'
);
select is(
  pg_temp.envelope(public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}')),
  '{"total": 23, "page": 1, "page_size": 100, "has_next": false, "has_prev": false}',
  'the first 100 unless told otherwise'
);
select is(
  (public.list_page('public.goals', '{"title": "23"}') -> 'items' -> 0)::jsonb,
  (select to_jsonb(goals) from public.goals where id = 'a1000000-0000-4000-8000-000000000023'),
  'items are whole rows'
);
select is(
  pg_temp.titles(public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 5, 7)),
  '16 15 14 13 12', 'five from the eighth'
);
select
  is(
    pg_temp.envelope(public.list_page(
      'public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', example.row_limit, example.row_offset
    )),
    example.envelope::jsonb, format('limit %s, offset %s', example.row_limit, example.row_offset)
  )
from (
  values
  (5, 0, '{"total": 23, "page": 1, "page_size": 5, "has_next": true, "has_prev": false}'),
  (5, 7, '{"total": 23, "page": 2, "page_size": 5, "has_next": true, "has_prev": true}'),
  (5, 18, '{"total": 23, "page": 4, "page_size": 5, "has_next": false, "has_prev": true}'),
  (5, 20, '{"total": 23, "page": 5, "page_size": 5, "has_next": false, "has_prev": true}'),
  (23, 0, '{"total": 23, "page": 1, "page_size": 23, "has_next": false, "has_prev": false}'),
  (22, 0, '{"total": 23, "page": 1, "page_size": 22, "has_next": true, "has_prev": false}'),
  (1, 22, '{"total": 23, "page": 23, "page_size": 1, "has_next": false, "has_prev": true}'),
  (5, 23, '{"total": 23, "page": 5, "page_size": 5, "has_next": false, "has_prev": true}'),
  (5, 1000000, '{"total": 23, "page": 200001, "page_size": 5, "has_next": false, "has_prev": true}')
) as example (row_limit, row_offset, envelope);
select is(
  (public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 5, 23) -> 'items')::jsonb, '[]',
  'past the end there are no items'
);
select is(
  public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-00000000dead"}')::jsonb,
  '{"items": [], "total": 0, "page": 1, "page_size": 100, "has_next": false, "has_prev": false}',
  'an empty list is a page without items'
);
select is(
  public.list_page('public.goals') ->> 'total', (select count(*)::text from public.goals), 'without a filter all rows count'
);
select set_eq(
  $$select jsonb_object_keys(public.list_page('public.goals', '{}', 1)::jsonb)$$,
  $$select attname::text from pg_attribute where attrelid = 'public.page'::regclass and attnum > 0$$,
  'a page has the fields of public.page'
);

-- Filters

select is(
  pg_temp.titles(public.list_page(
    'public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001", "status": "active"}', 3
  )),
  '22 20 18', 'filters are equalities, all of which hold'
);
select is(
  public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001", "status": "active"}', 3) ->> 'total',
  '11', 'and the total counts what they let through'
);
select is(
  pg_temp.titles(public.list_page('public.goals', '{"title": "another''s"}')), 'another''s', 'a value may hold a quote'
);
select is(
  public.list_page('public.goals', '{"title": "x'' or true --"}') ->> 'total', '0', 'a value is a value'
);
select is(
  public.list_page('public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001", "parent_goal_id": null}') ->> 'total',
  '0', 'nothing equals null'
);
select throws_ok(
  $$select public.list_page('public.goals', '{"nonsense": 1}')$$, '42703', null, 'a field that does not exist is refused'
);
select throws_ok(
  $$select public.list_page('public.goals', '{"title\" is not null or \"title": "x"}')$$, '42703', null,
  'as is one that is more than a name'
);
select throws_ok(
  $$select public.list_page('public.goals', '{"user_id": "x"}')$$, '22P02', null, 'a value of another type is refused'
);
select throws_ok($$select public.list_page('public.nonsense')$$, '42P01', null, 'a collection that does not exist is refused');
select throws_ok(
  $$select public.list_page('public.goals where true; --')$$, '42602', null, 'as is one that is more than a name'
);
select throws_ok(
  $$select public.list_page('public.row_counts')$$, '42P01', null, 'and one of another schema'
);
select
  throws_ok(
    format('select public.list_page(%L)', other.name), '42P01', 'The resource is of no contract.',
    format('%s is of no contract', other.name)
  )
from (
  values ('private.row_counts'), ('auth.users'), ('pg_catalog.pg_class'), ('goals'), ('v1_0x.goals'), ('pg_temp.goals'), ('')
) as other (name);

-- Views

create schema v9_9;
create view v9_9.goals as select goals.id, goals.created_at from public.goals where goals.status = 'completed';
create view v9_9.tasks as select users.id, users.created_at from public.users;

select is(
  public.list_page('v9_9.goals', '{}', 5) ->> 'total', (select count(*)::text from v9_9.goals),
  'a view that shows fewer rows than the table of its name has its own total'
);
select is(
  public.list_page('v9_9.tasks', '{}', 1) ->> 'total', (select count(*)::text from public.users),
  'as has one that shows another table'
);
select is(
  public.list_page('v1_0.goals', '{}', 5) ->> 'total', (select count(*)::text from v1_0.goals),
  'a view that is known to be whole has its table''s'
);

-- By cursor

select results_eq(
  $$select pg_temp.walk('public', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 6)$$,
  array[
    '1: 23 22 21 20 19 18 >', '2: 17 16 15 14 13 12 < >', '3: 11 10 9 8 7 6 < >', '4: 5 4 3 2 1 <'
  ],
  'each row comes once, though pages break among rows of one moment'
);
select results_eq(
  $$select pg_temp.walk('public', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 1)$$,
  $$
    select format('%s: %s%s%s', 24 - n, n, case when n < 23 then ' <' else '' end, case when n > 1 then ' >' else '' end)
    from generate_series(23, 1, -1) as n
  $$,
  'also in pages of one row'
);
select results_eq(
  $$
    select pg_temp.walk(
      'public', '{"user_id": "a0000000-0000-4000-8000-000000000001", "status": "completed"}', 4
    )
  $$,
  array['1: 23 21 19 17 >', '2: 15 13 11 9 < >', '3: 7 5 3 1 <'], 'under a filter'
);
select results_eq(
  $$select pg_temp.walk('v1_0', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 12)$$,
  array['1: 23 22 21 20 19 18 17 16 15 14 13 12 >', '2: 11 10 9 8 7 6 5 4 3 2 1 <'], 'through contract 1.0'
);
select is(
  pg_temp.titles(public.list_page(
    'public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 3, 0,
    pg_temp.cursor_of('goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 10)
  )),
  '13 12 11', 'the next page may have another size'
);
select is(
  pg_temp.cursor_of('goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 23), null,
  'the last page has no cursor'
);
select matches(
  pg_temp.cursor_of('goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 10), '^[A-Za-z0-9_-]+$',
  'a cursor needs no quoting in a URL'
);

-- Rows of the first and the last microsecond that there can be, walked in a session of another time zone and date style.
insert into public.goals (user_id, title, created_at)
select
  'a0000000-0000-4000-8000-000000000003' as user_id,
  moment.title,
  moment.created_at
from (
  values
  ('first', '0001-01-01 00:00:00Z'::timestamptz), ('second', '0001-01-01 00:00:00.000001Z'),
  ('third', '1969-12-31 23:59:59.999999Z'), ('fourth', '2026-02-03 04:05:06.000007Z'),
  ('fifth', '9999-12-31 23:59:59.999998Z'), ('sixth', '9999-12-31 23:59:59.999999Z')
) as moment (title, created_at);

set local timezone = 'Asia/Kolkata';
set local datestyle = 'SQL, DMY';

select results_eq(
  $$select pg_temp.walk('public', '{"user_id": "a0000000-0000-4000-8000-000000000003"}', 1)$$,
  array['1: sixth >', '2: fifth < >', '3: fourth < >', '4: third < >', '5: second < >', '6: first <'],
  'a cursor is exact to the microsecond in any year, time zone and date style'
);

set local timezone = 'UTC';
set local datestyle = 'ISO, MDY';

create temporary table kept as
select pg_temp.cursor_of('goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 10) as next_cursor;
insert into public.goals (user_id, title, created_at)
values ('a0000000-0000-4000-8000-000000000001', 'newer', '2040-01-01Z');
delete from public.goals where title = '12';

select is(
  pg_temp.titles(public.list_page(
    'public.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', 4, 0, (select next_cursor from kept)
  )),
  '13 11 10 9', 'a row that comes or goes meanwhile neither repeats nor hides another'
);

-- Cursors that are none of this list

-- One of all goals, forged but for the number of rows before it.
create function pg_temp.cursor_at(rows_before text)
returns text
language sql
as $$
  select rtrim(
    translate(
      encode(
        convert_to(
          concat_ws(
            '.', rows_before, '1893456000000000', 'a1000000-0000-4000-8000-000000000001', left(md5('public.goals{}'), 12)
          ),
          'utf8'
        ),
        'base64'
      ),
      E'+/\n', '-_'
    ),
    '='
  );
$$;

select is(
  public.list_page('public.goals', '{}', 4, 0, pg_temp.cursor_at('9007199254740992')) ->> 'page', '2251799813685249',
  'a cursor counts rows as far as a JSON number can'
);

select
  throws_ok(
    format('select public.list_page(%L, %L, 4, 0, %L)', 'public.' || bad.resource, bad.filters, bad.next_cursor),
    'PT400', 'The cursor in "after" is not one of this list.', bad.description
  )
from (
  values
  ('goals', '{}', (select next_cursor from kept), 'a cursor of a filtered list is none of the whole'),
  (
    'goals', '{"user_id": "a0000000-0000-4000-8000-000000000002"}', (select next_cursor from kept),
    'nor of one under another filter'
  ),
  (
    'tasks', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', (select next_cursor from kept),
    'nor of another collection'
  ),
  (
    'goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}', (select left(next_cursor, -1) from kept),
    'one that lost its end is refused'
  ),
  ('goals', '{}', '', 'an empty one'),
  ('goals', '{}', '%', 'one of other characters'),
  ('goals', '{}', 'AAAA', 'one of bytes'),
  ('goals', '{}', 'gICA', 'one that is no text'),
  ('goals', '{}', rtrim(encode('1.2.3', 'base64'), '='), 'one of three parts'),
  ('goals', '{}', pg_temp.cursor_at('-1'), 'one before the first row'),
  ('goals', '{}', pg_temp.cursor_at('9007199254740993'), 'one behind more rows than a JSON number can count'),
  ('goals', '{}', pg_temp.cursor_at('x'), 'one that counts no rows')
) as bad (resource, filters, next_cursor, description);
select throws_ok(
  format(
    'select public.list_page(%L, %L, 4, 0, %L)', 'v1_0.goals', '{"user_id": "a0000000-0000-4000-8000-000000000001"}',
    (select next_cursor from kept)
  ),
  'PT400', null, 'a cursor of contract 1.2 is none of contract 1.0'
);

-- Who may call it

select ok(
  not has_function_privilege('authenticated', 'public.list_page(text, jsonb, integer, bigint, text, text)', 'execute'),
  'users page with PostgREST''s own limit and offset'
);

set local role service_role;

do $$
begin
  perform public.list_page('public.goals');
  perform public.list_page('v1_0.tasks');
end;
$$;

reset role;

select pass('the service may call it');

-- Conditions

select results_eq(
  $test$
    select * from private.write_condition(
      '{"status": ["done", "a''b"], "email": {"ignoring_case": "A\\''b"}, "at": {"from": "1", "before": "2"}, "user_id": "u"}', 4
    )
  $test$,
  $test$
    select
      'at >= $5 and at < $6 and lower(email) = lower($7) and status = any ($8) and user_id = $9',
      $$'1', '2', E'A\\''b', '{done,a''b}', 'u'$$
  $test$,
  'a value is an equality, an array one of several, an object has operators'
);
select
  results_eq(
    format('select * from private.write_condition(%L, 4)', example.filters),
    format('select %L, %s', example.condition, coalesce(quote_literal(example.given), 'null::text')), example.said
  )
from (
  values
  ('{"at": {"unknown": "1"}}', 'false', null, 'no row matches an unknown operator'),
  ('{}', 'true', null, 'every row matches no filter'),
  ('{"goal_id": null}', 'goal_id = $5', 'NULL', 'no row matches null'),
  ('{"outcome": {"or_none": ["none"]}, "id": "a"}', 'id = $5 and outcome is null', '''a''', 'none alone needs no value'),
  (
    '{"outcome": {"or_none": ["done", "none"]}}', '(outcome = any ($5) or outcome is null)', '''{done,none}''',
    'none may stand beside values'
  )
) as example (filters, condition, given, said);

create function pg_temp.plan_of(resource text, filters jsonb)
returns text
language plpgsql
as $$
declare
  filtered constant record := private.write_condition(filters, 0);
  line text;
  lines text := '';
begin
  execute format('prepare filtered as select from %s where %s', resource, filtered.condition);
  for line in execute format('explain execute filtered (%s)', filtered.given) loop
    lines := lines || line || chr(10);
  end loop;
  return lines;
end;
$$;
-- However few users there are.
set local enable_seqscan = off;
select matches(
  pg_temp.plan_of('v1_0.users', '{"email": {"ignoring_case": "Ada@example.com"}}'), 'Index Scan using users_email_key',
  'a filter on email uses the index of lower(email)'
);

-- Prepared statements

create function pg_temp.count_prepared()
returns bigint
language sql
as $$
  select count(*) from pg_prepared_statements where name like 'page %';
$$;
create temporary table before as select pg_temp.count_prepared() as prepared;
select is(
  (
    select array_agg(public.list_page('public.goals', jsonb_build_object('user_id', users.id), 9) ->> 'total' order by users.email)
    from public.users
  ),
  (
    select array_agg(owned.total order by owned.email)
    from (
      select users.email, count(goals.id)::text as total
      from public.users left outer join public.goals on users.id = goals.user_id
      group by users.id
    ) as owned
  ),
  'one statement serves every value of a filter'
);
select is(pg_temp.count_prepared(), (select before.prepared + 1 from before), 'and is prepared once');
do $$
begin
  for row_limit in 1 .. 100 loop
    for filtered in 0 .. 1 loop
      perform public.list_page('public.goals', case filtered when 0 then '{}' else '{"status": "active"}' end::jsonb, row_limit);
    end loop;
  end loop;
end;
$$;
select cmp_ok(pg_temp.count_prepared(), '<=', 100::bigint, 'a session keeps a hundred at most');
select is(current_setting('plan_cache_mode'), 'auto', 'how the caller''s own statements are planned stays as it was');

create function pg_temp.plan_of_page(filtered text)
returns setof text
language plpgsql
as $$
begin
  return query execute format(
    'explain execute %I (0, ''digest'', null, null, ''x'')',
    (select name from pg_prepared_statements where name like 'page %' and statement like format('%%where %s = $5 %%', filtered))
  );
end;
$$;
set local enable_seqscan = on;
set local min_parallel_table_scan_size = 0;
set local parallel_setup_cost = 0;
set local parallel_tuple_cost = 0;
do $$
begin
  perform public.list_page('public.goals', '{"description": "x"}');
end;
$$;
select ok(
  exists (select from pg_temp.plan_of_page('description') as line where line like '%Gather%'),
  'several workers count what has no index'
);

select * from finish();
rollback;
