UPDATE t SET r = {'-0'|0|'NaN'|'1e-45'|NULL}, d = {'-0'|0|'NaN'|'5e-324'|0.30000000000000004} WHERE id = {1..207};
UPDATE t SET d = -d, kept = -kept WHERE id = {1..207};
INSERT INTO t (id, r, d) VALUES (1000 + {n}, {n}.1, {n}.1);
DELETE FROM t WHERE id = {1..207};
UPDATE t SET id = id + 100000 WHERE id = {1..207};
