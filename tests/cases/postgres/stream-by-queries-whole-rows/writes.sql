UPDATE t SET v = v + 1 WHERE name = 'it''s {1..150}';
UPDATE t SET name = name || '''+' WHERE name = 'it''s {1..150}';
INSERT INTO t VALUES ('new {n}', {n}, NULL);
DELETE FROM t WHERE name = 'it''s {1..150}';
