SELECT (count(DISTINCT token) = count(*) AND count(at) = count(*))::int FROM t;
