SELECT (bool_and(convalidated) AND count(*) = 2)::int FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'f';
