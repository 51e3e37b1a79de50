SELECT (count(*) > 0)::int FROM log;
