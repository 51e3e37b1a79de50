UPDATE t SET z = {'2024-03-31 01:00+00'|'2024-10-27 00:30+00'|'2024-10-27 01:30+00'|NULL} WHERE id = {1..206};
UPDATE t SET l = {'2024-03-31 02:30'|'2024-10-27 02:30'|'-infinity'}, kept = {'2024-11-03 01:30-04'|'2024-11-03 01:30-05'} WHERE id = {1..206};
INSERT INTO t VALUES (1000 + {n}, timestamptz '2024-10-27 00:00+00' + {n} * interval '1 min', timestamp '2024-10-27' + {n} * interval '1 min');
DELETE FROM t WHERE id = {1..206};
