SELECT (count(*) > 0)::int FROM t_mid;
SELECT (count(*) > 0)::int FROM t_rest;
SELECT (count(DISTINCT tableoid) = 3)::int FROM t;
