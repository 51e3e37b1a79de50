SELECT add_one({1..150});
SELECT put(1000 + {n});
DELETE FROM t WHERE id = {1..150};
