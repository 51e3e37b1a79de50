SELECT bool_and(convalidated)::int FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f';
SELECT (count(*) = 4)::int FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f';
