UPDATE t SET c7 = {1..99}, c200 = {NULL|5} WHERE id = {1..60};
INSERT INTO t (id, c1) VALUES (1000 + {n}, {n});
DELETE FROM t WHERE id = {1..60};
