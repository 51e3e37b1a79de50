SELECT (count(*) > 0)::int FROM pg_stats WHERE schemaname = 'public' AND tablename = 't';
