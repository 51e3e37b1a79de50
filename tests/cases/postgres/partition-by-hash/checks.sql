SELECT (count(*) > 0)::int FROM t3;
SELECT bool_and(convalidated)::int FROM pg_constraint WHERE confrelid = 't'::regclass AND conparentid = 0;
