UPDATE t SET v = v + 1 WHERE id = {1..60} OR id = {1..60} OR id = {1..60};
UPDATE t SET s = {''|'a,b'|'größe'|15} WHERE id = {1..60};
UPDATE t SET e = {'x'|'y'} WHERE id = {1..60} OR id = {1..60};
DELETE FROM t WHERE id = {1..60};
INSERT INTO t VALUES ({n} + 1000, 'a,größe', 'y', {n}), ({n} + 1000, 'b', 'x', {n});
