-- What there is in the schema `voilage`, one line per object: to compare a ledger with this code.
SELECT format('column %s.%s %s%s', c.table_name, c.column_name, c.data_type,
              CASE WHEN c.is_nullable = 'YES' THEN '' ELSE ' NOT NULL' END)
FROM information_schema.columns c
WHERE c.table_schema = 'voilage'
UNION ALL
SELECT format('constraint %s on %s (%s)%s', k.conname, k.conrelid::regclass, k.contype,
              CASE WHEN k.convalidated THEN '' ELSE ' not validated' END)
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
WHERE n.nspname = 'voilage' AND k.contype IN ('c', 'f', 'p', 'u')
UNION ALL
SELECT format('trigger %s on %s runs %s (%s, %s)', t.tgname, t.tgrelid::regclass,
              p.proname, t.tgtype, t.tgenabled)
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_proc p ON p.oid = t.tgfoid
WHERE n.nspname = 'voilage' AND NOT t.tgisinternal
UNION ALL
SELECT format('function %s %s', p.proname, md5(p.prosrc))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'voilage'
UNION ALL
SELECT format('rule %s on %s', r.rulename, r.tablename) FROM pg_rules r
WHERE r.schemaname = 'voilage'
