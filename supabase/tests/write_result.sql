-- write_result: how the REST adapter gets the results of functions from PostgREST.

begin;
select plan(6);

create type pg_temp.pair as (word text, items integer []);

select
  is(
    public.write_result(answer.result)::text, '{"word":"a \"b\"","items":[1,2]}', 'a row is an object'
  )
from (select ('a "b"', '{1,2}')::pg_temp.pair as result) as answer;
select
  is(
    public.write_result(answer)::text, '{"word":"a","items":null}', 'also one that a query makes of columns'
  )
from (select 'a' as word, null::integer[] as items) as answer;
select
  is(
    public.write_result(answer.result)::text, '[{"word":"a","items":null},{"word":"b","items":null}]', 'rows are an array'
  )
from (select array[('a', null)::pg_temp.pair, ('b', null)::pg_temp.pair] as result) as answer;
select is(public.write_result('{}'::public.tasks[])::text, '[]', 'none are an empty one');
select is(public.write_result('{"a":  1}'::public."application/vnd.flux.page+json")::text, '{"a":  1}', 'JSON is as it is');
select is(public.write_result(null::text)::text, null, 'nothing is nothing');

select * from finish();
rollback;
