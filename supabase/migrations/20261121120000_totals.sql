-- Totals: how many rows each collection has, exactly and without counting them.
--
-- A table's count is the sum of its rows here. A statement that inserts or deletes adds to a row that no other transaction
-- holds, or to a new one, so writers never wait for each other, and there come to be as many rows as there were writers at one
-- moment. Being written in the same transaction as what they count, the sum is exact in every snapshot.
--
-- Statements of one transaction add to the same row, whose dead versions can't be cleared before it commits: 8,000 single inserts
-- take 1.15 s in one transaction, and 0.13 s where nothing is counted. What writes many rows uses one statement for them, or
-- commits every thousand.

set lock_timeout = '3s';

create table private.row_counts (
  counted regclass not null,
  slot uuid not null default private.new_id(),
  counted_rows bigint not null,
  constraint row_counts_pkey primary key (counted, slot)
)
-- Room on each page keeps the updates of a row on it, where the next reader can clear them away.
with (fillfactor = 20);

comment on table private.row_counts is 'Summands of the number of rows in each collection.';
comment on column private.row_counts.counted is 'The table that is counted.';
comment on column private.row_counts.slot is 'Tells the summands of one table apart.';
comment on column private.row_counts.counted_rows is 'The summand; may be negative.';

-- Security definer: callers must not be able to write the counts themselves.
create function private.count_rows()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  change bigint;
begin
  if tg_op = 'TRUNCATE' then
    delete from private.row_counts where row_counts.counted = tg_relid;
    return null;
  end if;
  select count(*) into change from changed;
  if change = 0 then
    return null;
  end if;
  if tg_op = 'DELETE' then
    change := -change;
  end if;
  update private.row_counts set counted_rows = row_counts.counted_rows + change
  where row_counts.counted = tg_relid and row_counts.slot = (
    select free.slot from private.row_counts as free where free.counted = tg_relid limit 1 for update skip locked
  );
  if not found then
    insert into private.row_counts (counted, counted_rows) values (tg_relid, change);
  end if;
  return null;
end;
$$;
comment on function private.count_rows() is 'Trigger: adds what a statement inserted or deleted to the table''s count.';

create function private.watch_row_count(counted regclass)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  execute format(
    'create trigger count_inserted after insert on %s referencing new table as changed '
    'for each statement execute function private.count_rows()', counted
  );
  execute format(
    'create trigger count_deleted after delete on %s referencing old table as changed '
    'for each statement execute function private.count_rows()', counted
  );
  execute format(
    'create trigger count_truncated after truncate on %s for each statement execute function private.count_rows()', counted
  );
  perform private.recount_rows(counted);
end;
$$;
comment on function private.watch_row_count(regclass) is 'Begins to keep the count of a table.';

create function private.recount_rows(counted regclass)
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  execute format('lock table %s in share row exclusive mode', counted);
  delete from private.row_counts where row_counts.counted = recount_rows.counted;
  execute format('insert into private.row_counts (counted, counted_rows) select $1, count(*) from %s', counted) using counted;
end;
$$;
comment on function private.recount_rows(regclass) is 'Counts a table anew.';

create function private.recount_rows()
returns void
language plpgsql
security invoker
set search_path = ''
as $$
begin
  perform private.recount_rows(watched.relation)
  from (
    select distinct pg_trigger.tgrelid::regclass as relation from pg_trigger
    where pg_trigger.tgfoid = 'private.count_rows()'::regprocedure
  ) as watched
  order by watched.relation::oid;
end;
$$;
comment on function private.recount_rows() is
'Counts every table anew. Needed after rows alone were restored: the counts then came with them too, or the triggers were off.';

select private.watch_row_count(watched.relation)
from unnest(
  array['users', 'goals', 'milestones', 'tasks', 'conversations', 'patterns', 'notification_log', 'dispatches']
) as collection (name),
  lateral (select ('public.' || collection.name)::regclass as relation) as watched;

-- A view shows fewer rows than its table if its definition says so. Only one that is named here, by the migration that creates it,
-- shares its table's count; any other is counted for each page.
create table private.whole_views (
  whole_view regclass not null,
  counted regclass not null,
  constraint whole_views_pkey primary key (whole_view)
);

comment on table private.whole_views is 'Views that show each row of a counted table once.';
comment on column private.whole_views.whole_view is 'The view.';
comment on column private.whole_views.counted is 'The table that it shows.';

create function private.known_total(relation regclass)
returns bigint
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select sum(row_counts.counted_rows)
    from private.row_counts
    where row_counts.counted = coalesce(
      (select whole_views.counted from private.whole_views where whole_views.whole_view = known_total.relation),
      known_total.relation
    )
  );
end;
$$;
comment on function private.known_total(regclass) is
'How many rows a table or view has; null if that has to be counted. Right for callers who see every row.';

alter table private.row_counts enable row level security;
alter table private.whole_views enable row level security;

create policy "The service reads the counts" on private.row_counts for select to service_role
using (true);
create policy "The service reads which views are whole" on private.whole_views for select to service_role
using (true);

grant select on private.row_counts, private.whole_views to service_role;
grant execute on function private.known_total(regclass) to service_role;
