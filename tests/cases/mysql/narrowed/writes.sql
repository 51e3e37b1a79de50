UPDATE t SET i = {0..255}, v = '{a|é|😀|  }', d = {1..99}.{0..9}, b = X'00{10..99}00FF', t1 = REPEAT('x', {0..255}) WHERE id = {1..150};
INSERT INTO t VALUES (1000 + {n}, 255, '12345', -9999.9, 'wxyz', NULL);
DELETE FROM t WHERE id = {1..150};
