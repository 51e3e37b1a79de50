INSERT INTO a (id, w) VALUES (1000 + {n}, {n});
UPDATE b SET s = {1..99} WHERE id = {1..150};
DELETE FROM b WHERE id = {1..150};
DELETE FROM t WHERE id = {1..150};
