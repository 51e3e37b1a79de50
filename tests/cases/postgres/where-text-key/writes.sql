UPDATE t SET kind = {'drop'|'keep'} WHERE name = 'k{1..150}';
UPDATE t SET name = name || '+' WHERE name = 'k{1..150}';
INSERT INTO t VALUES ('n{n}', {n}, {'drop'|'keep'});
DELETE FROM t WHERE name = 'k{1..150}';
