UPDATE t SET o = {1|4294967295|NULL}, c = {'pg_class'|'pg_type'|'12345'}, y = {'int'|'numeric'} WHERE id = {1..153};
UPDATE t SET l = '0/{10..99}', p = '{1..5}:10:7', x8 = '{n}', d = '({n},1)' WHERE id = {1..153};
INSERT INTO t (id, o) VALUES (1000 + {n}, {n});
DELETE FROM t WHERE id = {1..153};
