UPDATE t SET v = v + 1 WHERE id = md5('{1..200}')::uuid;
UPDATE t SET v = v + 1 WHERE id IN ('00000000-0000-0000-0000-000000000000', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF');
INSERT INTO t VALUES (md5('new {n}')::uuid, {n});
DELETE FROM t WHERE id = md5('{1..200}')::uuid;
UPDATE t SET id = md5(id::text)::uuid WHERE id = md5('{1..200}')::uuid;
