UPDATE t SET v = '{a''b|\\|"}', c = '{x|y z|}' WHERE id = {1..150};
INSERT INTO t (id, v) VALUES (1000 + {n}, '');
DELETE FROM t WHERE id = {1..150};
