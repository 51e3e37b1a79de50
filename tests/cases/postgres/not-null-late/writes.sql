UPDATE t SET v = {1..9} WHERE id = {1..150};
UPDATE t SET v = NULL WHERE id = 75;
