SELECT (sum(total) = (SELECT sum(v * 2) FROM t WHERE v > 10 AND w IS NOT NULL))::int FROM reports.c;
