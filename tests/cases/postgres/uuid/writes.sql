UPDATE t SET u = {'ffffffff-ffff-ffff-ffff-ffffffffffff'|NULL}, s = md5('{n}') WHERE id = {1..200};
UPDATE t SET kept = md5('w{n}')::uuid WHERE id = {1..200};
INSERT INTO t VALUES (1000 + {n}, md5('u{n}')::uuid, NULL, md5('i{n}')::uuid);
DELETE FROM t WHERE id = {1..200};
UPDATE t SET id = id + 100000 WHERE id = {1..200};
