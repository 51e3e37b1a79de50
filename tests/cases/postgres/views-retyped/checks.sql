SELECT (pg_typeof(w)::text = 'bigint')::int FROM b LIMIT 1;
