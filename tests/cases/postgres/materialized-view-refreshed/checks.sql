SELECT count(*) FROM pg_matviews WHERE matviewname = 'm' AND ispopulated;
SELECT count(*) FROM pg_matviews WHERE matviewname = 'empty' AND NOT ispopulated;
SELECT (count(*) >= 3)::int FROM on_m;
