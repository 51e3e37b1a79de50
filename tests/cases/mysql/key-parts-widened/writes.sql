UPDATE t SET v = v + 1 WHERE c IN ('größe{1..100}', 'größe{1..100}', 'größe{1..100}');
UPDATE t SET c = 'ö{n}', b = '2026-01-02 00:00:00.75' WHERE c = 'größe{1..100}';
INSERT INTO t VALUES ({n}, '2026-01-01', 'ü', -0.5, '-01:00:00', 'é', 0);
DELETE FROM t WHERE c = 'größe{1..100}';
