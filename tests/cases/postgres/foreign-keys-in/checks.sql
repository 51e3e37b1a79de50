SELECT bool_and(convalidated)::int FROM pg_constraint WHERE confrelid = 't'::regclass;
SELECT (count(*) = 3)::int FROM pg_constraint WHERE confrelid = 't'::regclass;
SELECT (count(*) = 0)::int FROM c1 WHERE t_id NOT IN (SELECT id FROM t);
