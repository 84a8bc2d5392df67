-- Lists: one page of any collection, in the envelope that the contracts share. The relation is a parameter, so one function serves
-- every contract. Direct callers page with PostgREST's own limit and offset instead.

set lock_timeout = '3s';

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
comment on column public.page.next_cursor is 'What to give as `after` for the next page; absent on the last. @optional';

-- A media type of its own: PostgREST passes on what a function has written as one, without another look or copy.
-- See https://docs.postgrest.org/en/v12/references/api/media_type_handlers.html
create domain public."application/vnd.flux.page+json" as json;
comment on domain public."application/vnd.flux.page+json" is 'The JSON of public.page, of rows of any kind.';

create function private.find_relation(resource text)
returns regclass
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.require_arguments(jsonb_build_object('resource', resource));
  if resource !~ '^(public|v[0-9]+_[0-9]+)[.]' then
    raise undefined_table using message = 'The resource is of no contract.';
  end if;
  return resource::regclass;
end;
$$;
comment on function private.find_relation(text) is
'The table or view of a contract that has this name with its schema, such as public.tasks.';

-- A cursor says where the page before ended, as <rows before it>.<microseconds since 1970>.<id>.<digest of the list>, in URL-safe
-- base64. The digest ties it to the list that it was made for. Microseconds are whole numbers in both directions: in a double they
-- would be exact until 2255 only, and as text they would follow the session's time zone and date style.
create function private.write_cursor(rows_before bigint, created_at timestamptz, id uuid, digest text)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  parts constant text := concat_ws('.', rows_before, (extract(epoch from created_at) * 1000000)::bigint, id, digest);
begin
  return rtrim(translate(encode(convert_to(parts, 'utf8'), 'base64'), E'+/\n', '-_'), '=');
end;
$$;
comment on function private.write_cursor(bigint, timestamptz, uuid, text) is
'The cursor of the list with this digest behind the row with this time and id, which is the last of rows_before rows.';

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
  if rows_before not between 0 and 9007199254740992 then
    raise sqlstate 'PT400';
  end if;
  created_at := 'epoch'::timestamptz
  + parts[2]::bigint / 1000000 * interval '1 second' + parts[2]::bigint % 1000000 * interval '1 microsecond';
  id := parts[3]::uuid;
exception
  when others then
    raise sqlstate 'PT400' using message = 'The cursor in "after" is not one of this list.';
end;
$$;
comment on function private.read_cursor(text, text) is
'Takes a cursor apart; raises PT400 for a mangled one or one of another list. Null is the start of any list.';

create function private.write_comparison(column_name text, compared jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case jsonb_typeof(compared)
    when 'array' then format('%I = any (%L)', column_name, array(select jsonb_array_elements_text(compared)))
    when 'object' then (
      select string_agg(
        case operator.key
          when 'from' then format('%I >= %L', column_name, operator.value)
          when 'before' then format('%I < %L', column_name, operator.value)
          when 'or_none' then format(
            case
              when operator.value = '["none"]' then '%1$I is null'
              when operator.value::jsonb ? 'none' then '(%1$I = any (%2$L) or %1$I is null)'
              else '%1$I = any (%2$L)'
            end,
            column_name, array(select jsonb_array_elements_text(operator.value::jsonb))
          )
          when 'ignoring_case' then format('lower(%I) = lower(%L)', column_name, operator.value)
          else 'false'
        end,
        ' and ' order by operator.key
      )
      from jsonb_each_text(compared) as operator
    )
    else format('%I = %L', column_name, compared #>> '{}')
  end;
end;
$$;
comment on function private.write_comparison(text, jsonb) is
'One filter of a list as a condition in SQL. A value stands for equality, an array for equality with one of its values; an object '
'has the operators from, before, ignoring_case and or_none: one of several values, or no value for the word none.';

create function private.write_condition(filters jsonb)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce(
    (
      select string_agg(private.write_comparison(filter.key, filter.value), ' and ' order by filter.key)
      from jsonb_each(filters) as filter
    ),
    'true'
  );
end;
$$;
comment on function private.write_condition(jsonb) is 'The filters of a list, by column, as a condition in SQL.';

create function public.list_page(
  resource text,
  filters jsonb default '{}',
  row_limit integer default 100,
  row_offset bigint default 0,
  after text default null,
  order_by text default null
)
returns public."application/vnd.flux.page+json"
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  relation constant regclass := private.find_relation(resource);
  -- PostgREST passes an argument of a GET request as a JSON string, whatever its type.
  wanted constant jsonb := coalesce(case jsonb_typeof(filters) when 'string' then (filters #>> '{}')::jsonb else filters end, '{}');
  digest constant text := left(md5(concat(relation, wanted, order_by)), 12);
  -- As the indexes by a column have it, such as conversations_by_last_message.
  order_key constant text := case
    when order_by is null then '%screated_at' else format('coalesce(%%s%I, ''0001-01-01 00:00:00+00''::timestamptz)', order_by)
  end;
  condition constant text := case when wanted = '{}' then 'true' else private.write_condition(wanted) end;
  rows_before bigint := coalesce(row_offset, 0);
  after_key timestamptz;
  after_id uuid;
  items json;
  returned bigint;
  has_next boolean;
  last_key timestamptz;
  last_id uuid;
  total bigint;
begin
  row_limit := coalesce(row_limit, 100);
  row_offset := coalesce(row_offset, 0);
  if after is not null then
    select * into rows_before, after_key, after_id from private.read_cursor(after, digest);
  end if;
  -- One row more than asked for tells whether a page follows. The offset of 0 keeps the rows from being fetched for each use of them.
  execute format(
    $query$
      select
        array_to_json(rows[:$1]), least(cardinality(rows), $1), cardinality(rows) > $1, %4$s, (rows[$1]).id
      from (
        select array(select listed from %1$s as listed where %2$s%3$s order by %5$s desc, id desc limit $1 + 1 offset $2) as rows
        offset 0
      ) as newest
    $query$,
    relation, condition, case when after is not null then format(' and (%s, id) < ($3, $4)', format(order_key, '')) end,
    format(order_key, '(rows[$1]).'), format(order_key, '')
  )
  into items, returned, has_next, last_key, last_id
  using row_limit, case when after is null then row_offset else 0 end, after_key, after_id;

  if after is null and not has_next and (returned > 0 or row_offset = 0) then
    -- The last page tells how many rows there are.
    total := row_offset + returned;
  elsif wanted = '{}' then
    total := private.known_total(relation);
  end if;
  if total is null then
    execute format('select count(*) from %s where %s', relation, condition) into total;
  end if;

  return (
    select json_object_agg(field.name, field.content) filter (where field.content is not null)
    from (
      values
      ('items', items),
      ('total', to_json(total)),
      ('page', to_json(rows_before / row_limit + 1)),
      ('page_size', to_json(row_limit)),
      ('has_next', to_json(has_next)),
      ('has_prev', to_json(rows_before > 0)),
      (
        'next_cursor',
        case when has_next then to_json(private.write_cursor(rows_before + row_limit, last_key, last_id, digest)) end
      )
    ) as field (name, content)
  );
end;
$$;
comment on function public.list_page(text, jsonb, integer, bigint, text, text) is
'One page of a table or view, such as public.tasks, starting at row_offset or behind the cursor `after`: newest first or, with '
'order_by, by this column, the latest first and rows without a value last. Filters are by column, see private.write_comparison. '
'For the REST adapter.';

grant execute on function private.find_relation(text) to service_role;
grant execute on function private.write_cursor(bigint, timestamptz, uuid, text) to service_role;
grant execute on function private.read_cursor(text, text) to service_role;
grant execute on function private.write_comparison(text, jsonb) to service_role;
grant execute on function private.write_condition(jsonb) to service_role;
grant execute on function public.list_page(text, jsonb, integer, bigint, text, text) to service_role;
