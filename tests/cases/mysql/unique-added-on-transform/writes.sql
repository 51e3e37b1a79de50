UPDATE t SET name = CONCAT(name, 'x') WHERE id = {1..150};
