-- What holds for every table, view, function and vocabulary, also those that a later migration adds.

begin;
select plan(30);

create temporary view ours as
select oid, nspname from pg_namespace
where nspname in ('public', 'v1_0', 'private');

-- A function, a relation or a type that an extension brought is none of ours.
create temporary view our_functions as
select pg_proc.*, ours.nspname, pg_proc.oid::regprocedure::text as signature
from pg_proc
inner join ours on pg_proc.pronamespace = ours.oid
where not exists (select from pg_depend where pg_depend.objid = pg_proc.oid and pg_depend.deptype = 'e');

create temporary view our_relations as
select pg_class.*, ours.nspname, pg_class.oid::regclass::text as name
from pg_class
inner join ours on pg_class.relnamespace = ours.oid
where
  pg_class.relkind in ('r', 'p', 'v', 'm', 'f')
  and not exists (select from pg_depend where pg_depend.objid = pg_class.oid and pg_depend.deptype = 'e');

select isnt_empty('select from our_functions', 'there are functions to look at');
select isnt_empty('select from our_relations', 'there are relations to look at');

-- Functions

select is_empty(
  $$
    select signature from our_functions
    where prokind <> 'a' and (not proconfig @> array['search_path=""'] or proconfig is null)
  $$,
  'every function has an empty search path, but for aggregates, which can have none'
);
select set_eq(
  'select signature from our_functions where prosecdef',
  array[
    'private.archived_tasks(uuid,integer)', 'private.archived_dispatches(uuid,integer)',
    'private.archived_notification_log(uuid,integer)',
    'private.count_rows()', 'private.ensure_user()', 'private.find_account(uuid)', 'private.holds_data(uuid)',
    'private.keep_address_of_account()', 'private.keep_user_of_account()', 'private.link_sign_in(uuid,uuid)',
    'private.signed_in_user(boolean)',
    'private.purge_answers(integer)', 'private.take_key(text,text,text)', 'private.keep_answer(text,text,json,uuid)'
  ],
  'every function runs as its caller, but for those that must not'
);
select is_empty(
  $$select signature from our_functions where prosecdef and nspname <> 'private'$$,
  'none of an exposed schema runs as its owner'
);
select is_empty(
  $$select signature from our_functions where obj_description(oid, 'pg_proc') is null$$, 'every function has a comment'
);
select is_empty(
  $$
    select signature from our_functions
    where nspname <> 'private' and provolatile = 'v' and proname ~ '^(get|list)_'
  $$,
  'a function that only reads can be called by GET'
);
select is_empty(
  $$
    select signature from our_functions
    where
      nspname <> 'private' and (proretset and prorows > 1 or prorettype in ('json'::regtype, 'jsonb'::regtype))
  $$,
  'none that is exposed returns a set of several rows, which the row limit would cut, or json of no known shape'
);
select is_empty(
  $$
    select our_functions.signature
    from our_functions
    inner join pg_type on our_functions.prorettype = pg_type.oid
    where our_functions.nspname <> 'private' and pg_type.typtype = 'c' and pg_type.typnamespace <> our_functions.pronamespace
  $$,
  'a row that a function returns is of its own schema, where PostgREST looks for it'
);
select is_empty(
  $$
    select signature from our_functions, unnest(proargnames) as argument
    where nspname <> 'private' and argument !~ '^[a-z]+(_[a-z]+)*$'
  $$,
  'arguments are named as they are on the wire'
);

-- Ids

select is_empty(
  $$select signature from our_functions where prosrc like '%random_uuid%' and signature <> 'private.new_id()'$$,
  'no function but private.new_id() makes an id'
);
select is_empty(
  $$
    select our_relations.name from our_relations inner join pg_attrdef on our_relations.oid = pg_attrdef.adrelid
    where pg_get_expr(pg_attrdef.adbin, pg_attrdef.adrelid) ~ 'uuid'
  $$,
  'nor does a default'
);

-- Relations

select is_empty(
  $$select name from our_relations where relkind in ('r', 'p') and not relrowsecurity$$,
  'row-level security is on for every table'
);
select is_empty(
  $$
    select name from our_relations
    where relkind = 'v' and coalesce(reloptions, '{}') <> '{security_invoker=true}'
  $$,
  'every view reads as its caller'
);
select is_empty(
  $$select name from our_relations where relkind not in ('r', 'v')$$, 'there are tables and plain views only'
);
select is_empty(
  $$select name from our_relations where obj_description(oid, 'pg_class') is null$$, 'every relation has a comment'
);
select is_empty(
  $$
    select name || '.' || attname
    from our_relations inner join pg_attribute on our_relations.oid = attrelid
    where attnum > 0 and not attisdropped and col_description(attrelid, attnum) is null
  $$,
  'every column of a table or view has a comment'
);
select is_empty(
  $$
    select name || '.' || attname
    from our_relations
    inner join pg_attribute on our_relations.oid = attrelid
    inner join pg_type on atttypid = pg_type.oid
    where
      relkind = 'r' and nspname = 'public' and attnum > 0 and not attisdropped
      and (typtype = 'e' or typcategory = 'R' or atttypid in ('timestamp'::regtype, 'timestamptz'::regtype, 'date'::regtype))
  $$,
  'no column is an enum or a range, which no index helps under row-level security, or a time of any year'
);
select is_empty(
  $$
    select name || '.' || attname from our_relations inner join pg_attribute on our_relations.oid = attrelid
    where
      relkind = 'r' and nspname = 'public' and attnum > 0 and not attisdropped
      and atttypid in (
        'text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'numeric'::regtype,
        'text[]'::regtype, 'uuid[]'::regtype
      )
  $$,
  'no column holds what has no limit'
);
select is_empty(
  $$
    select name || '.' || attname
    from our_relations
    inner join pg_attribute on our_relations.oid = attrelid
    inner join pg_type on atttypid = pg_type.oid
    left join pg_type as beneath on pg_type.typbasetype = beneath.oid
    where
      relkind = 'r' and nspname = 'public' and attnum > 0 and attstattarget is distinct from 0
      and coalesce(nullif(beneath.typbasetype, 0), pg_type.typbasetype) in ('text'::regtype, 'jsonb'::regtype, 'text[]'::regtype)
      and not exists (
        select from pg_constraint where contypid = atttypid and pg_get_constraintdef(pg_constraint.oid) like '%= ANY%'
      )
  $$,
  'the planner knows of no text and no JSON of users, but for the words of a vocabulary'
);
select is_empty(
  $$
    select indexed.attrelid::regclass || '.' || indexed.attname
    from our_relations
    inner join pg_index on our_relations.oid = pg_index.indrelid
    inner join pg_attribute as indexed on pg_index.indexrelid = indexed.attrelid
    where
      our_relations.nspname = 'public' and pg_index.indkey[indexed.attnum - 1] = 0 and indexed.attstattarget is distinct from 0
      and indexed.atttypid in ('text'::regtype, 'jsonb'::regtype, 'text[]'::regtype)
  $$,
  'nor does it learn of them from the expressions of an index'
);
select is_empty(
  $$
    select name from our_relations
    where
      relkind = 'r' and nspname = 'public'
      and exists (select from pg_attribute where attrelid = our_relations.oid and attname = 'updated_at')
      and not exists (
        select from pg_trigger where tgrelid = our_relations.oid and tgfoid = 'private.touch_updated_at'::regproc
      )
  $$,
  'updated_at is kept by the database wherever there is one'
);

-- PostgREST takes defaults from domains. Another domain than instant would keep one parameter from setting two times.
select is_empty(
  $$
    select nspname || '.' || name || '.' || attname
    from our_relations
    inner join pg_attribute on our_relations.oid = attrelid
    inner join pg_type on atttypid = pg_type.oid
    inner join pg_attrdef on attrelid = adrelid and attnum = adnum
    where
      typtype = 'd' and typname <> 'instant' and has_column_privilege('service_role', attrelid, attnum, 'insert')
      and pg_get_expr(adbin, adrelid) is distinct from typdefault
  $$,
  'a column with a default has a domain with the same default'
);

-- Vocabularies

select is_empty(
  $$
    select pg_type.oid::regtype from pg_type inner join ours on typnamespace = ours.oid
    where
      (typtype = 'd' or (typtype = 'c' and typrelid in (select oid from pg_class where relkind = 'c')))
      and obj_description(pg_type.oid, 'pg_type') is null
  $$,
  'every domain and every composite type has a comment'
);
select is_empty(
  $$
    select attrelid::regclass || '.' || attname
    from pg_attribute
    inner join pg_class on attrelid = pg_class.oid and relkind = 'c'
    inner join ours on relnamespace = ours.oid
    where attnum > 0 and col_description(attrelid, attnum) is null
  $$,
  'as has every field of a composite type'
);
select is_empty(
  $$
    select pg_constraint.conname
    from pg_constraint
    inner join ours on connamespace = ours.oid
    left join pg_attribute
      on attrelid = conrelid and attname = split_part(obj_description(pg_constraint.oid, 'pg_constraint'), ': ', 1)
    where contype = 'c' and conrelid <> 0 and (
      attname is null or split_part(obj_description(pg_constraint.oid, 'pg_constraint'), ': ', 2) !~ '^[A-Z].*\.$'
    )
  $$,
  'every check of a table says which field is wrong, and in a sentence why'
);

-- Keys and indexes

select is_empty(
  $$
    select conrelid::regclass || ' ' || conname
    from pg_constraint inner join ours on connamespace = ours.oid
    where contype = 'f' and not exists (
      select from pg_index
      where
        indrelid = conrelid and indisvalid
        and (indkey::smallint[])[0:cardinality(conkey) - 1] @> conkey
        and (indkey::smallint[])[0:cardinality(conkey) - 1] <@ conkey
    )
  $$,
  'every foreign key has an index that begins with it'
);
select is_empty(
  $$
    select conrelid::regclass || ' ' || conname
    from pg_constraint inner join ours on connamespace = ours.oid
    where contype in ('f', 'c', 'u', 'p') and not convalidated
  $$,
  'every constraint is validated'
);
select is_empty(
  $$select conname from pg_constraint inner join ours on connamespace = ours.oid where confdeltype = 'a'$$,
  'every foreign key says what happens when the row that it names goes'
);
select is_empty(
  $$
    select one.indexrelid::regclass || ' begins ' || other.indexrelid::regclass
    from pg_index as one
    inner join pg_index as other on one.indrelid = other.indrelid and one.indexrelid <> other.indexrelid
    inner join pg_class on one.indrelid = pg_class.oid
    inner join ours on pg_class.relnamespace = ours.oid
    where
      not one.indisunique and one.indpred is null and other.indpred is null
      and one.indexprs is null and other.indexprs is null
      and other.indkey::text || ' ' like one.indkey::text || ' %' and other.indoption::text like one.indoption::text || '%'
  $$,
  'no index only begins another'
);

select * from finish();
rollback;
