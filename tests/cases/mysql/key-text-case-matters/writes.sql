UPDATE t SET v = v + 1 WHERE name = '{key|KEY}{1..75}';
INSERT INTO t (name, v) VALUES ('new{n}', 1), ('NEW{n}', 1);
DELETE FROM t WHERE name = '{key|KEY}{1..75}';
