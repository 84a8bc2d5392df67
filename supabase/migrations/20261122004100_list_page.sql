-- Lists from prepared statements. To plan a page of tasks takes a tenth of the time of 100 rows, and a third of that of 10. So each
-- session prepares the statement of a list when it first needs it, and later calls execute it with other values. One statement
-- serves one shape: a relation, the columns and operators of its filters, the order, the limit, and where the page begins.
--
-- list_page stays stable, so that it can be called by GET and on a standby. Only a volatile function may prepare and execute, and a
-- stable one may call it. A page is one statement, so its rows, total and cursor are those of one moment.

set lock_timeout = '3s';

create or replace function private.find_relation(resource text)
returns regclass
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if resource is null then
    perform private.require_arguments(jsonb_build_object('resource', resource));
  elsif resource !~ '^(public|v[0-9]+_[0-9]+)[.]' then
    raise undefined_table using message = 'The resource is of no contract.';
  end if;
  return resource::regclass;
end;
$$;

drop function private.write_condition(jsonb);
drop function private.write_comparison(text, jsonb);

create function private.write_condition(filters jsonb, places integer, out condition text, out given text)
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  -- Each step is an expression alone, which takes a fraction of the time of a query over jsonb_each.
  columns constant jsonb := jsonb_path_query_array(filters, '$.keyvalue()');
  operators jsonb;
  compared jsonb;
  form text;
begin
  for nth in 0 .. jsonb_array_length(columns) - 1 loop
    compared := columns -> nth -> 'value';
    operators := case jsonb_typeof(compared)
      when 'object' then jsonb_path_query_array(compared, '$.keyvalue()')
      else jsonb_build_array(jsonb_build_object('value', compared))
    end;
    for nth_operator in 0 .. jsonb_array_length(operators) - 1 loop
      compared := operators -> nth_operator -> 'value';
      form := case coalesce(operators -> nth_operator ->> 'key', jsonb_typeof(compared))
        when 'from' then '%1$I >= $%2$s'
        when 'before' then '%1$I < $%2$s'
        when 'ignoring_case' then 'lower(%1$I) = lower($%2$s)'
        when 'array' then '%1$I = any ($%2$s)'
        when 'or_none' then
          case
            when compared = '["none"]' then '%1$I is null'
            when compared ? 'none' then '(%1$I = any ($%2$s) or %1$I is null)'
            else '%1$I = any ($%2$s)'
          end
        else case when operators -> nth_operator ? 'key' then 'false' else '%1$I = $%2$s' end
      end;
      if form like '%$%2$s%' then
        places := places + 1;
        given := concat_ws(
          ', ', given,
          case jsonb_typeof(compared)
            when 'array' then quote_literal(array(select jsonb_array_elements_text(compared)))
            else quote_nullable(compared #>> '{}')
          end
        );
      end if;
      condition := concat_ws(' and ', condition, format(form, columns -> nth ->> 'key', places));
    end loop;
  end loop;
  condition := coalesce(condition, 'true');
end;
$$;
comment on function private.write_condition(jsonb, integer) is
'The filters of a list, by column, as a condition in SQL, and what to give for its parameters, which follow the first `places`. A '
'value stands for equality, an array for equality with one of its values; an object has the operators from, before, ignoring_case '
'and or_none: one of several values, or no value for the word none.';

-- Rows without an index for their filter are counted by several workers, which a statement with any other function would not have.
alter function private.write_cursor(bigint, timestamptz, uuid, text) parallel safe;
alter function private.known_total(regclass) parallel safe;

-- The statement computes the cursor, the total and whether another page follows only if the answer needs them.
create function private.prepare_page(
  statement_name text, relation regclass, condition text, order_by text, row_limit integer, window_from text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  most constant integer := 100;
  -- As the indexes by a column have it, such as conversations_by_last_message.
  order_key constant text := case
    when order_by is null then 'created_at' else format('coalesce(%I, ''0001-01-01 00:00:00+00''::timestamptz)', order_by)
  end;
  outdated text;
begin
  if (select count(*) from pg_catalog.pg_prepared_statements as prepared where prepared.name like 'page %') >= most then
    for outdated in select prepared.name from pg_catalog.pg_prepared_statements as prepared where prepared.name like 'page %' loop
      execute format('deallocate %I', outdated);
    end loop;
  end if;
  execute format(
    $statement$
      prepare %1$I (bigint, text, timestamptz, uuid) as
      select
        case
          when page.has_next then
            json_build_object(%2$s, 'next_cursor', private.write_cursor($1 + %3$s, page.last_key, page.ids[%3$s], $2))
          else json_build_object(%2$s)
        end::public."application/vnd.flux.page+json"
      from (
        select
          coalesce(json_agg(newest.listed), '[]') as items,
          count(*) as fetched,
          min(newest.key) as last_key,
          array_agg(newest.id) as ids,
          count(*) = %3$s and exists (
            select from %4$s where %5$s and (%6$s, id) < (min(newest.key), (array_agg(newest.id))[%3$s])
          ) as has_next
        from (
          select listed, %6$s as key, id from %4$s as listed where %5$s%7$s order by %6$s desc, id desc limit %3$s%8$s
        ) as newest
      ) as page
    $statement$,
    statement_name,
    format(
      $fields$
        'items', page.items,
        'total', %s,
        'page', $1 / %2$s + 1,
        'page_size', %2$s,
        'has_next', page.has_next,
        'has_prev', $1 > 0
      $fields$,
      format(
        case
          when window_from = 'cursor' then '%1$s'
          -- The last page tells how many rows there are.
          else 'case when not page.has_next and (page.fetched > 0 or $1 = 0) then $1 + page.fetched else %1$s end'
        end,
        format(
          case when condition = 'true' then 'coalesce(private.known_total(%1$L), (%2$s))' else '(%2$s)' end,
          relation, format('select count(*) from %s where %s', relation, condition)
        )
      ),
      row_limit
    ),
    row_limit, relation, condition, order_key,
    case when window_from = 'cursor' then format(' and (%s, id) < ($3, $4)', order_key) else '' end,
    case when window_from = 'offset' then ' offset $1' else '' end
  );
end;
$$;
comment on function private.prepare_page(text, regclass, text, text, integer, text) is
'Prepares the statement for pages of this limit that begin at the start of a list, at an offset or behind a cursor. Parameters: '
'how many rows come before, the digest of the list, where the page before ended, and those of the condition. A session keeps a '
'hundred such statements at most.';

create function private.read_page(
  relation regclass, condition text, order_by text, row_limit integer, window_from text, plan_cache_mode text, given text
)
returns public."application/vnd.flux.page+json"
language plpgsql
volatile
security invoker
set search_path = ''
set plan_cache_mode = 'auto'
as $$
declare
  statement_name constant text := 'page ' || md5(concat_ws(E'\n', relation, condition, order_by, row_limit, window_from));
  page public."application/vnd.flux.page+json";
begin
  -- An assignment takes less time than perform, which runs a query.
  plan_cache_mode := set_config('plan_cache_mode', plan_cache_mode, true);
  begin
    execute format('execute %I(%s)', statement_name, given) into page;
  exception
    when invalid_sql_statement_name then
      perform private.prepare_page(statement_name, relation, condition, order_by, row_limit, window_from);
      execute format('execute %I(%s)', statement_name, given) into page;
  end;
  return page;
end;
$$;
comment on function private.read_page(regclass, text, text, integer, text, text, text) is
'A page by the prepared statement of its list, with the parameters that are given; see private.prepare_page.';

create or replace function public.list_page(
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
  rows_before bigint := coalesce(row_offset, 0);
  after_key timestamptz;
  after_id uuid;
  filtered record;
begin
  if after is not null then
    select * into rows_before, after_key, after_id from private.read_cursor(after, digest);
  end if;
  filtered := private.write_condition(wanted, 4);
  return private.read_page(
    relation, filtered.condition, order_by, coalesce(row_limit, 100),
    case when after is not null then 'cursor' when rows_before > 0 then 'offset' else 'start' end,
    -- One plan is right for all values if the list begins where an index does, and is of one user or of all.
    case
      when (after is not null or rows_before = 0) and (wanted = '{}' or jsonb_typeof(wanted -> 'user_id') = 'string')
        then 'force_generic_plan'
      else 'auto'
    end,
    concat_ws(
      ', ',
      rows_before,
      quote_literal(digest),
      -- As JSON has it, whatever the session's date style.
      quote_nullable(to_json(after_key) #>> '{}'),
      quote_nullable(after_id),
      filtered.given
    )
  );
end;
$$;
comment on function public.list_page(text, jsonb, integer, bigint, text, text) is
'One page of a table or view, such as public.tasks, starting at row_offset or behind the cursor `after`: newest first or, with '
'order_by, by this column, the latest first and rows without a value last. Filters are by column, see private.write_condition. '
'For the REST adapter.';

grant execute on function private.write_condition(jsonb, integer) to service_role;
grant execute on function private.prepare_page(text, regclass, text, text, integer, text) to service_role;
grant execute on function private.read_page(regclass, text, text, integer, text, text, text) to service_role;
