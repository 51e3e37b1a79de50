UPDATE t SET v = '{a|A|ä|a }', w = '{ß|ss|SS}' WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'x', 'y ');
DELETE FROM t WHERE id = {1..150};
