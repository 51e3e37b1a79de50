UPDATE t SET p = {7|NULL}, plain = {1|NULL}, f = {'a'|' '} WHERE id = {1..200};
UPDATE t SET w = {1|99999|NULL}, l = {ARRAY[1, NULL, 3]|NULL} WHERE id = {1..200};
UPDATE t SET f = '' WHERE id = 1000 + {n};
INSERT INTO t (id, plain) VALUES (1000 + {n}, {n});
DELETE FROM t WHERE id = {1..200};
