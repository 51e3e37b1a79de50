UPDATE t SET d = {'infinity'|'0044-03-15 BC'|NULL}, c = {'24:00'|'00:00:00.000001'} WHERE id = {1..205};
UPDATE t SET z = {'01:00+02'|'00:00+01'|NULL}, s = {'-infinity'|'2024-01-01 00:00:00.123456'|'2024-01-01 00:00:00.123499'} WHERE id = {1..205};
UPDATE t SET kept = kept + 1, also = also + interval '0.01 s' WHERE id = {1..205} AND isfinite(kept) AND kept < '3000-01-01';
INSERT INTO t (id, d, s) VALUES (1000 + {n}, date '2024-01-01' + {n}, timestamp '2024-01-01' + {n} * interval '1 us');
DELETE FROM t WHERE id = {1..205};
UPDATE t SET id = id + 100000 WHERE id = {1..205};
