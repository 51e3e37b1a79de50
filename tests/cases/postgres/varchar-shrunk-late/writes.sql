UPDATE t SET v = 'w' WHERE id = {1..150};
UPDATE t SET v = '123456' WHERE id = 75;
