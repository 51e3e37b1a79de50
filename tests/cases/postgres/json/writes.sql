UPDATE t SET j = {'[1,2]'|'[1, 2]'|' [1,2] '|NULL}, b = {'[1,2]'|'[1.0,2.00]'|'{"k": null}'} WHERE id = {1..205};
UPDATE t SET b = b || '[{n}]' WHERE id = {1..205} AND length(b::text) < 200;
UPDATE t SET c = {'"a"'|'[true, false]'}, d = jsonb_build_object('n', {n}) WHERE id = {1..205};
INSERT INTO t VALUES (1000 + {n}, '{"n":  {n}}', '{"n":  {n}}');
DELETE FROM t WHERE id = {1..205};
UPDATE t SET id = id + 100000 WHERE id = {1..205};
