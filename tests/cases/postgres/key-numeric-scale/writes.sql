UPDATE t SET v = v + 1 WHERE id = {1..200}.25;
UPDATE t SET id = id + 0.5 WHERE id = {1..200}.25;
INSERT INTO t VALUES (-{n}.99, {n});
DELETE FROM t WHERE id IN ({1..200}.25, {1..200}.75);
