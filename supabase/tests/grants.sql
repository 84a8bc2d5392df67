-- Who may do what, as data: what is granted is written here a second time, so that no migration grants more unnoticed.

begin;
select plan(33);

create temporary view ours as
select oid, nspname from pg_namespace
where nspname in ('public', 'v1_0', 'private');

create temporary view relation_grants as
select
  ours.nspname || '.' || pg_class.relname as relation,
  coalesce(pg_roles.rolname, 'public') as role,
  string_agg(lower(privilege.privilege_type), ' ' order by privilege.privilege_type) as privileges
from pg_class
inner join ours on pg_class.relnamespace = ours.oid
cross join lateral aclexplode(pg_class.relacl) as privilege
left join pg_roles on privilege.grantee = pg_roles.oid
where privilege.grantee <> pg_class.relowner
group by ours.nspname, pg_class.relname, pg_roles.rolname;

create temporary view column_grants as
select
  ours.nspname || '.' || pg_class.relname as relation,
  coalesce(pg_roles.rolname, 'public') as role,
  lower(privilege.privilege_type) as privilege,
  string_agg(pg_attribute.attname, ' ' order by pg_attribute.attnum) as columns
from pg_class
inner join ours on pg_class.relnamespace = ours.oid
inner join pg_attribute on pg_class.oid = pg_attribute.attrelid
cross join lateral aclexplode(pg_attribute.attacl) as privilege
left join pg_roles on privilege.grantee = pg_roles.oid
where privilege.grantee <> pg_class.relowner
group by ours.nspname, pg_class.relname, pg_roles.rolname, privilege.privilege_type;

create temporary view function_grants as
select
  ours.nspname || '.' || pg_proc.proname as function,
  string_agg(coalesce(pg_roles.rolname, 'public'), ' ' order by pg_roles.rolname) as roles
from pg_proc
inner join ours on pg_proc.pronamespace = ours.oid
cross join lateral aclexplode(coalesce(pg_proc.proacl, acldefault('f', pg_proc.proowner))) as privilege
left join pg_roles on privilege.grantee = pg_roles.oid
where
  privilege.grantee <> pg_proc.proowner
  and not exists (select from pg_depend where pg_depend.objid = pg_proc.oid and pg_depend.deptype = 'e')
group by pg_proc.oid, ours.nspname, pg_proc.proname;

-- Relations

create temporary table expected_relations (relation text, privileges text);
insert into expected_relations
values
('public.conversations', 'delete select'),
('public.demo_flags', 'delete select'),
('public.dispatches', 'select'),
('public.goals', 'delete select'),
('public.goals_full', 'select'),
('public.messages', 'delete select'),
('public.milestones', 'delete select'),
('public.notification_log', 'select'),
('public.patterns', 'delete select'),
('public.tasks', 'delete select'),
('public.users', 'delete select'),
('v1_0.conversations', 'delete select'),
('v1_0.demo_flags', 'delete select'),
('v1_0.goals', 'delete select'),
('v1_0.goals_full', 'select'),
('v1_0.milestones', 'delete select'),
('v1_0.tasks', 'delete select'),
('v1_0.users', 'delete select');

select set_eq(
  'select * from relation_grants',
  $$
    select
      relation,
      role,
      case when (relation, role) = ('public.notification_log', 'service_role') then 'delete ' else '' end || privileges
    from expected_relations cross join (values ('authenticated'), ('service_role')) as granted (role)
    union all
    values ('private.row_counts', 'service_role', 'select'), ('private.whole_views', 'service_role', 'select')
  $$,
  'users and the service read and delete; nobody else has a right on any table or view'
);

create temporary table expected_columns (relation text, privilege text, columns text);
insert into expected_columns
values
(
  'public.conversations', 'insert',
  'id user_id langgraph_thread_id context_type goal_id messages status last_message_at voice_session_id title'
),
(
  'public.conversations', 'update',
  'context_type goal_id messages status last_message_at voice_session_id extracted_intent '
  || 'intent_payload linked_goal_id linked_task_id ended_at duration_seconds title'
),
('public.demo_flags', 'insert', 'user_id virtual_now escalation_speed'),
('public.demo_flags', 'update', 'virtual_now escalation_speed'),
(
  'public.goals', 'insert',
  'id user_id title description class_tags status parent_goal_id pipeline_order activated_at '
  || 'completed_at target_weeks plan_json category timeline'
),
(
  'public.goals', 'update',
  'title description class_tags status parent_goal_id pipeline_order activated_at completed_at '
  || 'target_weeks plan_json category timeline'
),
('public.messages', 'insert', 'id conversation_id role content input_modality metadata agent_node provider tokens_used'),
('public.milestones', 'insert', 'id goal_id week_number title status'),
('public.milestones', 'update', 'goal_id week_number title status'),
('public.patterns', 'insert', 'id user_id pattern_type description data confidence pattern_key'),
('public.patterns', 'update', 'pattern_type description data confidence pattern_key'),
(
  'public.tasks', 'insert',
  'id user_id goal_id milestone_id title description status priority scheduled_at scheduled_end_at '
  || 'duration_minutes trigger_type location_trigger is_recurring recurrence_rule calendar_event_id '
  || 'shared_with_goal_ids reminder_sent_at whatsapp_sent_at call_sent_at completed_at escalation_policy class_tags '
  || 'conversation_id canonical_scheduled_at series_id occurrence_at'
),
(
  'public.tasks', 'update',
  'goal_id milestone_id title description status priority scheduled_at scheduled_end_at '
  || 'duration_minutes trigger_type location_trigger is_recurring recurrence_rule calendar_event_id '
  || 'shared_with_goal_ids reminder_sent_at whatsapp_sent_at call_sent_at completed_at escalation_policy class_tags '
  || 'conversation_id canonical_scheduled_at series_id occurrence_at'
),
(
  'public.users', 'update',
  'name onboarded profile notification_preferences preferences demo_mode timezone push_subscription'
),
('v1_0.conversations', 'insert', 'id user_id goal_id messages status'),
('v1_0.conversations', 'update', 'goal_id messages status'),
('v1_0.demo_flags', 'insert', 'user_id virtual_now escalation_speed'),
('v1_0.demo_flags', 'update', 'virtual_now escalation_speed'),
('v1_0.goals', 'insert', 'id user_id title category timeline status'),
('v1_0.goals', 'update', 'title category timeline status'),
('v1_0.milestones', 'insert', 'id goal_id week_number title status'),
('v1_0.milestones', 'update', 'goal_id week_number title status'),
(
  'v1_0.tasks', 'insert',
  'id user_id goal_id milestone_id title state priority start_time end_time trigger_type is_recurring '
  || 'calendar_event_id'
),
(
  'v1_0.tasks', 'update',
  'goal_id milestone_id title state priority start_time end_time trigger_type is_recurring '
  || 'calendar_event_id'
),
('v1_0.users', 'update', 'name preferences demo_mode');

select set_eq(
  $$
    select relation, role, privilege, columns from column_grants
    where role <> 'service_role' or relation !~ 'users|notification_log|dispatches'
  $$,
  $$
    select relation, role, privilege, columns
    from expected_columns cross join (values ('authenticated'), ('service_role')) as granted (role)
    where role <> 'service_role' or relation !~ 'users|notification_log|dispatches'
  $$,
  'users and the service write these columns; nobody else writes any'
);
select set_eq(
  $$
    select relation, privilege, columns from column_grants
    where role = 'service_role' and relation ~ 'users|notification_log|dispatches'
  $$,
  $$
    values
    ('public.dispatches', 'insert', 'user_id task_id channel dedupe_key task_scheduled_at due_at expires_at'),
    (
      'public.dispatches', 'update',
      'due_at lease_until attempt claimed_by started_at finished_at outcome error'
    ),
    (
      'public.notification_log', 'insert',
      'id task_id channel sent_at response responded_at external_id response_id'
    ),
    ('public.notification_log', 'update', 'channel sent_at response responded_at external_id response_id'),
    (
      'public.users', 'insert',
      'id email name onboarded profile notification_preferences preferences demo_mode timezone push_subscription '
      'phone_verified whatsapp_opt_in_at monthly_token_usage'
    ),
    (
      'public.users', 'update',
      'email name onboarded profile notification_preferences preferences demo_mode timezone push_subscription '
      'phone_verified whatsapp_opt_in_at monthly_token_usage'
    ),
    ('v1_0.users', 'insert', 'id name email preferences demo_mode'),
    ('v1_0.users', 'update', 'name email preferences demo_mode')
  $$,
  'only the service creates users, changes an address, and writes what services alone know'
);

-- Functions

create temporary table expected_functions (function text, roles text);
insert into expected_functions
values
('private.begin_next_occurrence', 'authenticated service_role'),
('private.archived_dispatches', 'service_role'),
('private.archived_notification_log', 'service_role'),
('private.archived_tasks', 'service_role'),
('private.changed_fields', 'authenticated service_role'),
('private.choose_zone', 'authenticated service_role'),
('private.claim_dispatches', 'service_role'),
('private.count_periods', 'authenticated service_role'),
('private.create_goal_with_structure', 'authenticated service_role'),
('private.ensure_user', 'authenticated'),
('private.find_account', 'service_role'),
('private.find_relation', 'service_role'),
('private.fits_json_limits', 'authenticated service_role'),
('private.find_bad_field', 'authenticated service_role'),
('private.insert_tasks_of_1_0', 'authenticated service_role'),
('private.insert_goal_with_structure', 'authenticated service_role'),
('private.insert_rows', 'authenticated service_role'),
('private.is_time_zone', 'authenticated service_role'),
('private.known_total', 'service_role'),
('private.link_sign_in', 'service_role'),
('private.list_messages', 'authenticated service_role'),
('private.lock_dispatch', 'service_role'),
('private.lock_task', 'authenticated service_role'),
('private.find_owner', 'service_role'),
('private.is_repeatable', 'service_role'),
('private.keep_answer', 'service_role'),
('private.perform', 'service_role'),
('private.prepare_page', 'service_role'),
('private.take_key', 'service_role'),
('private.require_version', 'service_role'),
('private.minutes_between', 'authenticated service_role'),
('private.new_id', 'authenticated service_role'),
('private.rate_of_completion', 'authenticated service_role'),
('private.read_cursor', 'service_role'),
('private.read_defaults', 'authenticated service_role'),
('private.read_fields', 'authenticated service_role'),
('private.read_page', 'service_role'),
('private.refuse_estimates', 'authenticated service_role'),
('private.require_exact_count', 'authenticated service_role'),
('private.require_answerable_range', 'authenticated service_role'),
('private.require_arguments', 'authenticated service_role'),
('private.require_fields', 'authenticated service_role'),
('private.require_structure_fields', 'authenticated service_role'),
('private.require_ordered_range', 'authenticated service_role'),
('private.show_both_contracts', 'service_role'),
('private.signed_in_user', 'authenticated service_role'),
('private.starts_of_periods', 'authenticated service_role'),
('private.status_of_state', 'authenticated service_role'),
('private.stored_trigger_type', 'authenticated service_role'),
('private.tally_states', 'authenticated service_role'),
('private.write_condition', 'service_role'),
('private.write_cursor', 'service_role'),
('private.write_result', 'service_role'),
('private.write_tally', 'authenticated service_role'),
('public.advance_goal', 'authenticated service_role'),
('public.append_messages', 'authenticated service_role'),
('public.bulk_update_task_status', 'authenticated service_role'),
('public.call_each', 'service_role'),
('public.cancel_dispatches', 'service_role'),
('public.check_access', 'service_role'),
('public.claim_dispatches', 'service_role'),
('public.close_voice_session', 'authenticated service_role'),
('public.create_goal_with_structure', 'authenticated service_role'),
('public.ensure_user', 'authenticated'),
('public.export_user', 'service_role'),
('public.extend_dispatch', 'service_role'),
('public.finish_dispatch', 'service_role'),
('public.finish_task', 'authenticated service_role'),
('public.get_daily_statistics', 'authenticated service_role'),
('public.get_dispatch_backlog', 'service_role'),
('public.get_goal_progress', 'authenticated service_role'),
('public.get_statistics_by_tag', 'authenticated service_role'),
('public.get_streak', 'authenticated service_role'),
('public.get_task_statistics', 'authenticated service_role'),
('public.get_tasks_by_timerange', 'authenticated service_role'),
('public.get_wal_position', 'service_role'),
('public.get_weekly_statistics', 'authenticated service_role'),
('public.insert_each', 'service_role'),
('public.link_sign_in', 'service_role'),
('public.list_messages', 'authenticated service_role'),
('public.list_page', 'service_role'),
('public.move_task', 'authenticated service_role'),
('public.parent', 'authenticated service_role'),
('public.parent_goal_id', 'authenticated service_role'),
('public.perform_once', 'service_role'),
('public.put_demo_flags', 'authenticated service_role'),
('public.put_pattern', 'authenticated service_role'),
('public.record_response', 'service_role'),
('public.schedule_dispatches', 'service_role'),
('public.select_each', 'service_role'),
('public.set_calendar_event', 'authenticated service_role'),
('public.start_dispatch', 'service_role'),
('public.update_each', 'service_role'),
('public.write_if_match', 'service_role'),
('public.write_result', 'service_role'),
('v1_0.bulk_update_task_state', 'authenticated service_role'),
('v1_0.create_goal_with_structure', 'authenticated service_role'),
('v1_0.get_task_statistics', 'authenticated service_role'),
('v1_0.get_tasks_by_timerange', 'authenticated service_role'),
('v1_0.put_demo_flags', 'authenticated service_role'),
('v1_0.set_calendar_event', 'authenticated service_role');

select set_eq(
  'select * from function_grants', 'select * from expected_functions',
  'users and the service call these functions; nobody else calls any'
);

-- Schemas

select set_eq(
  $$
    select ours.nspname || ' ' || lower(privilege.privilege_type) || ' ' || privilege.grantee::regrole
    from ours
    inner join pg_namespace using (oid)
    cross join lateral aclexplode(nspacl) as privilege
    where privilege.grantee in ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)
  $$,
  array[
    'public usage anon', 'public usage authenticated', 'public usage service_role',
    'v1_0 usage anon', 'v1_0 usage authenticated', 'v1_0 usage service_role',
    'private usage authenticated', 'private usage service_role'
  ],
  'the exposed schemas may be entered; private ones by those whose functions lead there'
);

-- The same by trying

create function pg_temp.outcome(role text, statement text)
returns text
language plpgsql
as $$
begin
  perform set_config('role', role, true);
  execute statement;
  perform set_config('role', 'none', true);
  return 'done';
exception
  when others then
    perform set_config('role', 'none', true);
    return sqlstate;
end;
$$;

select is(pg_temp.outcome('anon', attempt.statement), '42501', format('anon: %s', attempt.statement))
from (
  select format('select from %s', relation) as statement from expected_relations
) as attempt;
select is(pg_temp.outcome('anon', attempt.statement), '42501', format('anon: %s', attempt.statement))
from (
  values
  ($$insert into public.users (email) values ('x@example.com')$$),
  ($$update public.tasks set title = 'x'$$),
  ('delete from public.goals'),
  ('select public.list_messages(gen_random_uuid())'),
  ('select v1_0.put_demo_flags(gen_random_uuid())'),
  ('select from private.row_counts')
) as attempt (statement);
select is(pg_temp.outcome('authenticated', 'select from private.row_counts'), '42501', 'users don''t see the counts');

-- What a later migration makes is granted to nobody until it grants it.

create table public.later (id uuid);
create table v1_0.later (id uuid);
create sequence public.later_number;
create function public.do_later() returns void language sql as '';
create function v1_0.do_later() returns void language sql as '';
create function private.do_later() returns void language sql as '';

select is_empty(
  $$select * from relation_grants where relation like '%.later%'$$, 'a new table or sequence is nobody''s'
);
select is_empty($$select * from function_grants where function like '%.do_later'$$, 'a new function is nobody''s');

-- Limits on what a caller can make Postgres do

select is_empty(
  $$
    select rolname, setting
    from pg_roles, unnest(array['statement_timeout', 'lock_timeout']) as setting
    where
      rolname in ('authenticated', 'service_role')
      and not exists (select from unnest(rolconfig) as configured where configured like setting || '=%s')
  $$,
  'every role that can wait has a limit on its statements and on its locks'
);

select * from finish();
rollback;
