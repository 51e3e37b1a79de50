SELECT (count(DISTINCT number) = count(*))::int FROM t;
SELECT (max(number) <= (SELECT last_value FROM t_number_seq))::int FROM t;
