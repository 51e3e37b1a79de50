UPDATE t SET v = v + 1 WHERE i IN ('::', '10.0.0.1/8', '10.0.0.1');
UPDATE t SET v = v + 1 WHERE i = inet '10.1.0.0' + {1..150};
UPDATE t SET i = set_masklen(i, {8..32}) WHERE i = inet '10.1.0.0' + {1..150};
INSERT INTO t VALUES (inet '192.168.0.0' + {n}, '08:00:2b:01:02:04', {n});
DELETE FROM t WHERE i = inet '10.1.0.0' + {1..150};
