UPDATE t SET n = n + 1 WHERE id = {1..150};
UPDATE t SET mail = 'm1@example.org' WHERE id = 150;
