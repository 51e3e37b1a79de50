UPDATE t SET n = {'NaN'|'-Infinity'|1.10|1.1|NULL}, p = {0.5|-0.5} WHERE id = {1..205};
UPDATE t SET kept = {1|1.0|1.00|'Infinity'|1e20}, same = {1.23455|1} WHERE id = {1..205};
UPDATE t SET kept = kept * 10 WHERE id = {1..205};
INSERT INTO t (id, n, whole) VALUES (1000 + {n}, {n}.50, {n});
DELETE FROM t WHERE id = {1..205};
UPDATE t SET id = id + 100000 WHERE id = {1..205};
