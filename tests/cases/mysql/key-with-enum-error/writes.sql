UPDATE t SET v = v + 1 WHERE id = {1..60} OR id = {1..60} OR id = {1..60};
UPDATE t SET e = {0|1|2|3} WHERE id = {1..60} OR id = {1..60};
DELETE FROM t WHERE id = {1..60};
INSERT INTO t VALUES ({n} + 1000, 0, {n}), ({n} + 1000, 3, {n}), ({n} + 1000, 'x', {n});
