UPDATE app.t SET v = v + 1 WHERE id = {1..150};
INSERT INTO app.t (v) VALUES ({n});
INSERT INTO t VALUES ({n}, 'the other one');
DELETE FROM app.t WHERE id = {1..150};
