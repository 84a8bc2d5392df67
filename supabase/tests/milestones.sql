-- public.milestones: defaults, what is refused, and how a milestone moves and goes.

begin;
select plan(25);

select tests.create_user('ada');
select tests.create_user('grace');
insert into public.goals (id, user_id, title) values
('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'Ada''s first'),
('a1000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001', 'Ada''s second'),
('a1000000-0000-4000-8000-000000000003', 'a0000000-0000-4000-8000-000000000002', 'Grace''s');
insert into public.milestones (id, goal_id, week_number, title)
values ('a2000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001', 1, 'Week 1');

select is(
  (
    select to_jsonb(milestones) - 'created_at' - 'updated_at'
    from public.milestones where id = 'a2000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a2000000-0000-4000-8000-000000000001", "goal_id": "a1000000-0000-4000-8000-000000000001", "week_number": 1,
    "title": "Week 1", "status": "pending"
  }',
  'goal, week and title are enough; status is pending'
);

select
  throws_ok(
    format(
      'insert into public.milestones (goal_id, week_number, title) values (%L, %L, %L)',
      bad.goal_id, bad.week_number, bad.title
    ),
    bad.code, null, bad.description
  )
from (
  values
  (null, '1', 'x', '23502', 'a goal is required'),
  ('a1000000-0000-4000-8000-000000000001', null, 'x', '23502', 'a week is required'),
  ('a1000000-0000-4000-8000-000000000001', '1', null, '23502', 'a title is required'),
  ('a1000000-0000-4000-8000-00000000dead', '1', 'x', '23503', 'the goal must exist'),
  ('a1000000-0000-4000-8000-000000000001', '0', 'x', '23514', 'weeks are counted from 1'),
  ('a1000000-0000-4000-8000-000000000001', '1', '', '23514', 'a title is not empty'),
  ('a1000000-0000-4000-8000-000000000001', '1', repeat('a', 501), '23514', 'a title has no 501 characters')
) as bad (goal_id, week_number, title, code, description);

select lives_ok(
  $$
    insert into public.milestones (goal_id, week_number, title)
    values ('a1000000-0000-4000-8000-000000000001', 1, repeat('a', 500))
  $$,
  'a title has up to 500 characters, and a week may have two milestones'
);
select throws_ok(
  $$update public.milestones set status = null where id = 'a2000000-0000-4000-8000-000000000001'$$,
  '23502', null, 'status is not null'
);

update public.milestones set status = 'well under way' where id = 'a2000000-0000-4000-8000-000000000001';

select is(
  (select status from public.milestones where id = 'a2000000-0000-4000-8000-000000000001'), 'well under way',
  'status is free text'
);
select ok(
  (select updated_at > created_at from public.milestones where id = 'a2000000-0000-4000-8000-000000000001'),
  'a change sets updated_at'
);

-- Moving one to another goal takes its tasks along.

insert into public.tasks (id, user_id, goal_id, milestone_id, title) values
(
  'a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'In it'
),
(
  'a3000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000001',
  'a1000000-0000-4000-8000-000000000001', null, 'Beside it'
);
update public.milestones set goal_id = 'a1000000-0000-4000-8000-000000000002'
where id = 'a2000000-0000-4000-8000-000000000001';

select is(
  (select array[goal_id, milestone_id] from public.tasks where id = 'a3000000-0000-4000-8000-000000000001'),
  array['a1000000-0000-4000-8000-000000000002', 'a2000000-0000-4000-8000-000000000001']::uuid[],
  'its tasks move along with it'
);
select is(
  (select goal_id from public.tasks where id = 'a3000000-0000-4000-8000-000000000002'),
  'a1000000-0000-4000-8000-000000000001', 'the goal''s other tasks stay'
);
select throws_ok(
  $$
    update public.milestones set goal_id = 'a1000000-0000-4000-8000-000000000003'
    where id = 'a2000000-0000-4000-8000-000000000001'
  $$,
  'PT422', 'goal_id names no goal of this user.', 'one with tasks can''t move to a goal of another user'
);

insert into public.milestones (id, goal_id, week_number, title)
values ('a2000000-0000-4000-8000-000000000003', 'a1000000-0000-4000-8000-000000000001', 1, 'Without tasks');

select
  throws_ok(
    format(
      'update %s.milestones set goal_id = %L where id = %L', schema, 'a1000000-0000-4000-8000-000000000003',
      'a2000000-0000-4000-8000-000000000003'
    ),
    'PT422', 'goal_id names no goal of this user.', format('nor can one without, through %s', schema)
  )
from unnest(array['public', 'v1_0']) as schema;
select throws_ok(
  $$
    update public.milestones set goal_id = 'a1000000-0000-4000-8000-00000000dead'
    where id = 'a2000000-0000-4000-8000-000000000003'
  $$,
  '23503', null, 'or to a goal that does not exist'
);
select lives_ok(
  $$
    update public.milestones set goal_id = 'a1000000-0000-4000-8000-000000000002'
    where id = 'a2000000-0000-4000-8000-000000000003'
  $$,
  'only to another of the same user'
);

-- Deleting one.

delete from public.milestones where id = 'a2000000-0000-4000-8000-000000000001';

select is(
  (select array[goal_id, milestone_id] from public.tasks where id = 'a3000000-0000-4000-8000-000000000001'),
  array['a1000000-0000-4000-8000-000000000002', null]::uuid[],
  'its tasks stay in the goal'
);
select is(
  (select count(*) from public.goals where id = 'a1000000-0000-4000-8000-000000000002'), 1::bigint, 'the goal stays'
);

-- Contract 1.0 writes the same rows through a view.

insert into v1_0.milestones (id, goal_id, week_number, title)
values ('a2000000-0000-4000-8000-000000000002', 'a1000000-0000-4000-8000-000000000001', 2, 'Week 2');

select is(
  (select to_jsonb(milestones) from v1_0.milestones where id = 'a2000000-0000-4000-8000-000000000002'),
  (select to_jsonb(milestones) from public.milestones where id = 'a2000000-0000-4000-8000-000000000002'),
  'both contracts show the same fields'
);
select is(
  (select status from public.milestones where id = 'a2000000-0000-4000-8000-000000000002'), 'pending',
  'contract 1.0 has the same default'
);

update v1_0.milestones set status = 'completed' where id = 'a2000000-0000-4000-8000-000000000002';

select is(
  (select status from public.milestones where id = 'a2000000-0000-4000-8000-000000000002'), 'completed',
  'a change through contract 1.0 is a change of the row'
);

delete from v1_0.milestones where id = 'a2000000-0000-4000-8000-000000000002';

select is_empty(
  $$select from public.milestones where id = 'a2000000-0000-4000-8000-000000000002'$$,
  'contract 1.0 deletes the row'
);

select * from finish();
rollback;
