SELECT (code = 5)::int FROM t_past WHERE id = 900000;
SELECT (count(*) = 1)::int FROM log WHERE what = 'INSERT900000';
