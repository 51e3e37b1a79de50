UPDATE t SET i = {'10.0.0.1'|'10.0.0.1/8'|'fe80::1/64'|NULL}, c = {'10.0.0.0/8'|'::1/128'} WHERE id = {1..204};
UPDATE t SET m = {'01:02:03:04:05:06'|NULL}, m8 = {'01:02:03:04:05:06:07:08'|NULL} WHERE id = {1..204};
INSERT INTO t (id, i) VALUES (1000 + {n}, inet '10.0.0.0' + {n});
DELETE FROM t WHERE id = {1..204};
UPDATE t SET id = id + 100000 WHERE id = {1..204};
