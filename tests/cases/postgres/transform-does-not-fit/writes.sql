UPDATE t SET w = w + 1 WHERE id = {1..150};
