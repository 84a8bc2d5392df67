-- private.row_counts: how many rows each collection has, exact after every statement.

begin;
select plan(22);

-- Whether the kept count of every collection is what count(*) says.
create function pg_temp.wrong_counts()
returns setof text
language plpgsql
as $$
declare
  relation regclass;
  kept bigint;
  counted bigint;
begin
  for relation in select tgrelid::regclass from pg_trigger where tgname = 'count_inserted' loop
    select coalesce(sum(counted_rows), 0) into kept from private.row_counts
    where row_counts.counted = relation;
    execute format('select count(*) from %s', relation) into counted;
    if kept <> counted then
      return next format('%s: %s instead of %s', relation, kept, counted);
    end if;
  end loop;
end;
$$;

select is_empty('select pg_temp.wrong_counts()', 'the counts are right to begin with');
select set_eq(
  $$
    select relname::text
    from pg_trigger inner join pg_class on tgrelid = pg_class.oid
    where tgname = 'count_inserted'
  $$,
  array['users', 'goals', 'milestones', 'tasks', 'conversations', 'patterns', 'notification_log', 'dispatches'],
  'every collection with a paged list is counted'
);

insert into public.users (id, email)
select
  ('a0000000-0000-4000-8000-' || lpad(nth.number::text, 12, '0'))::uuid as id,
  nth.number || '@row-counts.example.com' as email
from generate_series(1, 3) as nth (number);
insert into public.goals (id, user_id, title)
select
  ('a1000000-0000-4000-8000-' || lpad(nth.number::text, 12, '0'))::uuid as id,
  'a0000000-0000-4000-8000-000000000001'::uuid as user_id,
  'x' as title
from generate_series(1, 10) as nth (number);
insert into public.milestones (goal_id, week_number, title)
select
  id as goal_id,
  1 as week_number,
  'x' as title
from public.goals
where user_id = 'a0000000-0000-4000-8000-000000000001';
insert into public.tasks (user_id, goal_id, title)
select
  user_id,
  id as goal_id,
  'x' as title
from public.goals
where user_id = 'a0000000-0000-4000-8000-000000000001';
insert into public.notification_log (task_id, channel)
select
  id as task_id,
  'push' as channel
from public.tasks
where user_id = 'a0000000-0000-4000-8000-000000000001';
insert into public.conversations (user_id, langgraph_thread_id, context_type)
values ('a0000000-0000-4000-8000-000000000001', 'row_counts.sql', 'goal');
insert into public.patterns (user_id) values ('a0000000-0000-4000-8000-000000000001');

select is_empty('select pg_temp.wrong_counts()', 'inserts add');

insert into v1_0.tasks (user_id, goal_id, title)
values ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 'x');

select is_empty('select pg_temp.wrong_counts()', 'also those through contract 1.0');

insert into public.users (id, email) values ('a0000000-0000-4000-8000-000000000001', 'x@example.com')
on conflict (id) do nothing;

select is_empty('select pg_temp.wrong_counts()', 'an insert that did nothing doesn''t');

insert into public.users (id, email) values
('a0000000-0000-4000-8000-000000000001', 'upserted@row-counts.example.com'),
('a0000000-0000-4000-8000-000000000004', 'inserted@row-counts.example.com')
on conflict (id) do update set email = excluded.email;

select is_empty('select pg_temp.wrong_counts()', 'of an upsert only the new rows count');

update public.tasks set title = 'y' where user_id = 'a0000000-0000-4000-8000-000000000001';

select is_empty('select pg_temp.wrong_counts()', 'updates change nothing');

select throws_ok(
  $$
    insert into public.users (email) values ('fresh@row-counts.example.com'), ('2@row-counts.example.com')
  $$,
  '23505', null, 'an insert that fails half-way'
);
select is_empty('select pg_temp.wrong_counts()', 'doesn''t count');

delete from public.goals where id = 'a1000000-0000-4000-8000-000000000001';

select is_empty('select pg_temp.wrong_counts()', 'deletes subtract, also what goes with the goal');

delete from public.goals where id = 'a1000000-0000-4000-8000-00000000dead';

select is_empty('select pg_temp.wrong_counts()', 'a delete of nothing doesn''t');

delete from public.users where id = 'a0000000-0000-4000-8000-000000000001';

select is_empty('select pg_temp.wrong_counts()', 'a user goes with everything, out of every count');

select tests.authenticate_as('a0000000-0000-4000-8000-000000000002');

insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-000000000002', 'x');

reset role;

select is_empty('select pg_temp.wrong_counts()', 'a user counts as well as an agent, though they can''t write counts');

set local role service_role;

insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-000000000002', 'x');

reset role;

select is_empty('select pg_temp.wrong_counts()', 'and so does the service');

truncate public.goals cascade;

select is_empty('select pg_temp.wrong_counts()', 'truncating empties the counts');

insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-000000000002', 'x');

select is_empty('select pg_temp.wrong_counts()', 'and counting goes on from there');

-- After triggers were disabled.

alter table public.goals disable trigger count_inserted;
insert into public.goals (user_id, title) values ('a0000000-0000-4000-8000-000000000002', 'unseen');
alter table public.goals enable trigger count_inserted;

select isnt_empty('select pg_temp.wrong_counts()', 'rows that were written past the triggers are missed');

select private.recount_rows('public.goals');

select is_empty('select pg_temp.wrong_counts()', 'until the table is counted anew');

-- Lists under a condition, and lists that nothing counts.

select is(
  public.list_page('public.goals', '{"title": "unseen"}') ->> 'total', '1', 'under a condition the rows themselves count'
);
select is(
  public.list_page('v1_0.goals') ->> 'total', (select count(*)::text from public.goals),
  'a view of contract 1.0 has the count of its table'
);

insert into public.conversations (id, user_id, langgraph_thread_id, context_type) values (
  'a4000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', 'row_counts.sql', 'goal'
);
insert into public.messages (conversation_id, role, content)
values ('a4000000-0000-4000-8000-000000000001', 'user', 'x');

select is(
  public.list_page('public.messages') ->> 'total', (select count(*)::text from public.messages),
  'a table whose count is not kept is counted'
);
select is(
  public.list_page('public.goals_full') ->> 'total', (select count(*)::text from public.goals), 'as is a view'
);

select * from finish();
rollback;
