UPDATE t SET pt = {'(1,2)'|'(-0,0)'|NULL}, p = {'(0,0)'|'(-0,0)'|NULL} WHERE id = {1..203};
UPDATE t SET open = pclose(open), closed = popen(closed), c = {'<(0,0),2>'|'<(-0,0),2>'} WHERE id = {1..203};
UPDATE t SET g = {'((0,0),(0,1),(1,0))'|'((0,1),(1,0),(0,0))'}, b = '({n},1),(0,{n})' WHERE id = {1..203};
INSERT INTO t (id, p) VALUES (1000 + {n}, point({n}, 0.1));
DELETE FROM t WHERE id = {1..203};
UPDATE t SET id = id + 100000 WHERE id = {1..203};
