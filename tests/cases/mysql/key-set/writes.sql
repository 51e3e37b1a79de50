UPDATE t SET v = v + 1 WHERE s = 'a,c' OR s = {1..150};
UPDATE t SET s = s + 128 WHERE s = {1..100};
DELETE FROM t WHERE s = {100..150};
INSERT IGNORE INTO t (s, v) VALUES ({100..255}, {n});
