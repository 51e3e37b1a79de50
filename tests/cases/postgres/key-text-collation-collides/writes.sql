UPDATE t SET v = v + 1 WHERE name = 'key {1..150}';
