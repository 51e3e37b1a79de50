UPDATE t SET v = v + 1 WHERE name IN ('Ärger', 'arger', 'straße', 'strasse', '😀', '', '-');
UPDATE t SET v = v + 1 WHERE name = '{ä|a|Ä|A}-{1..150}';
UPDATE t SET name = 'z' || name WHERE name = '{ä|a|Ä|A|ß}-{1..150}';
INSERT INTO t VALUES ('{o|ö|Ö}{n}', {n});
DELETE FROM t WHERE name = '{ä|a|Ä|A|ß}-{1..150}';
