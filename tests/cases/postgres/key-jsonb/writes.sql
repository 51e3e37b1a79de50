UPDATE t SET j = {'1'|'1.0'|'1.00'} WHERE j = '1';
UPDATE t SET v = v + 1 WHERE j IN ('null', '""', '"it''s \\ \" 😀"', '{"a": [], "b": 1}');
UPDATE t SET v = v + 1 WHERE j = '[{1..150}, "k"]';
UPDATE t SET j = j || '"more"' WHERE j = '[{1..150}, "k"]';
INSERT INTO t VALUES ('{"n": {n}}', {n});
DELETE FROM t WHERE j = '[{1..150}, "k"]';
