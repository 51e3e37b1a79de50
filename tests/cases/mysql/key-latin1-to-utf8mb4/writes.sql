UPDATE t SET note = CONCAT(note, {'é'|'€'|' '}) WHERE name LIKE '_{1..150}';
INSERT INTO t VALUES ('ö{n}', 'ß', NULL);
UPDATE t SET name = CONCAT(name, 'é') WHERE name = 'ü{1..150}';
DELETE FROM t WHERE name = '{é|ü|€|a}{1..150}';
