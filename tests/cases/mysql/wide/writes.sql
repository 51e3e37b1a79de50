UPDATE t SET c1 = c1 + 1, c78 = {n}, c599 = {0..99} WHERE id = {1..40};
INSERT INTO t (id, c1) VALUES (1000 + {n}, 0);
DELETE FROM t WHERE id = {1..40};
