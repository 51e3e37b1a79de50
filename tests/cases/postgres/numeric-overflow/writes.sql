UPDATE t SET s = s + 1 WHERE id = {1..150};
