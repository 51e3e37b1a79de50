UPDATE t SET v = v + 1 WHERE r IN ('empty', '(,)', '[1,1]');
UPDATE t SET v = v + 1 WHERE lower(r) = {1..150};
UPDATE t SET a = a || ARRAY['more'] WHERE lower(r) = {1..150} AND v < 1000;
INSERT INTO t VALUES (int4range(-{n}, NULL), '{x}', {n});
DELETE FROM t WHERE lower(r) = {1..150} AND v < 1000;
