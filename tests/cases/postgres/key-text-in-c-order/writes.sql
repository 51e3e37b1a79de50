UPDATE t SET v = v + 1 WHERE name = '{ä|a|Z|z|Ö|å}{1..200}';
UPDATE t SET name = '-' || name WHERE name = '{ä|a|Z|z|Ö|å}{1..200}';
INSERT INTO t VALUES ('n{n}', {n});
DELETE FROM t WHERE name = '{ä|a|Z|z|Ö|å}{1..200}';
