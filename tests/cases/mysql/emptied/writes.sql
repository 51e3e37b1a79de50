DELETE FROM t;
INSERT INTO t (id, v) VALUES (1, {n}), (2, {n}), (3, {n}), (100, {n}), (1000, {n});
UPDATE t SET v = v + 1;
