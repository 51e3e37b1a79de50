SELECT (bool_and(convalidated) AND count(*) > 1)::int FROM pg_constraint WHERE confrelid = 'shop'::regclass;
SELECT (count(*) > 0)::int FROM "T de, small";
SELECT (count(*) > 0)::int FROM german;
