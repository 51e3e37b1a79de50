UPDATE t SET e = '{red|blue}' WHERE id = {1..150};
