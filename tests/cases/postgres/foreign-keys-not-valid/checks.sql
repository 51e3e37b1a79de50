SELECT (count(*) FILTER (WHERE NOT convalidated) = 2)::int FROM pg_constraint WHERE contype = 'f';
