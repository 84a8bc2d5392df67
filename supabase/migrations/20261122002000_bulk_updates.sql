-- Bulk updates: the tasks are locked in one statement and changed in the next.

set lock_timeout = '3s';

create or replace function public.bulk_update_task_status(task_ids public.uuid_batch, new_status public.task_status)
returns public.bulk_update
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  places tid [];
  updated_count integer;
begin
  perform private.require_arguments(jsonb_build_object('task_ids', cardinality(task_ids), 'new_status', new_status));
  -- In id order, so that overlapping calls wait for each other and never in a circle.
  places := array(
    select tasks.ctid from public.tasks where tasks.id = any (task_ids) order by tasks.id for no key update
  );
  -- A row stays in its place while it is locked. Looking it up by its id again would take a seventh of the call. In one statement
  -- with the lock, the snapshot would be too old for a row that another transaction has moved meanwhile.
  update public.tasks set status = new_status where tasks.ctid = any (places);
  get diagnostics updated_count = row_count;
  return row(updated_count)::public.bulk_update;
end;
$$;
