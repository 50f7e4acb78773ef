-- Writes a script that fills an SQLite database of the same schema with the rows of every table, in the order in which
-- they lie here. Reads columns and types from the catalogue, so that it needs no change when a migration adds some. Totals
-- are kept by triggers there as well.
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET synchronize_seqscans = off;
\echo 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -1000000; BEGIN;'
SELECT format(
        'SELECT ''INSERT INTO %I (%s) VALUES ('' || concat_ws('','', %s) || '');'' FROM %I',
        table_name,
        string_agg(quote_ident(column_name), ',' ORDER BY ordinal_position),
        string_agg(
            'coalesce(' || CASE data_type
                WHEN 'uuid' THEN format('''x'''''' || encode(uuid_send(%I), ''hex'') || ''''''''', column_name)
                WHEN 'boolean' THEN format('%I::int::text', column_name)
                WHEN 'integer' THEN format('%I::text', column_name)
                WHEN 'bigint' THEN format('%I::text', column_name)
                ELSE format('quote_literal(%I::text)', column_name)
            END || ', ''NULL'')',
            ', ' ORDER BY ordinal_position),
        table_name)
FROM information_schema.columns
WHERE table_schema = 'public' AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
    AND table_name NOT IN ('seaql_migrations', 'subscription_totals')
GROUP BY table_name
ORDER BY table_name
\gexec
\echo 'COMMIT; ANALYZE;'
