UPDATE t SET v = '{a |😀|  }', c = '{a |😀|  }', tx = '{a |😀|  }' WHERE id = {1..150};
INSERT INTO t (id, v, c, tx) VALUES (1000 + {n}, NULL, NULL, NULL);
DELETE FROM t WHERE id = {1..150};
