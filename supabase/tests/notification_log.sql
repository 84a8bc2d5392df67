-- public.notification_log: defaults and what is refused.

begin;
select plan(15);

select tests.create_user('ada');
insert into public.tasks (id, user_id, title)
values ('a3000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'x');
insert into public.notification_log (id, task_id, channel)
values ('a6000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001', 'push');

select is(
  (
    select to_jsonb(notification_log) - 'created_at' - 'updated_at' - 'sent_at'
    from public.notification_log where id = 'a6000000-0000-4000-8000-000000000001'
  ),
  '{
    "id": "a6000000-0000-4000-8000-000000000001", "task_id": "a3000000-0000-4000-8000-000000000001",
    "channel": "push", "response": null, "responded_at": null, "external_id": null, "response_id": null
  }',
  'a task and a channel are enough'
);

select
  lives_ok(
    format(
      'update public.notification_log set %I = %L where id = %L',
      good.field, good.value, 'a6000000-0000-4000-8000-000000000001'
    ),
    format('%s may be %s', good.field, good.value)
  )
from (
  values
  ('channel', 'whatsapp'), ('channel', 'call'), ('sent_at', '2030-01-01T12:00:00+01:00'),
  ('responded_at', '2020-01-01Z'), ('response', '')
) as good (field, value);

select
  throws_ok(
    format(
      'update public.notification_log set %I = %L where id = %L',
      bad.field, bad.value, 'a6000000-0000-4000-8000-000000000001'
    ),
    bad.code, null, format('%s may not be %s', bad.field, coalesce(bad.value, 'null'))
  )
from (
  values
  ('task_id', null, '23502'),
  ('task_id', 'a3000000-0000-4000-8000-00000000dead', '23503'),
  ('channel', null, '23502'),
  ('channel', 'email', '23514'),
  ('channel', 'PUSH', '23514'),
  ('sent_at', 'infinity', '23514'),
  ('responded_at', 'infinity', '23514')
) as bad (field, value, code);

select ok(
  (select updated_at > created_at from public.notification_log where id = 'a6000000-0000-4000-8000-000000000001'),
  'a change sets updated_at'
);

delete from public.tasks where id = 'a3000000-0000-4000-8000-000000000001';

select is_empty(
  $$select from public.notification_log where id = 'a6000000-0000-4000-8000-000000000001'$$, 'it goes with its task'
);

select * from finish();
rollback;
