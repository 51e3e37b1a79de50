UPDATE t SET v = '{12345|漢漢漢漢漢| }', s = {NULL|'s'}, c = 'ab' WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 'x', 'y', 'z');
DELETE FROM t WHERE id = {1..150};
