SELECT (count(*) = (SELECT count(DISTINCT what || id) FROM log WHERE what LIKE 'B noteINSERT%'))::int FROM log WHERE what LIKE 'B noteINSERT%';
