-- A null where a caller says what it expects counts as the default: it does not turn the check off.

begin;
select plan(3);

select tests.create_user('ada');
insert into public.goals (id, user_id, title, status)
values ('a2000000-0000-4000-8000-0000000000e1', 'a0000000-0000-4000-8000-000000000001', 'Goal', 'pipeline');
insert into public.tasks (id, user_id, title, status)
values ('a3000000-0000-4000-8000-0000000000e1', 'a0000000-0000-4000-8000-000000000001', 'Task', 'missed');
insert into public.conversations (id, user_id, langgraph_thread_id)
values ('a4000000-0000-4000-8000-0000000000e1', 'a0000000-0000-4000-8000-000000000001', 'null_expectations.sql');

select throws_ok(
  $$select public.advance_goal('a2000000-0000-4000-8000-0000000000e1', null)$$, 'PT409', null, 'of a goal that is to advance'
);
select throws_ok(
  $$select public.finish_task('a3000000-0000-4000-8000-0000000000e1', 'done', null)$$, 'PT409', null, 'of a task that is to finish'
);
select throws_ok(
  $$select public.append_messages('a4000000-0000-4000-8000-0000000000e1', null)$$, 'PT422', null, 'of messages to append'
);

select * from finish();
rollback;
