INSERT INTO t VALUES (1000 + {n}, '12', '13', '14', '-1:00', '1999', '7');
UPDATE t SET a = {NULL|'0'|'4095'}, b = {NULL|'0'|'4095'}, c = {NULL|'7'}, d = {NULL|'-838:59:59'|'7'}, e = {NULL|'70'|'2155'}, f = {NULL|'1 02:03:04.5'} WHERE id = {1..60};
DELETE FROM t WHERE id = {1..60};
