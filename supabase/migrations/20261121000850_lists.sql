-- Lists: one page of any collection, in the envelope that the contracts share. The relation is a parameter, so one function serves
-- every table of public and every view of v1_0. Direct callers page with PostgREST's own limit and offset instead.

create type public.page as (
  items json,
  total bigint,
  page bigint,
  page_size integer,
  has_next boolean,
  has_prev boolean,
  next_cursor text
);
comment on type public.page is 'One page of a collection, newest first.';
comment on column public.page.items is 'The rows.';
comment on column public.page.total is 'How many rows the collection has under these filters, exactly.';
comment on column public.page.page is 'Number of this page, from 1.';
comment on column public.page.page_size is 'How many rows a page has at most.';
comment on column public.page.has_next is 'Whether another page follows.';
comment on column public.page.has_prev is 'Whether a page comes before.';
comment on column public.page.next_cursor is 'What to give as `after` for the next page; absent on the last.';

-- A cursor says where the page before ended, as <rows before it>.<microseconds since 1970>.<id>.<digest of the list>. The digest ties
-- it to the list that it was made for.
create function private.list_digest(relation regclass, filters jsonb)
returns text
language sql
stable
security invoker
set search_path = ''
as $$
  select left(md5(relation::text || filters::text), 12);
$$;
comment on function private.list_digest(regclass, jsonb) is 'What tells one list from another in a cursor.';

create function private.write_cursor(rows_before bigint, created_at timestamptz, id uuid, digest text)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select rtrim(
    translate(
      encode(
        convert_to(concat_ws('.', rows_before, (extract(epoch from created_at) * 1000000)::bigint, id, digest), 'utf8'), 'base64'
      ),
      E'+/\n', '-_'
    ),
    '='
  );
$$;
comment on function private.write_cursor(bigint, timestamptz, uuid, text) is 'The cursor for what follows a row.';

create function private.read_cursor(
  list_cursor text, digest text, out rows_before bigint, out created_at timestamptz, out id uuid
)
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  parts text [];
begin
  parts := string_to_array(
    convert_from(
      decode(rpad(translate(list_cursor, '-_', '+/'), ((length(list_cursor) + 3) / 4) * 4, '='), 'base64'), 'utf8'
    ),
    '.'
  );
  if cardinality(parts) <> 4 or parts[4] <> digest then
    raise sqlstate 'PT400';
  end if;
  rows_before := parts[1]::bigint;
  created_at := 'epoch'::timestamptz + parts[2]::bigint * interval '1 microsecond';
  id := parts[3]::uuid;
exception
  when others then
    raise sqlstate 'PT400' using message = 'The cursor in "after" is not one of this list.';
end;
$$;
comment on function private.read_cursor(text, text) is 'Takes a cursor apart; raises PT400 for a mangled one or one of another list.';

create function private.list_page(
  relation regclass, filters jsonb, row_limit integer, row_offset bigint, list_cursor text
)
returns json
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  digest constant text := private.list_digest(relation, filters);
  condition text;
  start record;
  result public.page;
  returned bigint;
  last_created_at timestamptz;
  last_id uuid;
begin
  select coalesce(string_agg(format('%I = %L', filter.key, filter.value), ' and ' order by filter.key), 'true')
  into condition
  from jsonb_each_text(filters) as filter;
  result.total := private.count_listed(relation, condition);

  if list_cursor is not null then
    start := private.read_cursor(list_cursor, digest);
    row_offset := start.rows_before;
    condition := condition || format(' and (created_at, id) < (%L::timestamptz, %L::uuid)', start.created_at, start.id);
  end if;
  -- One row more than asked for tells whether a page follows.
  execute format(
    $query$
      select
        coalesce(json_agg(listed.entry order by listed.place) filter (where listed.place <= $1), '[]'),
        count(*),
        max(listed.created_at) filter (where listed.place = $1),
        (array_agg(listed.id) filter (where listed.place = $1))[1]
      from (
        select relation as entry, relation.created_at, relation.id, row_number() over () as place
        from (select * from %s where %s order by created_at desc, id desc limit $1 + 1 offset $2) as relation
      ) as listed
    $query$,
    relation, condition
  )
  into result.items, returned, last_created_at, last_id
  using row_limit, case when list_cursor is null then row_offset else 0 end;

  result.page := row_offset / row_limit + 1;
  result.page_size := row_limit;
  result.has_next := returned > row_limit;
  result.has_prev := row_offset > 0;
  if result.has_next then
    result.next_cursor := private.write_cursor(row_offset + row_limit, last_created_at, last_id, digest);
    return row_to_json(result);
  end if;
  return json_build_object(
    'items', result.items, 'total', result.total, 'page', result.page, 'page_size', result.page_size,
    'has_next', result.has_next, 'has_prev', result.has_prev
  );
end;
$$;
comment on function private.list_page(regclass, jsonb, integer, bigint, text) is
'One page of a table or view, newest first, as the JSON of public.page. Filters are equalities, column to value.';

create function public.list_page(
  resource text, filters jsonb default '{}', row_limit integer default 100, row_offset bigint default 0, after text default null
)
returns json
language sql
stable
security invoker
set search_path = ''
as $$
  select private.list_page(format('public.%I', resource)::regclass, filters, row_limit, row_offset, after);
$$;
comment on function public.list_page(text, jsonb, integer, bigint, text) is
'One page of a collection for the REST adapter, newest first, starting at row_offset or behind the cursor `after`.';

grant execute on function private.list_digest(regclass, jsonb) to service_role;
grant execute on function private.write_cursor(bigint, timestamptz, uuid, text) to service_role;
grant execute on function private.read_cursor(text, text) to service_role;
grant execute on function private.list_page(regclass, jsonb, integer, bigint, text) to service_role;
grant execute on function public.list_page(text, jsonb, integer, bigint, text) to service_role;
