"""The queries on pg_catalog. The connection's search path is empty, so that names are printed with their schema."""

_OURS = "namespace.nspname not in ('pg_catalog', 'information_schema') and namespace.nspname not like 'pg\\_%'"

SCHEMAS = "select nspname as name, obj_description(oid, 'pg_namespace') as comment from pg_namespace"

TYPES = """
select
  type.oid, namespace.nspname as schema, type.typname as name, format_type(type.oid, null) as sql_name,
  case type.typtype
    when 'b' then 'base' when 'c' then 'composite' when 'd' then 'domain' when 'e' then 'enum'
    when 'p' then 'pseudo' when 'r' then 'range' else 'multirange'
  end as kind,
  case when type.typcategory = 'A' then type.typelem else 0 end as element,
  type.typbasetype as base, type.typrelid as relation, type.typnotnull as not_null,
  type.typdefault as default, obj_description(type.oid, 'pg_type') as comment
from pg_type as type
join pg_namespace as namespace on type.typnamespace = namespace.oid
"""

CHECKS = """
select
  contypid as domain, conname as name, pg_get_constraintdef(oid) as definition, obj_description(oid, 'pg_constraint') as comment
from pg_constraint
where contypid <> 0 and contype = 'c'
order by contypid, conname
"""

RELATIONS = f"""
select
  class.oid, namespace.nspname as schema, class.relname as name,
  case class.relkind when 'c' then 'composite' when 'v' then 'view' when 'm' then 'view' else 'table' end as kind,
  case class.relkind
    when 'c' then obj_description(class.reltype, 'pg_type') else obj_description(class.oid, 'pg_class')
  end as comment,
  case when class.relkind in ('v', 'm') then pg_get_viewdef(class.oid) end as definition,
  class.relkind = 'c' or has_any_column_privilege($1, class.oid, 'select') as readable
from pg_class as class
join pg_namespace as namespace on class.relnamespace = namespace.oid
where class.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and {_OURS}
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = class.oid and deptype = 'e')
"""  # noqa: S608 - a constant of this module

COLUMNS = f"""
select
  attribute.attrelid as relation, attribute.attnum as number, attribute.attname as name, attribute.atttypid as type,
  format_type(attribute.atttypid, attribute.atttypmod) as sql_type, attribute.attnotnull as not_null,
  pg_get_expr(expression.adbin, expression.adrelid) as default,
  attribute.attgenerated <> '' or attribute.attidentity = 'a' as generated,
  col_description(attribute.attrelid, attribute.attnum) as comment,
  class.relkind <> 'c' and has_column_privilege($1, class.oid, attribute.attnum, 'insert') as can_insert,
  class.relkind <> 'c' and has_column_privilege($1, class.oid, attribute.attnum, 'update') as can_update
from pg_attribute as attribute
join pg_class as class on attribute.attrelid = class.oid
join pg_namespace as namespace on class.relnamespace = namespace.oid
left join pg_attrdef as expression on attribute.attrelid = expression.adrelid and attribute.attnum = expression.adnum
where attribute.attnum > 0 and not attribute.attisdropped
  and class.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and {_OURS}
order by attribute.attrelid, attribute.attnum
"""  # noqa: S608 - a constant of this module

# A unique index on an expression lists no columns; pg_depend has those that the expression reads.
CONSTRAINTS = """
select
  conrelid as relation, conname as name,
  case contype when 'p' then 'primary' when 'u' then 'unique' when 'f' then 'reference' else 'check' end as kind,
  coalesce(conkey, '{}')::integer[] as columns, confrelid as referenced,
  coalesce(confkey, '{}')::integer[] as referenced_columns, obj_description(oid, 'pg_constraint') as comment
from pg_constraint
where conrelid <> 0 and contype in ('p', 'u', 'f', 'c')
union all
select
  index.indrelid, class.relname, 'unique',
  (
    select coalesce(array_agg(distinct depend.refobjsubid), '{}')
    from pg_depend as depend
    where depend.classid = 'pg_class'::regclass and depend.objid = index.indexrelid
      and depend.refobjid = index.indrelid and depend.refobjsubid > 0
  ),
  0, '{}', obj_description(index.indexrelid, 'pg_class')
from pg_index as index
join pg_class as class on index.indexrelid = class.oid
where index.indisunique and not exists (select from pg_constraint where conindid = index.indexrelid)
order by 1, 2
"""

# A function of a row is a computed column or relationship, which PostgREST's callers select and the adapter doesn't.
FUNCTIONS = """
select
  namespace.nspname as schema, proc.proname as name, proc.prorettype as result, proc.proretset as returns_set,
  proc.provolatile = 'v' as writes, obj_description(proc.oid, 'pg_proc') as comment,
  proc.proargmodes is not null as has_outputs,
  coalesce(proc.proargnames, '{}')::text[] as argument_names, proc.proargtypes::oid[] as argument_types,
  array(
    select format_type(argument.type, null)
    from unnest(proc.proargtypes::oid[]) with ordinality as argument (type, place) order by argument.place
  ) as sql_types,
  array(
    select pg_get_function_arg_default(proc.oid, place) from generate_series(1, proc.pronargs) as place order by place
  ) as defaults
from pg_proc as proc
join pg_namespace as namespace on proc.pronamespace = namespace.oid
where namespace.nspname = any ($2) and proc.prokind = 'f' and has_function_privilege($1, proc.oid, 'execute')
  and proc.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and not exists (
    select from pg_class where reltype = any (proc.proargtypes::oid[]) and relkind in ('r', 'v') and proc.proargnames is null
  )
  and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = proc.oid and deptype = 'e')
order by namespace.nspname, proc.proname
"""

# A function of a row that returns rows embeds them: its name is a relationship.
EMBEDDINGS = """
select
  namespace.nspname as schema, proc.proname as name, origin.oid as origin, target.oid as target, proc.prorows = 1 as one
from pg_proc as proc
join pg_namespace as namespace on proc.pronamespace = namespace.oid
join pg_class as origin on origin.reltype = any (proc.proargtypes::oid[]) and origin.relkind in ('r', 'v')
join pg_class as target on proc.prorettype = target.reltype
where proc.proargnames is null and proc.proretset
order by namespace.nspname, proc.proname
"""
