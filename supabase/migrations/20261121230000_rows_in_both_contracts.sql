-- Rows in the words of both contracts, for callers in process, who have one surface for both. The views of v1_0 say what a word of
-- one contract means in the other; this puts the two rows of one id together.

set lock_timeout = '3s';

create function private.show_both_contracts(answer jsonb, relation text, contract_schema text)
returns jsonb
language plpgsql
-- Volatile, although it only reads: it has to see the rows that the calling statement has written.
volatile
security invoker
set search_path = ''
as $$
declare
  other_schema constant text := case contract_schema when 'public' then 'v1_0' else 'public' end;
  shown jsonb;
begin
  if relation = 'task_statistics' then
    return answer || jsonb_build_object('by_state', private.tally_states(answer -> 'by_status'));
  elsif answer ? 'items' then
    return jsonb_set(answer, '{items}', private.show_both_contracts(answer -> 'items', relation, contract_schema));
  elsif jsonb_typeof(answer) = 'object' then
    shown := private.show_both_contracts(jsonb_build_array(answer), relation, contract_schema) -> 0;
    if relation = 'goals_full' then
      shown := jsonb_set(shown, '{tasks}', private.show_both_contracts(shown -> 'tasks', 'tasks', contract_schema));
    end if;
    return shown;
  end if;
  execute format(
    $query$
      select coalesce(jsonb_agg(to_jsonb(other) || to_jsonb(own) order by given.place), '[]')
      from jsonb_array_elements($1) with ordinality as given (value, place)
      inner join %1$I.%3$I as own on own.id = (given.value ->> 'id')::uuid
      inner join %2$I.%3$I as other on other.id = own.id
    $query$,
    contract_schema, other_schema, relation
  ) into shown using answer;
  return shown;
end;
$$;
comment on function private.show_both_contracts(jsonb, text, text) is
'The answer of a call, its rows with the fields of both contracts. A field that both have is in the words of the call''s contract.

The answer is a row, a list or a page of rows of a relation that both contracts have, or the statistics of contract 1.2.';

grant execute on function private.show_both_contracts(jsonb, text, text) to service_role;
